import type { Demand } from '../dividing/demand.js';
import type { ClusterScorer, GroupAtCluster } from '../plugin.js';

const packs = ({ group }: GroupAtCluster): boolean => group.policy.strategy === 'packing';

/** What of the group is the hardest to place: devices first, then CPU. */
function hardest(demands: readonly Demand[]): Demand | undefined {
  let found: Demand | undefined;
  for (const each of demands) if (found === undefined || difficultyOf(each) > difficultyOf(found)) found = each;
  return found;
}

const difficultyOf = ({ devices, perReplica }: Demand): number =>
  (devices === undefined ? 0 : devices.count * devices.milli * 2 ** 32) + perReplica.mcpu;

/** Prefers the fullest cluster by what is requested of CPU or memory, for the strategy `packing`. */
export const fullness = (weight: number): ClusterScorer => ({
  name: 'Fullness',
  weight,
  applies: packs,
  score(at) {
    let fullest = 0;
    for (let resource = 0; resource < 2; resource++) {
      const limit = at.snapshot.limit(at.slot, resource);
      if (limit > 0) fullest = Math.max(fullest, 1000 - (at.room.free(at.slot, resource) * 1000) / limit);
    }
    return fullest;
  },
});

/** Prefers clusters where the next pod leaves the most devices usable: a hundredth of a device is a point. */
export const stranding = (weight: number): ClusterScorer => ({
  name: 'Stranding',
  weight,
  applies: packs,
  score(at) {
    const demand = hardest(at.demands);
    if (demand === undefined) return 0;
    return 1000 - Math.round(at.snapshot.classes(at.slot).stranded(demand.amounts, demand) * 100);
  },
});

/** Prefers clusters that have the node for it by their last inventory: a packed fleet leaves little to chance. */
export const certainty = (weight: number): ClusterScorer => ({
  name: 'Certainty',
  weight,
  applies: packs,
  score(at) {
    const demand = hardest(at.demands);
    if (demand === undefined) return 0;
    const classes = at.snapshot.classes(at.slot);
    return !classes.known || classes.isCertain(demand.amounts, demand) ? 1000 : 0;
  },
});
