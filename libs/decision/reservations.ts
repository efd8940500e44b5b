import { addResources, type Ids, noResources, type Resources, subtractResources } from '#domain';
import type { placementStore } from '#store';

type Reservation = placementStore.Reservation;

const resourceNames = ['mcpu', 'memoryBytes', 'pods'] as const;

/** Component by component, never below zero. */
export const excess = (a: Resources, b: Resources): Resources => ({
  mcpu: Math.max(0, a.mcpu - b.mcpu),
  memoryBytes: Math.max(0, a.memoryBytes - b.memoryBytes),
  pods: Math.max(0, a.pods - b.pods),
});

export const isNothing = (amount: Resources): boolean => resourceNames.every((resource) => amount[resource] === 0);

export const reservedBy = (reservations: readonly Reservation[]): Resources =>
  reservations.reduce((sum, { amount }) => addResources(sum, amount), noResources);

/** What a component is to have in one cluster: nothing is `undefined`. */
export interface Need {
  replicas: number;
  perReplica: Resources;
  amount: Resources;
  /** Which nodes its pods may go to; absent: any without taints. */
  rules?: placementStore.NodeRules | undefined;
  /** What its pods together are expected to use beyond `amount`; absent: nothing. */
  expected?: placementStore.ExpectedUse | undefined;
}

/** Pods that run already and stay where they are when they grow no larger. */
export function keptPods(before: readonly Reservation[], perReplica: Resources): number {
  const held = before.find((each) => each.state === 'held');
  if (held === undefined) return 0;
  return resourceNames.every((resource) => held.perReplica[resource] >= perReplica[resource]) ? held.replicas : 0;
}

/**
 * A work's reservations once it is to have `need`. What is needed is held; what was reserved beyond it, held or already
 * releasing, is releasing until the agent reports `generation` without surplus pods. Nothing is freed here.
 */
export function nextReservations(
  before: readonly Reservation[],
  need: Need | undefined,
  at: { sequence: bigint; generation: bigint },
  ids: Ids,
): Reservation[] {
  const held = before.find((each) => each.state === 'held');
  const releasing = before.find((each) => each.state === 'releasing');
  const next: Reservation[] = [];
  if (need !== undefined) {
    const grown = held === undefined || need.replicas > held.replicas || keptPods(before, need.perReplica) === 0;
    next.push({
      id: held?.id ?? ids.uuid(),
      state: 'held',
      ...need,
      admittedAt: isExpectedMore(held?.expected, need.expected) ? undefined : held?.admittedAt,
      // What did not grow is already in the member's figures.
      workSequence: held === undefined || grown ? at.sequence : held.workSequence,
      workGeneration: at.generation,
    });
  }
  const rest = excess(reservedBy(before), need?.amount ?? noResources);
  if (isNothing(rest)) return next;
  const earlier = held ?? releasing;
  return [
    ...next,
    {
      id: releasing?.id ?? (need === undefined && held !== undefined ? held.id : ids.uuid()),
      state: 'releasing',
      replicas: Math.max(0, (earlier?.replicas ?? 0) - (need?.replicas ?? 0)),
      perReplica: earlier?.perReplica ?? noResources,
      amount: rest,
      workSequence: at.sequence,
      workGeneration: at.generation,
    },
  ];
}

/** Then the measure cannot show it yet. */
const isExpectedMore = (
  before: placementStore.ExpectedUse | undefined,
  after: placementStore.ExpectedUse | undefined,
): boolean =>
  after !== undefined && (after.mcpu > (before?.mcpu ?? 0) || after.memoryBytes > (before?.memoryBytes ?? 0));

/** How the sum of a work's reservations changes. */
export const reservedDelta = (before: readonly Reservation[], after: readonly Reservation[]): Resources =>
  subtractResources(reservedBy(after), reservedBy(before));
