import {
  type Findings,
  noFindings,
  type ObjectStatus,
  type StatusReason,
  type WorkPhase,
  type WorkStatus,
} from '#domain';
import { type ObservedStatus, type OwnedObject, type OwnedWatch, objectStatus, type PodView, workStatus } from '#kube';
import type { ApplyFailure } from '../work/failure.js';
import { isLiving } from '../work/handed-back.js';
import type { HeldWork } from '../work/held-works.js';
import { isConfirmed, isNamespace, objectKey } from '../work/plan.js';

/** A work as the agent reports it: what is in the cluster, and how far its own hands have come. Pure. */
export function statusOf(workId: string, held: HeldWork | undefined, watch: OwnedWatch): WorkStatus {
  const objects = watch.objectsOf(workId);
  const pods = podsOf(workId, held, watch);
  const observed = workStatus(objects, pods);
  const namespace = held?.work.namespace ?? objects[0]?.namespace;
  const namespaces = namespace === undefined ? [] : namespacesOf(namespace, watch);
  const failure = held?.failure;
  return {
    workId,
    generation: held?.confirmed ?? 0n,
    phase: held === undefined ? unorderedPhase(observed.phase) : phaseOf(held, observed, objects),
    replicas: observed.replicas,
    reasons: [
      ...(held === undefined || failure === undefined ? [] : [reasonOf(failure, held.work.generation)]),
      ...(held?.notes.reasons ?? []),
      ...handedBack(workId, held, watch),
      ...observed.reasons,
    ],
    objects: [
      ...observed.objects,
      ...namespaces.map(objectStatus),
      ...(held === undefined ? [] : unseen(held, namespaces.length > 0)),
      ...podsToGo(held, observed, pods),
    ],
    findings: findingsOf(workId, held, watch),
  };
}

/** Those that count as the work's: not the ones that were handed back with what made them. */
const podsOf = (workId: string, held: HeldWork | undefined, watch: OwnedWatch): PodView[] =>
  held?.isHandedBack === true ? watch.podsOf(workId).filter((pod) => !isLiving(pod)) : watch.podsOf(workId);

/** The store frees what was reserved for them only once an inventory counts them as foreign. */
function handedBack(workId: string, held: HeldWork | undefined, watch: OwnedWatch): StatusReason[] {
  if (held?.isHandedBack !== true) return [];
  const count = watch.podsOf(workId).filter(isLiving).length;
  return count === 0
    ? []
    : [{ reason: 'PodsHandedBack', message: 'they live on with the object that was let go', count }];
}

/** Of what no order is known yet nothing is as ordered, however well it runs. */
const unorderedPhase = (phase: WorkPhase): WorkPhase => (phase === 'ready' ? 'applying' : phase);

/** What could heal by itself refuses nothing yet. */
export const reasonOf = ({ reason, message, isPassing }: ApplyFailure, generation: bigint): StatusReason => ({
  ...{ reason, message, count: 1 },
  ...(isPassing ? {} : { refusedGeneration: generation.toString() }),
});

/** What the cluster warns of, and what the agent itself found and did. */
function findingsOf(workId: string, held: HeldWork | undefined, watch: OwnedWatch): Findings {
  const { drifts, conflicts, events } = held?.notes.findings ?? noFindings;
  return { drifts, conflicts, events: [...events, ...watch.eventsOf(workId)] };
}

export const namespacesOf = (name: string, watch: OwnedWatch): OwnedObject[] =>
  watch.objectsOf('').filter((object) => isNamespace(object) && object.name === name);

/** What was applied, is not wanted any more and was never shown by the watch: there all the same. */
function unseen({ wanted, applied, hands }: HeldWork, isNamespaceSeen: boolean): ObjectStatus[] {
  const kept = new Set(wanted.map(({ key }) => key));
  const made = [...applied].filter(([key, mark]) => !mark.seen && !kept.has(key)).map(([, mark]) => mark);
  const namespace = isNamespaceSeen || hands.namespace === undefined ? [] : [hands.namespace];
  const all = [...made.map(({ ref, uid, adopted }) => ({ ...ref, uid, adopted })), ...namespace];
  return all.map(({ apiVersion, kind, namespace: home, name, uid, ...rest }) => ({
    ...{ apiVersion, kind, namespace: home, name, uid, resourceVersion: '', ready: false, summary: '' },
    adopted: 'adopted' in rest && rest.adopted,
  }));
}

/** Pods that take their room although they are wanted no more: on their way out, or beyond what is desired. */
function podsToGo(
  held: HeldWork | undefined,
  { replicas, objects }: ObservedStatus,
  pods: readonly PodView[],
): ObjectStatus[] {
  const listed = new Set(objects.map(({ uid }) => uid));
  const there = pods.filter(({ state, uid }) => state !== 'succeeded' && state !== 'ended' && !listed.has(uid));
  const living = there.filter(({ deleting }) => !deleting);
  const isSurplus = held?.wanted.length === 0 || living.length > replicas.desired;
  return (isSurplus ? there : there.filter(({ deleting }) => deleting)).map(({ namespace, name, uid, state }) => ({
    ...{ apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    ...{ resourceVersion: '', ready: state === 'ready', summary: '', adopted: false },
  }));
}

/** What still serves is degraded by a failed change; what never came up has failed. */
function phaseOf(held: HeldWork, observed: ObservedStatus, objects: readonly OwnedObject[]): WorkPhase {
  const { failure, confirmed, work, wanted } = held;
  const serves = confirmed > 0n && (observed.phase === 'ready' || observed.phase === 'degraded');
  if (failure !== undefined && !failure.isPassing) return serves ? 'degraded' : 'failed';
  if (failure !== undefined && serves) return 'degraded';
  if (confirmed < work.generation) return observed.phase === 'degraded' ? 'degraded' : 'applying';
  // once it was as ordered; somebody may have deleted a part of it since, or an older agent may have put it back
  const isAsOrdered = isConfirmed(wanted, new Map(objects.map((object) => [objectKey(object), object])));
  return observed.phase === 'ready' && !isAsOrdered ? 'applying' : observed.phase;
}

/** Kinds whose pods are there for as long as they are. */
const lastingKinds: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

/** Of a work that is wanted no more: its pods are gone, or on their way, or count as foreign. */
export const arePodsSettled = (held: HeldWork, watch: OwnedWatch): boolean =>
  held.isHandedBack || !watch.podsOf(held.work.id).some(isLiving);

/** The pods that the work's objects ask for are on nodes, so that the inventory has them; those on their way out still are. */
export function arePodsSeen(workId: string, watch: OwnedWatch): boolean {
  const objects = watch.objectsOf(workId);
  const { phase, replicas } = workStatus(objects, []);
  const isToLast = objects.some(({ kind }) => lastingKinds.has(kind));
  if (objects.length === 0 || (phase === 'ready' && !isToLast)) return true;
  const onNodes = watch.podsOf(workId).filter(({ isBound, state }) => isBound && state !== 'ended');
  return onNodes.length >= replicas.desired;
}
