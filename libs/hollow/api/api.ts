import type { Clock } from '../alarms.js';
import type { Chance } from '../chance.js';
import { type Fields, fieldsAt, isFields, type KubeObject, type ObjectMeta, rfc3339, sameJson } from '../objects.js';
import {
  applyConflict,
  changesBetween,
  conflictsOf,
  formatManagers,
  type Manager,
  type ManagerId,
  managersOf,
  sameManager,
  withoutUnowned,
  yieldTo,
} from '../ownership/managers.js';
import { abandoned, difference, PathSet, union } from '../ownership/path-set.js';
import { merge, namedFields, without } from '../ownership/typed.js';
import { apiVersionOf, type ResourceKind, resourceNamed } from '../resources.js';
import { declaredOnly, problemsOf } from '../schema/check.js';
import { withSchemaDefaults } from '../schema/values.js';
import {
  ApiError,
  alreadyExists,
  badRequest,
  conflict,
  type FieldError,
  invalid,
  notFound,
  stale,
  terminating,
} from '../status.js';
import type { ObjectStore } from '../store.js';
import { ServiceAddresses } from './addresses.js';
import { withDefaults } from './defaults.js';
import { omit, systemMeta, withMetaOf, withoutNulls } from './object-parts.js';
import { hasGeneration, initialStatus, prepared, startsGeneration } from './strategy.js';
import { validate, validateChange } from './validation.js';

export interface WriteOptions {
  /** Field manager; the request's own or what the user agent says before the slash. */
  manager: string;
  dryRun?: boolean;
  /** Only `status` writes another part than the main resource. */
  subresource?: string;
  fieldValidation?: string;
  /** Server-side apply: take what others own. */
  force?: boolean;
  /** Filled with what was dropped: unknown fields. */
  warnings?: string[];
}

export interface ObjectRef {
  resource: ResourceKind;
  namespace: string;
  name: string;
}

export interface ApiParts {
  store: ObjectStore;
  clock: Clock;
  chance: Chance;
}

const namespaces = resourceNamed('namespaces');
const nameRequired: FieldError = {
  field: 'metadata.name',
  reason: 'FieldValueRequired',
  message: 'Required value: name or generateName is required',
};

/** What the API server does to an object between request and store: defaults, checks, ownership, versions. */
export class Api {
  readonly store: ObjectStore;
  private readonly addresses: ServiceAddresses;

  constructor(private readonly parts: ApiParts) {
    this.store = parts.store;
    this.addresses = new ServiceAddresses(parts.store);
  }

  get nowMs(): number {
    return this.parts.clock.now();
  }

  get(ref: ObjectRef): KubeObject {
    const found = this.store.get(ref.resource, ref.namespace, ref.name);
    if (found === undefined) throw notFound(ref.resource, ref.name);
    return found;
  }

  create(resource: ResourceKind, namespace: string, body: unknown, options: WriteOptions): KubeObject {
    const given = this.decoded(resource, body, options);
    const { generateName } = given.metadata;
    const name = given.metadata.name || (generateName ? generateName + this.parts.chance.suffix() : '');
    if (name === '') throw invalid(resource, '', [nameRequired]);
    const ref = { resource, namespace, name };
    if (this.store.get(resource, namespace, name) !== undefined) throw alreadyExists(resource, name);
    const fresh = this.fresh(ref, given);
    const changes = changesBetween(resource.type, undefined, fresh);
    const fields = withoutUnowned(changes.added, undefined, resource.subresources.includes('status'));
    return this.insert(resource, fresh, [{ ...idOf(resource, options, 'Update'), fields }], options);
  }

