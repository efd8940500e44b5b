import { createHash } from 'node:crypto';
import {
  berthAnnotations,
  berthLabels,
  canonicalJson,
  isJsonObject,
  type JsonObject,
  type ObjectRef,
  type Work,
} from '#domain';
import { identityOf, type OwnedObject, type Stamp } from '#kube';
import { inOrder } from './order.js';

/** One object of a work as it is to be: the manifest, what is stamped on it, and the digest that names both. */
export interface WantedObject {
  key: string;
  ref: ObjectRef;
  manifest: JsonObject;
  /** As it is created: with the number of replicas at which an autoscaler begins. */
  birth: JsonObject;
  /** An autoscaler says how many replicas there are: the manifest says nothing of it. */
  isAutoscaled: boolean;
  stamp: Stamp;
  /** What was left to others by an earlier policy is Berth's again. */
  reclaims: boolean;
  digest: string;
}

/**
 * What the last apply of an object gave; `seen` once the watch has shown it, `overdue` when it should have by now: it may
 * have shown it before the apply was answered, or never, and what it shows counts.
 */
export interface AppliedMark {
  ref: ObjectRef;
  uid: string;
  digest: string;
  /** It was there before Berth took it over. */
  adopted: boolean;
  seen: boolean;
  overdue?: boolean;
}

/** A server shows one object under every version of its group: the version is no part of what it is. */
export const objectKey = ({ apiVersion, kind, namespace, name }: ObjectRef): string => {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
  return `${group}/${kind}/${namespace}/${name}`;
};

export const isNamespace = ({ apiVersion, kind }: Pick<ObjectRef, 'apiVersion' | 'kind'>): boolean =>
  apiVersion === 'v1' && kind === 'Namespace';

/** The number of replicas that a workload orders; undefined for what has none. */
export function orderedReplicas(manifest: JsonObject): number | undefined {
  const { apiVersion, kind, spec } = manifest;
  const isScaled =
    apiVersion === 'apps/v1' && (kind === 'Deployment' || kind === 'StatefulSet' || kind === 'ReplicaSet');
  return isScaled && isJsonObject(spec) && typeof spec.replicas === 'number' ? spec.replicas : undefined;
}

function withoutReplicas(manifest: JsonObject): JsonObject {
  if (!isJsonObject(manifest.spec)) return manifest;
  const { replicas: _, ...spec } = manifest.spec;
  return { ...manifest, spec };
}

/** The objects of a work in the order in which they are applied. Its namespace is shared by many works and not theirs. */
export function wantedObjects(work: Work): WantedObject[] {
  const labels = { [berthLabels.managedBy]: berthLabels.managedByValue, [berthLabels.work]: work.id };
  const reclaims = work.policy.drift !== 'adopt';
  const wanted = work.objects.flatMap((birth): WantedObject[] => {
    const { apiVersion, kind, namespace, name } = identityOf(birth);
    const ref = { apiVersion, kind, namespace, name };
    if (isNamespace(ref)) return [];
    const isAutoscaled = work.policy.replicasOwner === 'autoscaler' && orderedReplicas(birth) !== undefined;
    const manifest = isAutoscaled ? withoutReplicas(birth) : birth;
    const digest = createHash('sha256').update(canonicalJson({ manifest, labels })).digest('hex').slice(0, 32);
    const annotations = {
      [berthAnnotations.generation]: work.generation.toString(),
      [berthAnnotations.digest]: digest,
      ...(isAutoscaled ? { [berthAnnotations.replicas]: 'autoscaler' } : {}),
    };
    const stamp = { labels, annotations };
    return [{ key: objectKey(ref), ref, manifest, birth, isAutoscaled, reclaims, stamp, digest }];
  });
  return inOrder(wanted);
}

/**
 * What is left to apply. An object that carries its digest is as ordered; one that was applied and that the watch has
 * not shown yet is on its way. What the work does not name is left alone: missing from a work is no order to delete.
 */
export function remaining(
  wanted: readonly WantedObject[],
  observed: ReadonlyMap<string, OwnedObject>,
  applied: ReadonlyMap<string, AppliedMark>,
): WantedObject[] {
  return wanted.filter(({ key, digest }) => {
    const there = observed.get(key);
    if (there?.digest === digest) return false;
    const mark = applied.get(key);
    const isAwaited = mark?.digest === digest && !mark.seen && mark.overdue !== true;
    const isUnderWay = isAwaited && (there === undefined || there.uid === mark.uid);
    return !isUnderWay;
  });
}

/** Every object is in the cluster, as ordered, by what the watch shows. */
export const isConfirmed = (wanted: readonly WantedObject[], observed: ReadonlyMap<string, OwnedObject>): boolean =>
  wanted.every(({ key, digest }) => observed.get(key)?.digest === digest);
