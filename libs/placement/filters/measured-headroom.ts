import { formatBytes, formatMcpu } from '#domain';
import { wholeReplicas } from '../dividing/demand.js';
import { bestEffort, usedResources } from '../fleet/measured-headroom.js';
import { resourceNames } from '../fleet/resources.js';
import { admit, type ClusterFilter, refuse } from '../plugin.js';

const text = { mcpu: formatMcpu, memoryBytes: (bytes: number) => `${Math.floor(bytes / 2 ** 20)}Mi` };
const asked = { mcpu: formatMcpu, memoryBytes: formatBytes };

/**
 * Best-effort pods go where the measure leaves room below the ceiling for at least one replica of each component (or
 * `minReplicas`, or all when the division is `duplicated`). What is held stays: eviction is for the sweeper.
 */
export const measuredHeadroom: ClusterFilter = {
  name: 'MeasuredHeadroom',
  wakeOn: ['cluster.headroom'],
  applies: ({ components }) => components.some(({ expected }) => expected !== undefined),
  admits: ({ group, demands, cluster, slot, snapshot, room }) => {
    const left = room.headroom(slot);
    const sum = { mcpu: 0, memoryBytes: 0 };
    for (const demand of demands) {
      const all = wholeReplicas(demand, cluster.nodes);
      const least = group.policy.division === 'duplicated' ? all : Math.min(all, group.policy.minReplicas ?? 1);
      const pods = Math.max(0, least - (room.held(slot, demand)?.replicas ?? 0));
      for (const resource of usedResources) {
        sum[resource] += pods * (demand.expected?.[resource] ?? 0);
        const component = demand.name;
        if (sum[resource] === 0) continue;
        if (left === undefined) return refuse('NoMeasuredHeadroom', { component, measure: 'stale' });
        if (sum[resource] <= left[resource]) continue;
        const at = resourceNames.indexOf(resource);
        return refuse('NoMeasuredHeadroom', {
          ...{ component, resource, expected: asked[resource](sum[resource]) },
          headroom: text[resource](Math.max(0, left[resource])),
          measured: text[resource](snapshot.measured(slot, at)),
          allocatable: text[resource](snapshot.allocatable(slot, at)),
          ceiling: `${bestEffort.ceilingPermille / 10}%`,
        });
      }
    }
    return admit;
  },
};