  /** PUT, and the end of every patch but apply. */
  update(ref: ObjectRef, body: unknown, options: WriteOptions): KubeObject {
    const live = this.get(ref);
    const given = this.decoded(ref.resource, body, options);
    this.checkIdentity(ref, live, given.metadata);
    const next = this.successor(ref.resource, live, given, options);
    const managers = managersGiven(given, live);
    const id = idOf(ref.resource, options, 'Update');
    const changes = changesBetween(ref.resource.type, live, next);
    const touched = union(changes.modified, changes.added);
    const hasStatus = ref.resource.subresources.includes('status');
    const own = managers.find((manager) => sameManager(manager, id))?.fields ?? new PathSet();
    const fields = union(difference(own, changes.removed), withoutUnowned(touched, options.subresource, hasStatus));
    const others = yieldTo(managers, id, changes).filter((manager) => !sameManager(manager, id));
    return this.replace(ref, live, next, [...others, { ...id, fields }], options);
  }

  /** Server-side apply. `created` tells which of 200 and 201 it was. */
  apply(ref: ObjectRef, config: unknown, options: WriteOptions): { object: KubeObject; created: boolean } {
    const { resource } = ref;
    const given = this.appliedConfig(ref, config);
    const live = this.store.get(resource, ref.namespace, ref.name);
    if (live === undefined) return { object: this.applyNew(ref, given, options), created: true };
    const type = resource.type;
    const id = idOf(resource, options, 'Apply');
    const hasStatus = resource.subresources.includes('status');
    const named = withoutUnowned(namedFields(type, given), options.subresource, hasStatus);
    const before = managersOf(live);
    const last = before.find((manager) => sameManager(manager, id))?.fields ?? new PathSet();
    const managers = [...before.filter((manager) => !sameManager(manager, id)), { ...id, fields: named }];
    const kept = managers.reduce((all, manager) => union(all, manager.fields), new PathSet());
    const part = options.subresource === 'status' ? { status: given.status } : omit(given, hasStatus ? ['status'] : []);
    const merged = merge(type, live, withMetaOf(live, part));
    const next = without(type, merged, abandoned(last, kept)) as KubeObject;
    const changes = changesBetween(resource.type, live, next);
    const conflicts = conflictsOf(managers, id, changes);
    if (conflicts.length > 0 && options.force !== true) throw applyConflict(conflicts);
    this.checkIdentity(ref, live, given.metadata);
    return { object: this.replace(ref, live, next, yieldTo(managers, id, changes), options), created: false };
  }

  /** Writes an object that already went through all checks, keeping its managers but for `changed` ones. */
  replace(ref: ObjectRef, live: KubeObject, next: KubeObject, managers: readonly Manager[], options: WriteOptions) {
    const { resource } = ref;
    let complete = options.subresource === 'status' ? next : this.completed(resource, next, live);
    complete = { ...complete, metadata: { ...complete.metadata, ...systemMeta(live.metadata) } };
    if (options.subresource !== 'status') {
      validateChange(resource, live, complete);
      validate(resource, complete);
      if (startsGeneration(resource, live, complete))
        complete.metadata.generation = (live.metadata.generation ?? 0) + 1;
    } else if (resource.schema !== undefined) validate(resource, complete);
    const entries = formatManagers(managers, managersOf(live), this.nowMs);
    if (entries.length > 0) complete.metadata.managedFields = entries;
    else delete complete.metadata.managedFields;
    if (sameJson(live, complete)) return live;
    if (options.dryRun === true) return complete;
    return this.isFinished(complete) ? this.store.remove(resource, complete) : this.store.put(resource, complete);
  }

  /** Nothing holds a deleted object any more. */
  isFinished({ kind, metadata, spec }: KubeObject): boolean {
    if (metadata.deletionTimestamp === undefined || (metadata.finalizers ?? []).length > 0) return false;
    const held = kind === 'Namespace' ? fieldsAt({ spec }, 'spec').finalizers : undefined;
    return (metadata.deletionGracePeriodSeconds ?? 0) === 0 && !(Array.isArray(held) && held.length > 0);
  }

