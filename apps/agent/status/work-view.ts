import type { ObjectStatus, WorkPhase, WorkStatus } from '#domain';
import { type ObservedStatus, type OwnedObject, type OwnedWatch, workStatus } from '#kube';
import type { HeldWork } from '../work/held-works.js';
import { isNamespace } from '../work/plan.js';

/** A work as the agent reports it: what is in the cluster, and how far its own hands have come. Pure. */
export function statusOf(workId: string, held: HeldWork | undefined, watch: OwnedWatch): WorkStatus {
  const objects = watch.objectsOf(workId);
  const observed = workStatus(objects, watch.podsOf(workId));
  const namespace = held?.work.namespace ?? objects[0]?.namespace;
  const namespaces = watch.objectsOf('').filter((object) => isNamespace(object) && object.name === namespace);
  const failure = held?.failure;
  return {
    workId,
    generation: held?.confirmed ?? 0n,
    phase: held === undefined ? observed.phase : phaseOf(held, observed),
    replicas: observed.replicas,
    reasons: [
      ...(failure === undefined ? [] : [{ reason: failure.reason, message: failure.message, count: 1 }]),
      ...observed.reasons,
    ],
    objects: [...observed.objects, ...namespaces.map(objectStatus)],
  };
}

/** What still serves is degraded by a failed change; what never came up has failed. */
function phaseOf({ failure, confirmed, work }: HeldWork, observed: ObservedStatus): WorkPhase {
  const serves = confirmed > 0n && (observed.phase === 'ready' || observed.phase === 'degraded');
  if (failure !== undefined && !failure.isPassing) return serves ? 'degraded' : 'failed';
  if (failure !== undefined && serves) return 'degraded';
  if (confirmed < work.generation) return observed.phase === 'degraded' ? 'degraded' : 'applying';
  return observed.phase;
}

const objectStatus = (object: OwnedObject): ObjectStatus => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  namespace: object.namespace,
  name: object.name,
  uid: object.uid,
  resourceVersion: object.resourceVersion,
  ready: object.readiness.state === 'ready',
});

/** The pods that the work's objects ask for have been seen, so that they are in the inventory. */
export function arePodsSeen(workId: string, watch: OwnedWatch): boolean {
  const objects = watch.objectsOf(workId);
  const { phase, replicas } = workStatus(objects, []);
  if (phase === 'ready' || objects.length === 0) return true;
  const living = watch.podsOf(workId).filter((pod) => !pod.deleting && pod.state !== 'ended');
  return living.length >= replicas.desired;
}
