import { stride } from './figures.js';
import type { ClusterScorer, GroupAtCluster, GroupAtFleet } from './plugin.js';
import type { Snapshot } from './snapshot.js';

/** Thousandths that a resource is used to once so much more is there; of nothing, all is used. */
const share = (limit: number, free: number, more: number): number =>
  limit <= 0 ? 1000 : ((limit - free + more) * 1000) / limit;

const asksForDevices = ({ demands }: GroupAtFleet): boolean => demands.some(({ devices }) => devices !== undefined);

/** Thousandths of the devices of a cluster that are in use; 0 where there are none. */
function devicesUsed(snapshot: Snapshot, slot: number): number {
  const { free, total } = snapshot.classes(slot).devices();
  return total === 0 ? 0 : ((total - free) * 1000) / total;
}

const left = (used: number): number => (used >= 1000 ? 0 : 1000 - Math.max(0, Math.floor(used)));

/**
 * What is left once the group is there, by requests or by p95 of measured use with a margin, whichever says less; the
 * fullest resource counts. Devices count for those that ask for some.
 */
function headroomAt(at: GroupAtCluster, safetyPermille: number): number {
  const { unit, slot, snapshot, room, holds } = at;
  let fullest = (snapshot.figures.measuredShare[slot] ?? 0) * safetyPermille;
  for (let resource = 0; resource < stride; resource++) {
    const more = holds ? 0 : (unit[resource] ?? 0);
    fullest = Math.max(fullest, share(snapshot.limit(slot, resource), room.free(slot, resource), more));
  }
  return left(asksForDevices(at) ? Math.max(fullest, devicesUsed(snapshot, slot)) : fullest);
}

/** The same for the whole fleet, over the columns themselves. */
function headroomOfAll(fleet: GroupAtFleet, safetyPermille: number, scores: Int16Array): void {
  const { unit, snapshot } = fleet;
  const { slots } = snapshot;
  const { limit, free, measuredShare } = snapshot.figures;
  const countsDevices = asksForDevices(fleet);
  for (let place = 0; place < slots.length; place++) {
    const slot = slots[place] ?? 0;
    let fullest = (measuredShare[slot] ?? 0) * safetyPermille;
    for (let at = 0; at < stride; at++) {
      const cell = slot * stride + at;
      const used = share(limit[cell] ?? 0, free[cell] ?? 0, unit[at] ?? 0);
      if (used > fullest) fullest = used;
    }
    if (countsDevices) fullest = Math.max(fullest, devicesUsed(snapshot, slot));
    scores[place] = left(fullest);
  }
}

/** Prefers the emptiest cluster. Without a fresh measure, requests alone speak. */
export const headroom = (safetyPermille: number, weight: number): ClusterScorer => ({
  name: 'Headroom',
  weight,
  applies: ({ group }) => group.policy.strategy !== 'packing',
  scoreAll: (fleet, scores) => headroomOfAll(fleet, safetyPermille, scores),
  score: (at) => headroomAt(at, safetyPermille),
});

/** Prefers clusters that hold a part of the group. Outweighs the rest: a better cluster alone moves nothing. */
export const sticky = (weight: number): ClusterScorer => ({
  name: 'Sticky',
  weight,
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
