import { hourlyMicros } from '../fleet/cost.js';
import { admit, type ClusterFilter, refuse } from '../plugin.js';

/** One replica of each component together must not cost more an hour; a cluster whose price nobody said is passed over. */
export const price: ClusterFilter = {
  name: 'Price',
  wakeOn: ['cluster.relabelled'],
  applies: ({ policy }) => policy.maxPriceMicros !== undefined,
  glance: ({ group, unit, snapshot }, certain, from, to) => {
    const most = group.policy.maxPriceMicros ?? Number.POSITIVE_INFINITY;
    for (let place = from; place < to; place++) {
      const { price: asked } = snapshot.describe(snapshot.slots[place] ?? 0);
      certain[place] = asked !== undefined && hourlyMicros(unit, asked) <= most ? 1 : 0;
    }
  },
  isFixed: true,
  follow: ({ group, unit }) => `${group.policy.maxPriceMicros} ${unit.join(' ')}`,
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
