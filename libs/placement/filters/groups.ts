import { inGroup } from '../dividing/groups.js';
import { admit, type ClusterFilter, refuse } from '../plugin.js';

/** Where groups are given, clusters in none of them get nothing. */
export const groups: ClusterFilter = {
  name: 'Groups',
  wakeOn: ['cluster.registered', 'cluster.relabelled'],
  applies: ({ policy }) => (policy.clusterGroups?.length ?? 0) > 0,
  remember: ({ policy }) => JSON.stringify(policy.clusterGroups),
  admits: ({ group, cluster }) => {
    const all = group.policy.clusterGroups ?? [];
    for (const each of all) if (inGroup(each, cluster)) return admit;
    return refuse('InNoGroup', { groups: `${all.length}` });
  },
};