  private applyNew(ref: ObjectRef, given: KubeObject, options: WriteOptions): KubeObject {
    const { resource } = ref;
    if (options.subresource !== undefined) throw notFound(resource, ref.name);
    if (given.metadata.uid)
      throw conflict(
        resource,
        ref.name,
        `uid mismatch: the provided object specified uid ${given.metadata.uid}, and no existing object was found`,
      );
    const hasStatus = resource.subresources.includes('status');
    const fields = withoutUnowned(namedFields(resource.type, given), undefined, hasStatus);
    return this.insert(resource, this.fresh(ref, given), [{ ...idOf(resource, options, 'Apply'), fields }], options);
  }

  /** The applied object as the schema types it. Throws as the server does: 400 for its frame, 500 for its fields. */
  private appliedConfig(ref: ObjectRef, config: unknown): KubeObject {
    const { resource, namespace, name } = ref;
    if (!isFields(config)) throw badRequest('the applied object must be an object');
    const { apiVersion = '' } = config;
    if (apiVersion !== apiVersionOf(resource))
      throw badRequest(
        `Incorrect version specified in apply patch. Specified patch version: ${String(apiVersion)}, expected: ${apiVersionOf(resource)}`,
      );
    const given = this.framed(resource, withoutNulls(config));
    if (given.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
    if (given.metadata.name !== name)
      throw badRequest(`the name of the object (${given.metadata.name}) does not match the name on the URL (${name})`);
    if (resource.namespaced && given.metadata.namespace !== undefined && given.metadata.namespace !== namespace)
      throw badRequest(
        `the namespace of the object (${given.metadata.namespace}) does not match the namespace on the request (${namespace})`,
      );
    const problems = problemsOf(resource.type, given);
    if (problems.length === 0) return declaredOnly(resource.type, given) as KubeObject;
    const said = problems.map(({ path, message }) => `${path}: ${message}`);
    const where = `${resource.namespaced ? `${namespace}/` : ''}${name}; ${apiVersionOf(resource)}, Kind=${resource.kind}`;
    const text = said.length === 1 ? said[0] : `errors:\n${said.map((line) => `  ${line}`).join('\n')}`;
    throw new ApiError(500, '', `failed to create typed patch object (${where}): ${text}`);
  }

  private decoded(resource: ResourceKind, body: unknown, options: WriteOptions): KubeObject {
    if (!isFields(body)) throw badRequest('the request body must be an object');
    const framed = this.framed(resource, body);
    const type = resource.type;
    const problems = problemsOf(type, framed);
    // a custom kind's types are checked with all else that its schema says
    const broken = resource.schema === undefined ? problems.find(({ kind }) => kind === 'type') : undefined;
    if (broken !== undefined)
      throw badRequest(
        `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${broken.path.slice(1)}: ${broken.message}`,
      );
    const unknown = problems
      .filter(({ kind }) => kind === 'unknown')
      .map(({ path }) => `unknown field "${path.slice(1)}"`);
    if (unknown.length > 0 && options.fieldValidation === 'Strict')
      throw badRequest(
        `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: strict decoding error: ${unknown.join(', ')}`,
      );
    if (options.fieldValidation !== 'Ignore') options.warnings?.push(...unknown);
    return declaredOnly(type, framed) as KubeObject;
  }

  private framed(resource: ResourceKind, body: Fields): KubeObject {
    const apiVersion = apiVersionOf(resource);
    if ((body.kind ?? resource.kind) !== resource.kind || (body.apiVersion ?? apiVersion) !== apiVersion)
      throw badRequest(
        `the API version in the data (${String(body.apiVersion)}, Kind=${String(body.kind)}) does not match the expected API version (${apiVersion}, Kind=${resource.kind})`,
      );
    if (body.metadata !== undefined && !isFields(body.metadata)) throw badRequest('metadata must be an object');
    return {
      ...body,
      apiVersion,
      kind: resource.kind,
      metadata: { ...fieldsAt(body, 'metadata') } as unknown,
    } as KubeObject;
  }

  private checkIdentity({ resource, name }: ObjectRef, live: KubeObject, given: Partial<ObjectMeta>): void {
    if (given.name !== undefined && given.name !== name)
      throw badRequest(`the name of the object (${given.name}) does not match the name on the URL (${name})`);
    if (given.uid !== undefined && given.uid !== live.metadata.uid)
      throw conflict(
        resource,
        name,
        `Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${live.metadata.uid}`,
      );
    if (given.resourceVersion && given.resourceVersion !== live.metadata.resourceVersion) throw stale(resource, name);
  }

  /** `given` as the next state of `live`, each part taken from whoever may write it at this endpoint. */
  private successor(resource: ResourceKind, live: KubeObject, given: KubeObject, options: WriteOptions): KubeObject {
    if (options.subresource === 'status') return { ...live, status: given.status };
    const { namespace, ...metadata } = live.metadata;
    const next: KubeObject = {
      ...given,
      metadata: { ...given.metadata, ...systemMeta(metadata), ...(namespace === undefined ? {} : { namespace }) },
    };
    if (resource.subresources.includes('status')) {
      if (live.status === undefined) delete next.status;
      else next.status = live.status;
    }
    return next;
  }

  private fresh({ resource, namespace, name }: ObjectRef, given: KubeObject): KubeObject {
    const { uid, resourceVersion, selfLink, managedFields, deletionTimestamp, ...metadata } =
      given.metadata as ObjectMeta & Fields;
    const meta: ObjectMeta = {
      ...metadata,
      name,
      ...(resource.namespaced ? { namespace } : {}),
      uid: this.parts.chance.uuid(),
      resourceVersion: '',
      creationTimestamp: rfc3339(this.nowMs),
      ...(hasGeneration(resource) ? { generation: 1 } : {}),
    };
    const status = initialStatus(resource, given);
    const { status: _, ...rest } = given;
    const object = { ...rest, metadata: meta, ...(status === undefined ? {} : { status }) } as KubeObject;
    return prepared(resource, this.completed(resource, object, undefined));
  }

  /** With the server's defaults, or those of a custom kind's schema. `before`: what it replaces. */
  private completed(resource: ResourceKind, object: KubeObject, before: KubeObject | undefined): KubeObject {
    if (resource.schema !== undefined) return withSchemaDefaults(resource.schema, object) as KubeObject;
    const complete = withDefaults(object);
    return resource.builtIn === 'Service' ? this.addresses.assign(complete, before) : complete;
  }

  private insert(
    resource: ResourceKind,
    fresh: KubeObject,
    managers: readonly Manager[],
    options: WriteOptions,
  ): KubeObject {
    if (resource.namespaced) this.admitInto(resource, fresh);
    validate(resource, fresh);
    const entries = formatManagers(managers, [], this.nowMs);
    const object = { ...fresh, metadata: { ...fresh.metadata, managedFields: entries } };
    return options.dryRun === true ? object : this.store.put(resource, object);
  }

  private admitInto(resource: ResourceKind, { metadata }: KubeObject): void {
    const { name, namespace = '' } = metadata;
    const home = this.store.get(namespaces, '', namespace);
    if (home === undefined) throw notFound(namespaces, namespace);
    if (home.metadata.deletionTimestamp !== undefined) throw terminating(resource, name, namespace);
  }
}

/** A write may edit the managers themselves; one empty entry is how it says that there are none. */
function managersGiven(given: KubeObject, live: KubeObject): Manager[] {
  const { managedFields = [] } = given.metadata;
  if (managedFields.length === 0) return managersOf(live);
  return managersOf(given).filter(({ manager }) => manager !== undefined);
}

function idOf(resource: ResourceKind, options: WriteOptions, operation: ManagerId['operation']): ManagerId {
  return {
    manager: options.manager,
    operation,
    apiVersion: apiVersionOf(resource),
    ...(options.subresource === undefined ? {} : { subresource: options.subresource }),
  };
}
