import { type Api, type ObjectRef, type WriteOptions } from '../api/api.js';
import { type DeleteOptions, deleteObject } from '../api/deletion.js';
import { jsonPatch, mergePatch, strategicMergePatch } from '../api/patches.js';
import { fieldsAt, isFields, type KubeObject } from '../objects.js';
import { ApiError, badRequest } from '../status.js';
import type { AuditEntry } from './audit.js';
import { selection } from './list.js';
import type { ResourceRequest } from './request.js';
import { scaledObject, scaleOf } from './scale.js';

export interface WriteRequest {
  target: ResourceRequest;
  method: string;
  contentType: string;
  body: unknown;
  query: URLSearchParams;
  userAgent: string;
}

export interface Answer {
  code: number;
  body: unknown;
  warnings?: readonly string[];
}

export function verbOf({ method, contentType, target }: WriteRequest): AuditEntry['verb'] {
  if (method === 'POST') return 'create';
  if (method === 'PUT') return 'update';
  if (method === 'DELETE') return target.name === undefined ? 'deletecollection' : 'delete';
  return contentType.startsWith('application/apply-patch') ? 'apply' : 'patch';
}

export function writeOptions({ query, userAgent, target }: WriteRequest): WriteOptions {
  const manager = query.get('fieldManager') || userAgent.split('/')[0] || 'unknown';
  const fieldValidation = query.get('fieldValidation');
  return {
    manager,
    dryRun: query.getAll('dryRun').includes('All'),
    force: query.get('force') === 'true',
    warnings: [],
    ...(target.subresource === undefined ? {} : { subresource: target.subresource }),
    ...(fieldValidation === null ? {} : { fieldValidation }),
  };
}

/** Carries a mutating request out. */
export function carryOut(api: Api, request: WriteRequest): Answer {
  const { target, method } = request;
  const options = writeOptions(request);
  const { resource, name, namespace = '' } = target;
  if (method === 'POST' && name !== undefined) return postSubresource(api, request, { resource, namespace, name });
  if (method === 'POST') {
    const home = resource.namespaced ? namespace || String(fieldsAt(request.body, 'metadata').namespace ?? '') : '';
    if (resource.namespaced && home === '') throw badRequest('an object of this kind needs a namespace');
    return { code: 201, body: api.create(resource, home, request.body, options), ...warned(options) };
  }
  if (name === undefined) return { code: 200, body: deleteAll(api, request) };
  const ref: ObjectRef = { resource, namespace, name };
  if (method === 'DELETE') return deleteOne(api, ref, deleteOptions(request));
  if (target.subresource === 'scale') return rescale(api, ref, request, options);
  if (target.subresource === 'finalize') return { code: 200, body: finalize(api, ref, request.body) };
  if (method === 'PUT') return { code: 200, body: api.update(ref, request.body, options), ...warned(options) };
  return patch(api, ref, request, options);
}

const warned = ({ warnings = [] }: WriteOptions) => (warnings.length === 0 ? {} : { warnings });

function patch(api: Api, ref: ObjectRef, request: WriteRequest, options: WriteOptions): Answer {
  const { contentType, body, query } = request;
  if (contentType.startsWith('application/apply-patch')) {
    if (!query.get('fieldManager')) throw managerRequired();
    const { object, created } = api.apply(ref, body, options);
    return { code: created ? 201 : 200, body: object };
  }
  const live = api.get(ref);
  return { code: 200, body: api.update(ref, patched(ref, contentType, live, body), options), ...warned(options) };
}

const managerRequired = () =>
  new ApiError(
    422,
    'Invalid',
    'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    {
      group: 'meta.k8s.io',
      kind: 'PatchOptions',
      causes: [
        { reason: 'FieldValueRequired', message: 'Required value: is required for apply patch', field: 'fieldManager' },
      ],
    },
  );

function patched(ref: ObjectRef, contentType: string, live: unknown, body: unknown): unknown {
  switch (contentType.split(';')[0]?.trim()) {
    case 'application/merge-patch+json':
      return mergePatch(live, body);
    case 'application/strategic-merge-patch+json':
      if (ref.resource.schema !== undefined) throw unknownPatch('');
      return strategicMergePatch(ref.resource.type, live, body);
    case 'application/json-patch+json':
      return jsonPatch(live, body);
    default:
      throw unknownPatch('application/strategic-merge-patch+json, ');
  }
}

const unknownPatch = (strategic: string) =>
  new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, ${strategic}application/apply-patch+yaml`,
  );

/** DeleteOptions from the body and, where that is silent, from the query. */
export function deleteOptions({ body, query }: WriteRequest): DeleteOptions {
  const given = isFields(body) ? body : {};
  const { uid, resourceVersion } = fieldsAt(given, 'preconditions');
  const grace = given.gracePeriodSeconds ?? query.get('gracePeriodSeconds') ?? undefined;
  const policy =
    given.propagationPolicy ??
    query.get('propagationPolicy') ??
    (given.orphanDependents === true ? 'Orphan' : undefined);
  if (policy !== undefined && policy !== 'Orphan' && policy !== 'Background' && policy !== 'Foreground')
    throw badRequest(
      `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: ${JSON.stringify(policy)}`,
    );
  const dryRun =
    query.getAll('dryRun').includes('All') || (Array.isArray(given.dryRun) && given.dryRun.includes('All'));
  return {
    dryRun,
    ...(typeof uid === 'string' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
    ...(grace === undefined ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
  };
}

function deleteOne(api: Api, ref: ObjectRef, options: DeleteOptions): Answer {
  const { object, gone } = deleteObject(api, ref, options);
  if (!gone || ref.resource.builtIn === 'Pod') return { code: 200, body: object };
  const { group, plural } = ref.resource;
  const details = { name: ref.name, ...(group === '' ? {} : { group }), kind: plural, uid: object.metadata.uid };
  return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
}

function deleteAll(api: Api, request: WriteRequest) {
  const { resource, namespace } = request.target;
  const selected = selection(request.target, request.query);
  const doomed = [...api.store.objects(resource, namespace || undefined)].filter(selected);
  const items = doomed.map(({ metadata }) =>
    deleteObject(api, { resource, namespace: metadata.namespace ?? '', name: metadata.name }, deleteOptions(request)),
  );
  const metadata = { resourceVersion: String(api.store.revision) };
  return { kind: `${resource.kind}List`, apiVersion: 'v1', metadata, items: items.map(({ object }) => object) };
}

/** Eviction is a delete that a disruption budget may refuse; hollow clusters keep budgets but do not count by them. */
function postSubresource(api: Api, request: WriteRequest, ref: ObjectRef): Answer {
  if (request.target.subresource !== 'eviction')
    throw new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
  deleteObject(api, ref, deleteOptions({ ...request, body: fieldsAt(request.body, 'deleteOptions') }));
  return { code: 201, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } };
}

function finalize(api: Api, ref: ObjectRef, body: unknown): KubeObject {
  const live = api.get(ref);
  const next = { ...live, spec: { ...fieldsAt(live, 'spec'), finalizers: fieldsAt(body, 'spec').finalizers ?? [] } };
  return api.isFinished(next) ? api.store.remove(ref.resource, next) : api.store.put(ref.resource, next);
}

function rescale(api: Api, ref: ObjectRef, request: WriteRequest, options: WriteOptions): Answer {
  const live = api.get(ref);
  const wanted =
    request.method === 'PUT' ? request.body : patched(ref, request.contentType, scaleOf(live), request.body);
  const next = api.update(ref, scaledObject(live, wanted), options);
  return { code: 200, body: scaleOf(next) };
}
