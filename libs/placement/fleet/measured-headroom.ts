import type { ExpectedUse } from '../request.js';
import type { ClusterState } from './cluster-state.js';

/** How full clusters are made by measure, in thousandths of what is allocatable. */
export const bestEffort = {
  /** Best-effort pods are admitted up to here. */
  ceilingPermille: 850,
  /** Some are evicted when the measure is above this, until it is expected at the ceiling. */
  highWaterPermille: 900,
  /** Counts a tenth more than was measured. */
  safetyPermille: 1100,
} as const;

export const usedResources = ['mcpu', 'memoryBytes'] as const;

/**
 * What best-effort pods may still be expected to use: ceiling − measure × safety − what was admitted and need not be in
 * the measure yet. Below zero when the cluster is fuller; undefined without a fresh measure.
 */
export function measuredHeadroom(
  state: Pick<ClusterState, 'allocatable' | 'measured' | 'measureFresh' | 'unmeasured'>,
): ExpectedUse | undefined {
  const { allocatable, measured, measureFresh, unmeasured } = state;
  if (measured === undefined || !measureFresh) return undefined;
  const of = (resource: (typeof usedResources)[number]): number =>
    Math.floor((allocatable[resource] * bestEffort.ceilingPermille) / 1000) -
    Math.ceil((measured[resource] * bestEffort.safetyPermille) / 1000) -
    (unmeasured?.[resource] ?? 0);
  return { mcpu: of('mcpu'), memoryBytes: of('memoryBytes') };
}

/** Headroom by slot, with what decisions have handed out since; −∞ where there is no fresh measure. */
export class MeasuredHeadroom {
  readonly #rows: (ExpectedUse | undefined)[] = [];

  write(slot: number, state: ClusterState): void {
    this.#rows[slot] = measuredHeadroom(state);
  }

  of(slot: number): ExpectedUse | undefined {
    return this.#rows[slot];
  }

  take(slot: number, { mcpu, memoryBytes }: ExpectedUse): void {
    const row = this.#rows[slot];
    if (row !== undefined) this.#rows[slot] = { mcpu: row.mcpu - mcpu, memoryBytes: row.memoryBytes - memoryBytes };
  }
}
