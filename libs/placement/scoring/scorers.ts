import { stride } from '../fleet/figures.js';
import type { Snapshot } from '../fleet/snapshot.js';
import type { ClusterScorer, GroupAtCluster, GroupAtFleet } from '../plugin.js';

type Scoring = NonNullable<ClusterScorer['scoreAll']>;

const asksForDevices = ({ demands }: GroupAtFleet): boolean => demands.some(({ devices }) => devices !== undefined);

/** Thousandths of the devices of a cluster that are in use; 0 where there are none. */
function devicesUsed(snapshot: Snapshot, slot: number): number {
  const { free, total } = snapshot.classes(slot).devices();
  return total === 0 ? 0 : ((total - free) * 1000) / total;
}

/** What is left of 1000; a share that is whole but for a rounding error counts as whole. */
const left = (used: number): number => (used >= 1000 ? 0 : 1000 - Math.max(0, Math.floor(used + 1e-9)));

/**
 * What is left once the group is there, by requests or by p95 of measured use with a margin, whichever says less; the
 * fullest resource counts. Devices count for those that ask for some.
 */
function headroomAt(at: GroupAtCluster, safetyPermille: number): number {
  const { unit, slot, snapshot, room, holds } = at;
  const { figures } = snapshot;
  let fullest = (figures.measuredShare[slot] ?? 0) * safetyPermille;
  for (let resource = 0; resource < stride; resource++) {
    const cell = slot * stride + resource;
    const more = holds ? 0 : (unit[resource] ?? 0) * (figures.perUnit[cell] ?? 0);
    fullest = Math.max(fullest, figures.shareOf(cell, room.free(slot, resource)) + more);
  }
  return left(asksForDevices(at) ? Math.max(fullest, devicesUsed(snapshot, slot)) : fullest);
}

/** The same for many clusters, over the columns themselves: each costs a few nanoseconds. */
const headroomOfAll =
  (safetyPermille: number): Scoring =>
  ({ unit, snapshot }, scores, from, to) => {
    const { slots } = snapshot;
    const { share, perUnit, measuredShare } = snapshot.figures;
    const [mcpu = 0, memoryBytes = 0, pods = 0] = unit;
    for (let place = from; place < to; place++) {
      const slot = slots[place] ?? 0;
      const cell = slot * stride;
      let fullest = (measuredShare[slot] ?? 0) * safetyPermille;
      const byCpu = (share[cell] ?? 0) + mcpu * (perUnit[cell] ?? 0);
      if (byCpu > fullest) fullest = byCpu;
      const byMemory = (share[cell + 1] ?? 0) + memoryBytes * (perUnit[cell + 1] ?? 0);
      if (byMemory > fullest) fullest = byMemory;
      const byPods = (share[cell + 2] ?? 0) + pods * (perUnit[cell + 2] ?? 0);
      if (byPods > fullest) fullest = byPods;
      scores[place] = left(fullest);
    }
  };

const withDevices: Scoring = ({ snapshot }, scores, from, to) => {
  for (let place = from; place < to; place++)
    scores[place] = Math.min(scores[place] ?? 0, left(devicesUsed(snapshot, snapshot.slots[place] ?? 0)));
};

/** Prefers the emptiest cluster. Without a fresh measure, requests alone speak. */
export function headroom(safetyPermille: number, weight: number): ClusterScorer {
  const ofAll = headroomOfAll(safetyPermille);
  return {
    name: 'Headroom',
    weight,
    applies: ({ group }) => group.policy.strategy !== 'packing',
    scoreAll: (fleet, scores, from, to) => {
      ofAll(fleet, scores, from, to);
      if (asksForDevices(fleet)) withDevices(fleet, scores, from, to);
    },
    follow: (fleet) => `${fleet.unit.join(' ')}${asksForDevices(fleet) ? ' devices' : ''}`,
    score: (at) => headroomAt(at, safetyPermille),
  };
}

/** Prefers clusters whose CPU and memory are requested alike once the group is there, for the strategy `balance`. */
export const evenness = (weight: number): ClusterScorer => ({
  name: 'Evenness',
  weight,
  applies: ({ group }) => group.policy.strategy === 'balance',
  scoreAll: ({ unit, snapshot }, scores, from, to) => {
    const { share, perUnit } = snapshot.figures;
    const [mcpu = 0, memoryBytes = 0] = unit;
    for (let place = from; place < to; place++) {
      const cell = (snapshot.slots[place] ?? 0) * stride;
      const cpu = (share[cell] ?? 0) + mcpu * (perUnit[cell] ?? 0);
      scores[place] = left(Math.abs(cpu - (share[cell + 1] ?? 0) - memoryBytes * (perUnit[cell + 1] ?? 0)));
    }
  },
  follow: ({ unit }) => unit.join(' '),
  score: ({ unit, slot, snapshot, room, holds }) => {
    const { figures } = snapshot;
    const [cpu = 0, memory = 0] = [0, 1].map((resource) => {
      const cell = slot * stride + resource;
      const more = holds ? 0 : (unit[resource] ?? 0) * (figures.perUnit[cell] ?? 0);
      return figures.shareOf(cell, room.free(slot, resource)) + more;
    });
    return left(Math.abs(cpu - memory));
  },
});

/** Prefers clusters that hold a part of the group. Outweighs the rest: a better cluster alone moves nothing. */
export const sticky = (weight: number): ClusterScorer => ({
  name: 'Sticky',
  weight,
  keepsHeld: true,
  applies: ({ demands }) => demands.some(({ held }) => held.size > 0),
  scoreAll: () => undefined,
  score: ({ holds }) => (holds ? 1000 : 0),
});

/** Prefers regions that the application's other groups are not in. */
export const regionSpread = (weight: number): ClusterScorer => ({
  name: 'RegionSpread',
  weight,
  applies: ({ regionsInUse }) => regionsInUse.size > 0,
  score: ({ cluster, regionsInUse }) => {
    const inUse = regionsInUse.get(cluster.region);
    if (inUse === undefined) return 1000;
    return Math.floor(1000 / (1 + inUse.size - (inUse.has(cluster.id) ? 1 : 0)));
  },
});
