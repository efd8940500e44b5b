import {
  berthAnnotations,
  berthLabels,
  fieldManager,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type ObjectRef,
} from '#domain';
import type { ApplyOptions, KubeClient } from '../client/client.js';
import { ClusterUnreachable, InvalidObject, isNotFound, PreconditionConflict, ServerFault } from '../client/errors.js';
import { at, identityOf, listAt, textAt, textsAt } from '../client/objects.js';
import { valueAt, withoutFields } from '../ownership/field-path.js';
import { appliersOf, ownedFields, owns } from '../ownership/managed-fields.js';
import { lostOf, replicasOf, replicasPath, type WholeOrder, yieldedOf } from './hold.js';
import type { ApplyBounds, Bounds, DeletionResult, LiveObject, Stamp } from './port.js';
import { isMark, withoutTemplateMarks } from './template-marks.js';

/** Holds `spec.replicas` while it passes from Berth to an autoscaler or back: nobody else has it alone, and so nobody resets it. */
const handOverManager = 'berth-handover';

/** Holds the marks of what was there before, so that no later apply of Berth's has to repeat them. */
const adoptionManager = 'berth-adoption';
const ownManagers: ReadonlySet<unknown> = new Set([fieldManager, handOverManager, adoptionManager]);

/** No object has this version: an apply that names it can only create. */
const neverStored = '1';

export function stamped(manifest: JsonObject, { labels = {}, annotations = {} }: Stamp): JsonObject {
  const metadata = {
    ...(typeof manifest.metadata === 'object' && !Array.isArray(manifest.metadata) ? manifest.metadata : {}),
    labels: { ...textsAt(manifest, 'metadata', 'labels'), ...labels },
    annotations: { ...textsAt(manifest, 'metadata', 'annotations'), ...annotations },
  };
  return { ...manifest, metadata };
}

/** With what the server is to compare before it writes. */
export function expecting(manifest: JsonObject, expect: ApplyBounds['expect']): JsonObject {
  if (expect === undefined) return manifest;
  const metadata = isJsonObject(manifest.metadata) ? manifest.metadata : {};
  if (expect === 'absent') return { ...manifest, metadata: { ...metadata, resourceVersion: neverStored } };
  const { uid, resourceVersion } = expect;
  return { ...manifest, metadata: { ...metadata, uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) } };
}

/** Servers call another uid an invalid change of it, where they find an object, and a conflict, where they find none. */
export async function applied(client: KubeClient, manifest: JsonObject, options: ApplyOptions) {
  try {
    return await client.apply(manifest, options);
  } catch (cause) {
    if (cause instanceof ServerFault && isNewService(manifest)) return createdService(client, manifest, options, cause);
    if (!(cause instanceof InvalidObject) || !cause.fields.some(({ field }) => field === 'metadata.uid')) throw cause;
    throw new PreconditionConflict({ call: cause.call, status: cause.status }, 'the object has another uid', { cause });
  }
}

const isNewService = ({ apiVersion, kind, metadata }: JsonObject): boolean =>
  apiVersion === 'v1' && kind === 'Service' && isJsonObject(metadata) && metadata.resourceVersion === neverStored;

/** Until Kubernetes 1.22 a Service that is to be created may name no version, not even to say so: a look has to do. */
async function createdService(client: KubeClient, manifest: JsonObject, options: ApplyOptions, cause: ServerFault) {
  const { resourceVersion: _, ...metadata } = isJsonObject(manifest.metadata) ? manifest.metadata : {};
  const created = { ...manifest, metadata };
  if ((await find(client, identityOf(created), options)) === undefined) return await client.apply(created, options);
  throw new PreconditionConflict({ call: cause.call, status: cause.status }, 'the Service is there already', { cause });
}

