import { domainOf } from '../domains.js';
import { admit, type ClusterFilter, refuse } from '../plugin.js';

/** What is spread over domains goes only to clusters that are in one, under every key. */
export const domains: ClusterFilter = {
  name: 'Domains',
  wakeOn: ['cluster.relabelled'],
  applies: ({ policy }) => (policy.spread?.length ?? 0) > 0,
  admits: ({ group, cluster }) => {
    for (const { by } of group.policy.spread ?? [])
      if (domainOf(cluster, by) === undefined) return refuse('NoDomain', { by });
    return admit;
  },
};
