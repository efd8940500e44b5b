import { hourlyMicros } from '../fleet/cost.js';
import { admit, type ClusterFilter, refuse } from '../plugin.js';

/** One replica of each component together must not cost more an hour; a cluster whose price nobody said is passed over. */
export const price: ClusterFilter = {
  name: 'Price',
  wakeOn: ['cluster.relabelled'],
  applies: ({ policy }) => policy.maxPriceMicros !== undefined,
  glance: ({ group, unit, snapshot }, certain) => {
    const most = group.policy.maxPriceMicros ?? Number.POSITIVE_INFINITY;
    let count = 0;
    for (const [place, slot] of snapshot.slots.entries()) {
      const { price: asked } = snapshot.describe(slot);
      if (asked === undefined || hourlyMicros(unit, asked) > most) continue;
      certain[place] = 1;
      count += 1;
    }
    return count;
  },
  admits: ({ group, unit, cluster }) => {
    const most = group.policy.maxPriceMicros;
    if (most === undefined) return admit;
    if (cluster.price === undefined) return refuse('NoPrice');
    const asked = hourlyMicros(unit, cluster.price);
    return asked <= most ? admit : refuse('TooExpensive', { hourlyMicros: `${asked}`, maxPriceMicros: `${most}` });
  },
};

/** Data may lie only where every law that it would be under is allowed; whoever says none is passed over. */
export const residency: ClusterFilter = {
  name: 'Residency',
  wakeOn: ['cluster.relabelled'],
  applies: ({ policy }) => (policy.residency?.length ?? 0) > 0,
  remember: ({ policy }) => JSON.stringify(policy.residency),
  admits: ({ group, cluster }) => {
    const allowed = group.policy.residency ?? [];
    const found = cluster.jurisdictions ?? [];
    if (found.length > 0 && found.every((each) => allowed.includes(each))) return admit;
    return refuse('NotResident', { allowed: allowed.join(', '), found: found.join(', ') || 'none' });
  },
};
