import type { KubeObject } from '../objects.js';
import { apiVersionOf } from '../resources.js';
import { type ObjectFilter, parseFieldSelector, parseLabelSelector } from '../selectors.js';
import { badRequest } from '../status.js';
import type { ObjectStore } from '../store.js';
import type { ResourceRequest } from './request.js';

/** The objects that `labelSelector`, `fieldSelector` and a name in the path select. */
export function selection(request: ResourceRequest, query: URLSearchParams): ObjectFilter {
  const byLabels = parseLabelSelector(query.get('labelSelector') ?? '');
  const byFields = parseFieldSelector(query.get('fieldSelector') ?? '');
  const { namespace, name } = request;
  return (object) =>
    (!namespace || object.metadata.namespace === namespace) &&
    (name === undefined || object.metadata.name === name) &&
    byLabels(object) &&
    byFields(object);
}

const keyOf = ({ metadata }: KubeObject) => `${metadata.namespace ?? ''}/${metadata.name}`;

/** A list answer: in order of namespace and name, in pages when `limit` says so. */
export function listAnswer(store: ObjectStore, request: ResourceRequest, query: URLSearchParams) {
  const { resource, namespace } = request;
  const selected = selection(request, query);
  const all = [...store.objects(resource, namespace || undefined)].filter(selected);
  const keyed = all.map((object) => ({ key: keyOf(object), object })).sort((a, b) => (a.key < b.key ? -1 : 1));
  const after = decodeContinue(query.get('continue'));
  const rest = after === undefined ? keyed : keyed.filter(({ key }) => key > after.key);
  const limit = Number(query.get('limit') ?? 0);
  const page = limit > 0 ? rest.slice(0, limit) : rest;
  const last = page.at(-1);
  const left = rest.length - page.length;
  const revision = after?.revision ?? String(store.revision);
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: revision,
      ...(left > 0 && last !== undefined
        ? { continue: encodeContinue(last.key, revision), remainingItemCount: left }
        : {}),
    },
    // items of custom kinds say what they are, others do not
    items: page.map(({ object: { kind, apiVersion, ...item } }) =>
      resource.schema === undefined ? item : { apiVersion, kind, ...item },
    ),
  };
}

function encodeContinue(key: string, revision: string): string {
  return Buffer.from(JSON.stringify({ v: 'hollow', key, revision })).toString('base64url');
}

function decodeContinue(token: string | null): { key: string; revision: string } | undefined {
  if (token === null || token === '') return undefined;
  try {
    const { key, revision } = JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>;
    return { key: String(key), revision: String(revision) };
  } catch (cause) {
    throw Object.assign(badRequest('continue key is not valid'), { cause });
  }
}