export async function find(client: KubeClient, ref: ObjectRef, bounds: Bounds): Promise<JsonObject | undefined> {
  try {
    return await client.get(ref, bounds);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** One look at an object, held against what is ordered. */
export async function look(
  client: KubeClient,
  { manifest, reclaims = false }: WholeOrder,
  bounds: Bounds,
): Promise<LiveObject | undefined> {
  const object = await find(client, identityOf(manifest), bounds);
  if (object === undefined) return undefined;
  const labels = textsAt(object, 'metadata', 'labels');
  const annotations = textsAt(object, 'metadata', 'annotations');
  const adopted = annotations[berthAnnotations.adopted] === 'true';
  const yielded = reclaims ? [] : yieldedOf(annotations[berthAnnotations.yielded]);
  const wanted = withoutFields(adopted ? withoutTemplateMarks(manifest) : manifest, yielded);
  const owned = ownedFields(object);
  return {
    ...identityOf(object),
    isApplied: owned !== undefined,
    managedBy: labels[berthLabels.managedBy] ?? '',
    workId: labels[berthLabels.work] ?? '',
    adopted,
    appliers: appliersOf(object).filter((manager) => !ownManagers.has(manager)),
    yielded,
    replicas: replicasOf(object),
    hasReplicas: owns(owned, replicasPath),
    lost: lostOf(object, wanted).map(({ segments, lost }) => ({
      ...lost,
      holders: lost.holders.filter(({ manager }) => !ownManagers.has(manager)),
      segments,
      ordered: valueAt(wanted, segments),
      found: valueAt(object, segments),
    })),
  };
}

/** Whether the server would take this as a new object: then what it refuses of it is the change alone. */
export async function isCreatable(client: KubeClient, manifest: JsonObject, bounds: Bounds): Promise<boolean> {
  const metadata = isJsonObject(manifest.metadata) ? manifest.metadata : {};
  const name = `${textAt(metadata, 'name')
    .slice(0, 40)
    .replace(/[^a-z0-9]+$/, '')}-berth-trial`;
  try {
    await client.apply({ ...manifest, metadata: { ...metadata, name } }, { ...bounds, dryRun: true });
    return true;
  } catch (error) {
    if (error instanceof InvalidObject) return false;
    throw error;
  }
}

const replicasOnly = (
  { apiVersion, kind, namespace, name }: ObjectRef,
  uid: string,
  replicas?: number,
): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace, uid },
  ...(replicas === undefined ? {} : { spec: { replicas } }),
});

/** Another manager gets the number that there is, so that Berth may leave it without a reset. */
export async function shareReplicas(
  client: KubeClient,
  ref: ObjectRef & { uid: string },
  replicas: number,
  bounds: Bounds,
): Promise<void> {
  await client.apply(replicasOnly(ref, ref.uid, replicas), { ...bounds, fieldManager: handOverManager });
}

/** Sets the number, whoever had it: the tenant has given it back to Berth. For this one field, and no other. */
export async function takeReplicas(
  client: KubeClient,
  ref: ObjectRef & { uid: string },
  replicas: number,
  bounds: Bounds,
): Promise<void> {
  await client.apply(replicasOnly(ref, ref.uid, replicas), { ...bounds, fieldManager: handOverManager, force: true });
}

export async function releaseReplicas(
  client: KubeClient,
  ref: ObjectRef & { uid: string },
  bounds: Bounds,
): Promise<void> {
  await client.apply(replicasOnly(ref, ref.uid), { ...bounds, fieldManager: handOverManager });
}

export async function markAdopted(client: KubeClient, object: LiveObject, bounds: Bounds): Promise<void> {
  const { apiVersion, kind, namespace, name, uid, resourceVersion, managedBy } = object;
  const annotations = {
    [berthAnnotations.adopted]: 'true',
    ...(managedBy === '' ? {} : { [berthAnnotations.managedBefore]: managedBy }),
  };
  const metadata = { name, namespace, uid, resourceVersion, annotations };
  await applied(client, { apiVersion, kind, metadata }, { ...bounds, fieldManager: adoptionManager });
}

const pointer = (...path: readonly string[]): string =>
  path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** What takes Berth's marks off an object, and nothing else, if it is still the one that was looked at. */
