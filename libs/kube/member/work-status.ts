import type { ObjectStatus, ReplicaCounts, StatusReason, WorkPhase, WorkStatus } from '#domain';
import type { PodView } from './pods.js';
import type { OwnedObject } from './port.js';
import { brief } from './summaries.js';

/** What the agent adds: which work, and which generation it has brought the objects to. */
export type ObservedStatus = Omit<WorkStatus, 'workId' | 'generation' | 'findings'>;

/** More reasons than this say nothing more; the most frequent are kept. */
const mostReasons = 10;
const longestMessage = 500;
const longestReason = 100;
const mostReplicas = 2 ** 31 - 1;

function mergeReasons(all: readonly { reason: string; message: string }[]): StatusReason[] {
  const merged = new Map<string, StatusReason>();
  for (const { reason, message } of all) {
    const word = brief(reason, longestReason);
    const known = merged.get(word);
    if (known === undefined) merged.set(word, { reason: word, message: brief(message, longestMessage), count: 1 });
    else known.count += 1;
  }
  return [...merged.values()].sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)).slice(0, mostReasons);
}

/** `failing` outranks `progressing`: what cannot come up by itself must not look as if it were on its way. */
function phaseOf(objects: readonly OwnedObject[], pods: readonly PodView[]): WorkPhase {
  if (objects.length === 0) return 'pending';
  const states = new Set(objects.map((object) => object.readiness.state));
  if (states.has('failed')) return 'failed';
  if (states.has('degraded')) return 'degraded';
  if (!states.has('progressing')) return 'ready';
  const isHurt = pods.some((pod) => !pod.deleting && (pod.state === 'failing' || pod.state === 'unready'));
  return isHurt ? 'degraded' : 'applying';
}

function countReplicas(objects: readonly OwnedObject[], pods: readonly PodView[]): ReplicaCounts {
  const counts = { desired: 0, updated: 0, ready: 0, unavailable: 0, restarts: 0 };
  for (const { readiness } of objects) {
    if (readiness.replicas === undefined) continue;
    const { desired, updated, ready } = readiness.replicas;
    counts.desired += desired;
    counts.updated += Math.min(updated, desired);
    counts.ready += Math.min(ready, desired);
    counts.unavailable += Math.max(0, desired - ready);
  }
  for (const pod of pods) counts.restarts += pod.restarts;
  const fits = (count: number) => Math.min(mostReplicas, count);
  return {
    desired: fits(counts.desired),
    updated: fits(counts.updated),
    ready: fits(counts.ready),
    unavailable: fits(counts.unavailable),
    restarts: fits(counts.restarts),
  };
}

/** How a work is, from its objects and pods in the cluster. `pods` may hold ended and deleted ones. */
export function workStatus(objects: readonly OwnedObject[], pods: readonly PodView[]): ObservedStatus {
  const phase = phaseOf(objects, pods);
  const fromObjects = objects.filter((o) => o.readiness.reason !== '').map((o) => o.readiness);
  const living = pods.filter((pod) => !pod.deleting && pod.state !== 'succeeded');
  const fromPods = phase === 'ready' ? [] : living.flatMap((pod) => pod.reasons);
  return {
    phase,
    replicas: countReplicas(objects, pods),
    reasons: mergeReasons([...fromObjects, ...fromPods]),
    objects: objects.map(objectStatus),
  };
}

/** One object as it is reported. */
export const objectStatus = (object: OwnedObject): ObjectStatus => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  namespace: object.namespace,
  name: object.name,
  uid: object.uid,
  resourceVersion: object.resourceVersion,
  ready: object.readiness.state === 'ready',
  summary: object.readiness.summary,
  adopted: object.adopted,
});
