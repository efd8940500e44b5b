import { controllerOf, type KubeObject, type LabelSelector, type Pod, type PodTemplate } from '../objects.js';
import { resourceNamed } from '../resources.js';
import {
  type ControllerContext,
  createUnlessRefused,
  reconcileEach,
  remove,
  withoutZeros,
  writeStatus,
} from './context.js';
import { availableAtMs, bySurplus, isActive, isReady, podFrom } from './pods.js';

export interface ReplicaSet extends KubeObject {
  spec: { replicas: number; minReadySeconds?: number; selector: LabelSelector; template: PodTemplate };
  status?: { replicas?: number; readyReplicas?: number; availableReplicas?: number };
}

const replicaSets = resourceNamed('replicasets');
const pods = resourceNamed('pods');

/** Calls `enqueue` with the controller of every pod that changed, when it is of `kind`. */
export function followPods(context: ControllerContext, kind: string, enqueue: (owner: KubeObject) => void): void {
  context.store.listen(pods, ({ object }) => {
    const owner = controllerOf(object);
    const found = owner?.kind === kind ? context.owners.object(owner.uid) : undefined;
    if (found !== undefined) enqueue(found);
  });
}

/** How many of the pods are available now; rings again when the next one becomes so. */
export function countAvailable(
  context: ControllerContext,
  list: readonly Pod[],
  minReadySeconds: number,
  again: () => void,
) {
  const nowMs = context.api.nowMs;
  let available = 0;
  let nextMs = Number.POSITIVE_INFINITY;
  for (const pod of list) {
    const atMs = availableAtMs(pod, minReadySeconds);
    if (atMs !== undefined && atMs <= nowMs) available += 1;
    else if (atMs !== undefined) nextMs = Math.min(nextMs, atMs);
  }
  if (Number.isFinite(nextMs)) context.alarms.after(nextMs - nowMs, again);
  return available;
}

export function startReplicaSets(context: ControllerContext): void {
  const enqueue = reconcileEach<ReplicaSet>(context, replicaSets, (set) => reconcile(context, set, () => enqueue(set)));
  followPods(context, 'ReplicaSet', enqueue);
}

function reconcile(context: ControllerContext, set: ReplicaSet, again: () => void): void {
  const all = context.owners.controlled<Pod>(set.metadata.uid, 'Pod');
  const active = all.filter(isActive);
  const surplus = active.length - set.spec.replicas;
  if (set.metadata.deletionTimestamp === undefined) {
    for (let missing = -surplus; missing > 0; missing -= 1)
      createUnlessRefused(context, pods, set.metadata.namespace ?? '', podFrom(set, set.spec.template));
    if (surplus > 0) for (const pod of [...active].sort(bySurplus).slice(0, surplus)) remove(context, pod);
  }
  const left = context.owners.controlled<Pod>(set.metadata.uid, 'Pod').filter(isActive);
  const counts = withoutZeros({
    fullyLabeledReplicas: left.length,
    readyReplicas: left.filter(isReady).length,
    availableReplicas: countAvailable(context, left, set.spec.minReadySeconds ?? 0, again),
    observedGeneration: set.metadata.generation ?? 0,
  });
  writeStatus(context, set, { replicas: left.length, ...counts });
}
