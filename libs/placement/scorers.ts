import { resourceNames } from './node-classes.js';
import type { ClusterScorer, GroupAtCluster } from './plugin.js';

/** Thousandths of `whole`, 0 to 1000; of nothing, all is used. */
const permille = (part: number, whole: number): number =>
  whole <= 0 ? 1000 : Math.min(1000, Math.max(0, Math.floor((part * 1000) / whole)));

/**
 * Requests once the group is there, or p95 of measured use with a margin, whichever is more; the fullest resource counts.
 * Devices count for those that ask for some.
 */
function fill({ demands, unit, slot, snapshot, room, holds }: GroupAtCluster, safetyPermille: number): number {
  let fullest = 0;
  for (let at = 0; at < resourceNames.length; at++) {
    const limit = snapshot.limit(slot, at);
    const added = holds ? 0 : (unit[at] ?? 0);
    fullest = Math.max(fullest, permille(limit - room.free(slot, at) + added, limit));
    const measured = snapshot.measured(slot, at);
    if (measured >= 0)
      fullest = Math.max(fullest, permille(measured * safetyPermille, 1000 * snapshot.allocatable(slot, at)));
  }
  if (!demands.some(({ devices }) => devices !== undefined)) return fullest;
  const { free, total } = snapshot.classes(slot).devices();
  return total === 0 ? fullest : Math.max(fullest, permille(total - free, total));
}

/** Prefers the emptiest cluster. Without a fresh measure, requests alone speak. */
export const headroom = (safetyPermille: number, weight: number): ClusterScorer => ({
  name: 'Headroom',
  weight,
  applies: ({ group }) => group.policy.strategy !== 'packing',
  score: (at) => 1000 - fill(at, safetyPermille),
});

/** Prefers clusters that hold a part of the group. Outweighs the rest: a better cluster alone moves nothing. */
export const sticky = (weight: number): ClusterScorer => ({
  name: 'Sticky',
  weight,
  applies: ({ demands }) => demands.some(({ held }) => held.size > 0),
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
