import { domainOf, weightOf } from '../fleet/domains.js';
import type { Divider } from '../plugin.js';
import type { Remainders } from './apportion.js';
import { divideWithin } from './constrained.js';
import { clusters, named, type Place, partOf, replicasOf, type Spread, type Spreading } from './division.js';
import { apportionInOrder, type Level } from './selection.js';
import { byWeight, type Part } from './sharing.js';

/** Lines that one component gets besides the last, which names the clusters. */
const mostLines = 8;

/**
 * By fixed weights, level by level, then by free capacity. First only where every domain can take its share; when there
 * is no such choice, what a domain can't take goes to the others by their weights.
 */
export const weighted: Divider = {
  name: 'weighted',
  divide(task) {
    const { weights: levels = [], remainderMethod: method = 'largest-remainder' } = task.group.policy;
    const manner = { sharing: byWeight, packs: false };
    const exact = { ...manner, spread: byLevels(levels, method, true), weights: { levels, method, capped: false } };
    const division = divideWithin(task, exact);
    if (division.kind === 'divided') return division;
    const near = { ...manner, spread: byLevels(levels, method, false), weights: { levels, method, capped: true } };
    const passed = divideWithin(task, near);
    return passed.kind === 'divided' ? passed : divideWithin(task, { ...near, weights: undefined });
  },
};

interface Leaf extends Part {
  at: number;
  place: Place;
}

/** With `exact`, no division is found where some domain's share is more than it can take, or less than it must. */
const byLevels =
  (levels: readonly Level[], method: Remainders, exact: boolean): Spreading =>
  (task, demand, places): Spread | undefined => {
    const leaves = places.map((place, at): Leaf => ({ at, place, ...partOf(task, demand, place) }));
    const counts = places.map(() => 0);
    const lines: string[] = [];
    const divide = (group: readonly Leaf[], seats: number, depth: number, path: string): boolean => {
      const level = levels[depth];
      if (level === undefined) {
        const shares = byWeight(seats, group);
        for (const [at, leaf] of group.entries()) counts[leaf.at] = shares[at] ?? 0;
        return true;
      }
      const domains = [...groupsOf(group, level.by)];
      const shares = sharesOf(seats, domains, level, { method, exact });
      if (shares === undefined) return false;
      const parts = domains.map(([value], at) => `${value} ${shares[at] ?? 0}`);
      const weights = domains.map(([value]) => `${value} ${weightOf(level.weights, value)}`).join(', ');
      const whom = path === '' ? replicasOf(demand) : `${path}: ${seats}`;
      if (lines.length < mostLines) lines.push(`${whom} by ${level.by} (${weights}) → ${parts.join(' + ')}`);
      return domains.every(([value, inner], at) => divide(inner, shares[at] ?? 0, depth + 1, under(path, value)));
    };
    if (!divide(leaves, demand.replicas, 0, '')) return undefined;
    lines.push(`${replicasOf(demand)} over ${clusters(places.length)} → ${named(counts, places)}`);
    return { counts, lines };
  };

const under = (path: string, value: string): string => (path === '' ? value : `${path}/${value}`);

function groupsOf(leaves: readonly Leaf[], by: string): Map<string, Leaf[]> {
  const groups = new Map<string, Leaf[]>();
  for (const leaf of leaves) {
    const value = domainOf(leaf.place.candidate.cluster, by) ?? '';
    const known = groups.get(value);
    if (known === undefined) groups.set(value, [leaf]);
    else known.push(leaf);
  }
  return groups;
}

function sharesOf(
  seats: number,
  domains: readonly (readonly [string, readonly Leaf[]])[],
  { weights }: Level,
  { method, exact }: { method: Remainders; exact: boolean },
): readonly number[] | undefined {
  const values = domains.map(([value]) => value);
  const least = domains.map(([, leaves]) => leaves.reduce((sum, each) => sum + each.least, 0));
  const most = domains.map(([, leaves]) => leaves.reduce((sum, each) => sum + each.most, 0));
  const within = (shares: readonly number[]): boolean =>
    shares.every((share, at) => share >= (least[at] ?? 0) && share <= (most[at] ?? 0));
  const fair = apportionInOrder(seats, values, weights, method);
  if (within(fair)) return fair;
  if (exact) return undefined;
  const capped = apportionInOrder(seats, values, weights, method, most);
  if (within(capped)) return capped;
  const needed = least.reduce((sum, each) => sum + each, 0);
  const room = most.map((each, at) => each - (least[at] ?? 0));
  const more = apportionInOrder(seats - needed, values, weights, method, room);
  return least.map((each, at) => each + (more[at] ?? 0));
}
