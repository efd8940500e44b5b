import { cleanupFinalizer } from '../api/deletion.js';
import { CustomKind, versionsOf } from '../custom-kind.js';
import { type Condition, type Fields, fieldsAt, type KubeObject, rfc3339 } from '../objects.js';
import { resourceNamed } from '../resources.js';
import { type ControllerContext, current, reconcileEach, refOf, remove } from './context.js';
import { dropFinalizer } from './garbage.js';

const definitions = resourceNamed('customresourcedefinitions');

/** Serves what CustomResourceDefinitions define, and takes it away, objects first, when they are deleted. */
export function startDefinitions(context: ControllerContext): void {
  const { store, registry } = context;
  const enqueue = reconcileEach(context, definitions, (definition) => reconcile(context, definition));
  store.listen('all', ({ type, resource, object }) => {
    if (type !== 'DELETED') return;
    if (resource instanceof CustomKind) {
      const definition = store.get(definitions, '', resource.definitionName);
      if (definition?.metadata.deletionTimestamp !== undefined) enqueue(definition);
    } else if (resource === definitions) {
      registry.withdraw(object.metadata.name);
      // one that had to wait for its names may have them now
      for (const other of store.objects(definitions)) enqueue(other);
    }
  });
}

function reconcile(context: ControllerContext, definition: KubeObject): void {
  if (definition.metadata.deletionTimestamp !== undefined) {
    finish(context, definition);
    return;
  }
  const taken = nameTaken(context, definition);
  if (taken === undefined) serve(context, definition);
  const names = fieldsAt(definition, 'spec', 'names');
  const before = fieldsAt(definition, 'status');
  const isServed = context.registry.definedBy(definition.metadata.name) !== undefined;
  writeStatus(context, definition, {
    acceptedNames: taken === undefined ? names : (before.acceptedNames ?? { kind: '', plural: '' }),
    storedVersions: storedVersions(definition),
    conditions: conditions(context, definition, [
      taken === undefined
        ? ['NamesAccepted', 'True', 'NoConflicts', 'no conflicts found']
        : ['NamesAccepted', 'False', 'NameConflict', `${JSON.stringify(taken)} is already in use`],
      isServed
        ? ['Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted']
        : ['Established', 'False', 'NotAccepted', 'not all names are accepted, or the stored version is not served'],
    ]),
  });
}

/** Begins to serve the kind, or goes by its changed schema; objects of another version become of the new one. */
function serve({ registry, store }: ControllerContext, definition: KubeObject): void {
  const kind = registry.define(definition);
  if (kind === undefined) return;
  const apiVersion = `${kind.group}/${kind.version}`;
  for (const object of [...store.objects(kind)])
    if (object.apiVersion !== apiVersion) store.put(kind, { ...object, apiVersion });
}

/** The first of its names that another kind of its group has. */
function nameTaken({ registry }: ControllerContext, definition: KubeObject): string | undefined {
  const { group, names } = fieldsAt(definition, 'spec');
  const { kind, singular, shortNames } = fieldsAt({ names }, 'names');
  const wanted = [kind, singular, ...(Array.isArray(shortNames) ? shortNames : [])].map(String);
  const others = registry.all.filter(
    (other) =>
      other.group === group && !(other instanceof CustomKind && other.definitionName === definition.metadata.name),
  );
  const used = new Set(others.flatMap((other) => [other.kind, other.singular, other.plural, ...other.shortNames]));
  return wanted.find((name) => used.has(name));
}

function storedVersions(definition: KubeObject): string[] {
  const { storedVersions: before } = fieldsAt(definition, 'status');
  const stored = versionsOf(definition).find(({ storage }) => storage === true)?.name;
  return [...new Set([...(Array.isArray(before) ? before.map(String) : []), String(stored)])];
}

type Said = readonly [type: string, status: string, reason: string, message: string];

function conditions({ api }: ControllerContext, definition: KubeObject, said: readonly Said[]): Condition[] {
  const { conditions: given } = fieldsAt(definition, 'status');
  const before = Array.isArray(given) ? (given as Condition[]) : [];
  const kept = before.filter((old) => !said.some(([type]) => type === old.type));
  const now = rfc3339(api.nowMs);
  const fresh = said.map(([type, status, reason, message]) => {
    const old = before.find((condition) => condition.type === type);
    const lastTransitionTime = old?.status === status ? (old.lastTransitionTime ?? now) : now;
    return { type, status, reason, message, lastTransitionTime };
  });
  return [...kept, ...fresh];
}

function finish(context: ControllerContext, definition: KubeObject): void {
  const { registry, store } = context;
  const kind = registry.definedBy(definition.metadata.name);
  const said: Said = ['Terminating', 'True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress'];
  const status = fieldsAt(definition, 'status');
  writeStatus(context, definition, { ...status, conditions: conditions(context, definition, [said]) });
  const objects = kind === undefined ? [] : [...store.objects(kind)];
  for (const object of objects)
    if (object.metadata.deletionTimestamp === undefined) remove(context, object, { propagationPolicy: 'Background' });
  if (kind === undefined || store.count(kind) === 0) dropFinalizer(context, definition, cleanupFinalizer);
}

function writeStatus(context: ControllerContext, definition: KubeObject, status: Fields): void {
  const live = current(context, definition);
  if (live === undefined) return;
  const options = { manager: 'kube-apiserver', subresource: 'status' };
  context.api.update(refOf(context, live), { ...live, status }, options);
}