function unmarking(object: JsonObject): JsonObject[] {
  const { uid, resourceVersion } = identityOf(object);
  const before = textsAt(object, 'metadata', 'annotations')[berthAnnotations.managedBefore];
  const test = (path: string, value: JsonValue): JsonObject => ({ op: 'test', path, value });
  return [
    test('/metadata/uid', uid),
    test('/metadata/resourceVersion', resourceVersion),
    ...withoutMarks(object, ['metadata', 'labels'], before),
    ...withoutMarks(object, ['metadata', 'annotations']),
    // whoever takes these off a template that makes pods by itself makes them anew
    ...withoutMarks(object, ['spec', 'jobTemplate', 'spec', 'template', 'metadata', 'labels']),
    ...withoutOurEntries(listAt(object, 'metadata', 'managedFields')),
  ];
}

/** A map that had nothing but marks was not there before them. */
function withoutMarks(object: JsonObject, path: readonly string[], managedBefore?: string): JsonObject[] {
  const entries = Object.entries(textsAt(object, ...path));
  const marks = entries.filter(([key, value]) => isMark(key, value)).map(([key]) => key);
  if (marks.length > 0 && marks.length === entries.length && managedBefore === undefined) {
    const around = at(object, ...path.slice(0, -1));
    const isAlone = isJsonObject(around) && Object.keys(around).length === 1;
    return [{ op: 'remove', path: pointer(...(isAlone ? path.slice(0, -1) : path)) }];
  }
  return marks.map((key) =>
    key === berthLabels.managedBy && managedBefore !== undefined
      ? { op: 'replace', path: pointer(...path, key), value: managedBefore }
      : { op: 'remove', path: pointer(...path, key) },
  );
}

/** An empty apply would remove what Berth alone has; taking its entry off leaves every field as it is. */
function withoutOurEntries(entries: readonly JsonObject[]): JsonObject[] {
  const left = entries.filter(({ manager }) => !ownManagers.has(manager));
  if (left.length === entries.length) return [];
  // an empty list is taken for none given; one empty entry is how the API says "no managers"
  return [{ op: 'replace', path: '/metadata/managedFields', value: left.length === 0 ? [{}] : left }];
}

export async function letGo(
  client: KubeClient,
  target: ObjectRef & { uid: string },
  bounds: Bounds,
): Promise<DeletionResult> {
  const done = (outcome: DeletionResult['outcome'], message = ''): DeletionResult => ({ outcome, left: [], message });
  for (let tries = 1; ; tries++) {
    const object = await find(client, target, bounds);
    if (object === undefined) return done('absent');
    const { uid } = identityOf(object);
    if (uid !== target.uid) return done('replaced', `an object of that name has uid ${uid}`);
    try {
      await client.patchJson(target, unmarking(object), bounds);
      return done('let-go');
    } catch (error) {
      if (isNotFound(error)) return done('absent');
      // a failed test of the patch: somebody wrote in between
      const isLate = error instanceof InvalidObject || error instanceof PreconditionConflict;
      if (!isLate || tries >= 5) throw error;
    }
  }
}

const isEstablished = (definition: JsonObject): boolean =>
  listAt(definition, 'status', 'conditions').some(({ type, status }) => type === 'Established' && status === 'True');

/** Resolves when the kinds of a CustomResourceDefinition are served, and found. Throws `ClusterUnreachable` when that takes too long. */
export async function established(client: KubeClient, name: string, bounds: Bounds): Promise<void> {
  const { clock, sleep } = client.timing;
  const { signal = new AbortController().signal, timeoutMs = 30_000 } = bounds;
  const ref = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', namespace: '', name };
  const deadline = clock.now() + timeoutMs;
  while (!isEstablished(await client.get(ref, bounds))) {
    if (clock.now() >= deadline)
      throw new ClusterUnreachable({ call: `establish ${name}` }, `not established within ${timeoutMs} ms`);
    await sleep(100, signal);
  }
  await client.discovery({ ...bounds, refresh: true });
}
