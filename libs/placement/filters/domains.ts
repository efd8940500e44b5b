import { domainOf, weightOf } from '../fleet/domains.js';
import { admit, type ClusterFilter, refuse } from '../plugin.js';

/** What is spread over domains goes only to clusters that are in one, under every key. */
export const domains: ClusterFilter = {
  name: 'Domains',
  wakeOn: ['cluster.relabelled'],
  applies: ({ policy }) => (policy.spread?.length ?? 0) + (policy.weights?.length ?? 0) > 0,
  remember: ({ policy }) => JSON.stringify([policy.spread?.map(({ by }) => by), policy.weights]),
  admits: ({ group, cluster }) => {
    for (const { by } of group.policy.spread ?? [])
      if (domainOf(cluster, by) === undefined) return refuse('NoDomain', { by });
    for (const { by, weights } of group.policy.weights ?? []) {
      const value = domainOf(cluster, by);
      if (value === undefined) return refuse('NoDomain', { by });
      if (weightOf(weights, value) === 0) return refuse('NoWeight', { by, value, weights: weightsText(weights) });
    }
    return admit;
  },
};

const weightsText = (weights: Readonly<Record<string, number>>): string =>
  Object.keys(weights)
    .sort()
    .slice(0, 8)
    .map((value) => `${value} ${weights[value]}`)
    .join(', ');
