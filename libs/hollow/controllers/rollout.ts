import type { Condition, KubeObject, LabelSelector, PodTemplate } from '../objects.js';
import type { ReplicaSet } from './replicaset.js';

export interface Deployment extends KubeObject {
  spec: {
    replicas: number;
    paused?: boolean;
    minReadySeconds?: number;
    progressDeadlineSeconds?: number;
    revisionHistoryLimit?: number;
    selector: LabelSelector;
    strategy: { type: string; rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string } };
    template: PodTemplate;
  };
  status?: { conditions?: readonly Condition[]; [field: string]: unknown };
}

export interface Scaling {
  set: ReplicaSet;
  replicas: number;
}

const availableOf = (set: ReplicaSet): number => Math.min(set.status?.availableReplicas ?? 0, set.spec.replicas);
const total = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number): number =>
  sets.reduce((sum, set) => sum + count(set), 0);

/** `25%` of `whole`, or the number itself. */
export function share(value: number | string | undefined, whole: number, round: (exact: number) => number): number {
  if (typeof value === 'string' && value.endsWith('%')) return round((Number.parseFloat(value) * whole) / 100);
  return Number(value ?? 0);
}

/** The deployment controller's limits: surge rounds up, unavailable down, and never are both nothing. */
export function rollingLimits({ spec }: Deployment): { surge: number; unavailable: number } {
  if (spec.strategy.type !== 'RollingUpdate') return { surge: 0, unavailable: spec.replicas };
  const surge = share(spec.strategy.rollingUpdate?.maxSurge, spec.replicas, Math.ceil);
  const unavailable = share(spec.strategy.rollingUpdate?.maxUnavailable, spec.replicas, Math.floor);
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

/** What each set is to be scaled to now. Pure; called again whenever a set's status moves. */
export function rolloutStep(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Scaling[] {
  const wanted = deployment.spec.replicas;
  if (deployment.spec.paused === true || fresh === undefined) {
    const newest = fresh ?? [...old].sort((a, b) => b.spec.replicas - a.spec.replicas)[0];
    const others = total(
      [...old, ...(fresh ? [fresh] : [])].filter((set) => set !== newest),
      (set) => set.spec.replicas,
    );
    return newest === undefined ? [] : [{ set: newest, replicas: Math.max(0, wanted - others) }];
  }
  if (deployment.spec.strategy.type === 'Recreate') return recreateStep(wanted, fresh, old);
  return rollingStep(deployment, fresh, old);
}

function recreateStep(wanted: number, fresh: ReplicaSet, old: readonly ReplicaSet[]): Scaling[] {
  const stillThere = old.some((set) => set.spec.replicas > 0 || (set.status?.replicas ?? 0) > 0);
  return stillThere ? old.map((set) => ({ set, replicas: 0 })) : [{ set: fresh, replicas: wanted }];
}

function rollingStep(deployment: Deployment, fresh: ReplicaSet, old: readonly ReplicaSet[]): Scaling[] {
  const wanted = deployment.spec.replicas;
  const { surge, unavailable } = rollingLimits(deployment);
  // Pods that a set was told to let go still count until it has.
  const oldTotal = total(old, (set) => Math.max(set.spec.replicas, set.status?.replicas ?? 0));
  const room = wanted + surge - oldTotal - fresh.spec.replicas;
  const freshReplicas =
    fresh.spec.replicas > wanted
      ? wanted
      : fresh.spec.replicas + Math.max(0, Math.min(room, wanted - fresh.spec.replicas));
  return [{ set: fresh, replicas: freshReplicas }, ...oldSteps(fresh, old, wanted - unavailable)];
}

/** Old pods that are not available go first; the rest only while `minAvailable` stay. */
function oldSteps(fresh: ReplicaSet, old: readonly ReplicaSet[], minAvailable: number): Scaling[] {
  const all = total(old, (set) => set.spec.replicas) + fresh.spec.replicas;
  const freshMissing = fresh.spec.replicas - availableOf(fresh);
  let cleanup = Math.max(0, all - minAvailable - freshMissing);
  let spare = Math.max(0, total([fresh, ...old], availableOf) - minAvailable);
  return old
    .filter((set) => set.spec.replicas > 0)
    .map((set) => {
      const broken = Math.min(cleanup, set.spec.replicas - availableOf(set));
      cleanup -= broken;
      const healthy = Math.min(spare, cleanup, availableOf(set));
      spare -= healthy;
      cleanup -= healthy;
      return { set, replicas: set.spec.replicas - broken - healthy };
    });
}
