import type { ClusterDescription } from './cluster-state.js';

/** A cluster's value under a key of a spread or weight: a field, its id, or a label. Undefined: it has none. */
export function domainOf(cluster: ClusterDescription, by: string): string | undefined {
  const value = valueUnder(cluster, by);
  return value === '' ? undefined : value;
}

function valueUnder(cluster: ClusterDescription, by: string): string | undefined {
  switch (by) {
    case 'region':
      return cluster.region;
    case 'zone':
      return cluster.zone;
    case 'provider':
      return cluster.provider;
    case 'cluster':
      return cluster.id;
    default:
      return Object.hasOwn(cluster.labels, by) ? cluster.labels[by] : undefined;
  }
}

/** Who is not named has no weight; when nobody is, all have the same. */
export function weightOf(weights: Readonly<Record<string, number>>, value: string): number {
  if (Object.hasOwn(weights, value)) return weights[value] ?? 0;
  for (const _ in weights) return 0;
  return 1;
}
