import type { ClusterDescription } from './cluster-state.js';
import type { Snapshot } from './snapshot.js';

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

/** What domains there are under one key, numbered, and by slot the number of each cluster's; −1: it is in none. */
export interface DomainColumn {
  names: readonly string[];
  numbers: Int32Array;
}

const columns = new WeakMap<Snapshot, { epoch: number; byKey: Map<string, DomainColumn> }>();

/** Made once for each key until a description changes. */
export function domainColumn(snapshot: Snapshot, by: string): DomainColumn {
  let known = columns.get(snapshot);
  if (known === undefined || known.epoch !== snapshot.descriptionsEpoch) {
    known = { epoch: snapshot.descriptionsEpoch, byKey: new Map() };
    columns.set(snapshot, known);
  }
  let column = known.byKey.get(by);
  if (column === undefined) {
    column = numbered(snapshot, by);
    known.byKey.set(by, column);
  }
  return column;
}

function numbered(snapshot: Snapshot, by: string): DomainColumn {
  const numberOf = new Map<string, number>();
  const { slots } = snapshot;
  const numbers = new Int32Array(slots.reduce((most, slot) => Math.max(most, slot + 1), 0)).fill(-1);
  for (const slot of slots) {
    const value = domainOf(snapshot.describe(slot), by);
    if (value === undefined) continue;
    const number = numberOf.get(value) ?? numberOf.size;
    numberOf.set(value, number);
    numbers[slot] = number;
  }
  return { names: [...numberOf.keys()], numbers };
}
