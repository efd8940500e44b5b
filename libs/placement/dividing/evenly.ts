import { domainOf } from '../fleet/domains.js';
import { clusters, named, type Place, partOf, replicasOf, type Spreading } from './division.js';
import { type Part, type Sharing, sum } from './sharing.js';

/** No two domains of a key may differ by more than `skew`. */
export interface SkewRule {
  by: string;
  skew: number;
}

interface Node extends Part {
  /** Clusters when there are none. */
  children: readonly Node[];
  place: number;
}

interface Grouping extends SkewRule {
  /** The domain of each place. */
  domains: readonly number[];
  names: readonly string[];
  /** Every domain lies within one domain of the groupings before it. */
  nested: boolean;
}

/** Windows that are tried in all before the clusters chosen are held unable to keep the rules. */
const mostWindows = 64;

/**
 * Divides so that the domains of each key differ by no more than its skew. Every place is given at least what it must
 * get. Where the domains of the keys nest (zones in regions), a division is found whenever there is one; where they
 * cross, one may be missed.
 */
export const evenly =
  (rules: readonly SkewRule[], sharing: Sharing): Spreading =>
  (task, demand, places) => {
    const groupings = groupingsOf(rules, places);
    const leaves = places.map((each, place): Node => ({ ...partOf(task, demand, each), children: [], place }));
    for (const windows of windowsOf(groupings, leaves, demand.replicas, sharing)) {
      const root = nodeOf(leaves, groupings, windows);
      if (root === undefined || demand.replicas < root.least || demand.replicas > root.most) continue;
      const counts = places.map(() => 0);
      shareOut(root, demand.replicas, sharing, counts);
      if (!groupings.every((grouping) => kept(grouping, counts))) continue;
      const lines = groupings.map(
        (grouping) =>
          `${replicasOf(demand)} by ${grouping.by}, no two more than ${grouping.skew} apart → ${totalsText(grouping, counts)}`,
      );
      return {
        counts,
        lines: [...lines, `${replicasOf(demand)} over ${clusters(places.length)} → ${named(counts, places)}`],
      };
    }
    return undefined;
  };

/** The coarsest first, so that those that nest do. */
function groupingsOf(rules: readonly SkewRule[], places: readonly Place[]): Grouping[] {
  const found = rules.map((rule) => {
    const known = new Map<string, number>();
    const domains = places.map(({ candidate }) => {
      const value = domainOf(candidate.cluster, rule.by) ?? '';
      const domain = known.get(value) ?? known.size;
      known.set(value, domain);
      return domain;
    });
    return { ...rule, domains, names: [...known.keys()] };
  });
  found.sort((a, b) => a.names.length - b.names.length);
  return found.map((each, at) => ({ ...each, nested: found.slice(0, at).every((outer) => nestsIn(each, outer)) }));
}

function nestsIn(inner: { domains: readonly number[] }, outer: { domains: readonly number[] }): boolean {
  const parents = new Map<number, number | undefined>();
  return inner.domains.every((domain, place) => {
    const parent = outer.domains[place];
    if (!parents.has(domain)) parents.set(domain, parent);
    return parents.get(domain) === parent;
  });
}

/** For each grouping the least that a domain gets; the most is that and the skew. The likeliest first. */
function* windowsOf(
  groupings: readonly Grouping[],
  leaves: readonly Node[],
  seats: number,
  sharing: Sharing,
): Generator<readonly number[]> {
  const lists = groupings.map((grouping) => leastsOf(grouping, leaves, seats, sharing));
  const total = lists.reduce((product, list) => product * list.length, 1);
  for (let at = 0; at < Math.min(total, mostWindows); at++) {
    let left = at;
    yield lists.map((list) => {
      const least = list[left % list.length] ?? 0;
      left = Math.floor(left / list.length);
      return least;
    });
  }
}

/** Each least that could do, nearest first to what would be given without the rule. */
function leastsOf(
  { domains, names, skew }: Grouping,
  leaves: readonly Node[],
  seats: number,
  sharing: Sharing,
): number[] {
  const groups = names.map((): Node[] => []);
  for (const [place, leaf] of leaves.entries()) groups[domains[place] ?? 0]?.push(leaf);
  const parts = groups.map(total);
  const low = Math.max(1, Math.ceil(seats / parts.length) - skew, ...parts.map(({ least }) => least - skew));
  const high = Math.min(Math.floor(seats / parts.length), ...parts.map(({ most }) => most));
  if (low > high || sum(parts.map(({ most }) => most)) < seats || sum(parts.map(({ least }) => least)) > seats)
    return [];
  const free = sharing(seats, parts);
  const moved = (least: number): number =>
    Math.abs(seats - sum(free.map((count) => Math.max(least, Math.min(least + skew, count)))));
  let wished = low;
  for (let least = low + 1; least <= high && moved(wished) > 0; least++)
    if (moved(least) < moved(wished)) wished = least;
  const leasts = [wished];
  for (let apart = 1; leasts.length < mostWindows && (wished - apart >= low || wished + apart <= high); apart++) {
    if (wished - apart >= low) leasts.push(wished - apart);
    if (wished + apart <= high) leasts.push(wished + apart);
  }
  return leasts;
}

const total = (parts: readonly Part[]): Part => ({
  weight: sum(parts.map(({ weight }) => weight)),
  least: sum(parts.map(({ least }) => least)),
  most: sum(parts.map(({ most }) => most)),
  held: sum(parts.map(({ held }) => held)),
});

/** Undefined when a domain cannot be within its window. */
function nodeOf(leaves: readonly Node[], groupings: readonly Grouping[], windows: readonly number[]): Node | undefined {
  const [grouping, ...rest] = groupings;
  const [window = 0, ...inner] = windows;
  if (grouping === undefined) return { ...total(leaves), children: leaves, place: -1 };
  const groups = new Map<number, Node[]>();
  for (const leaf of leaves) {
    const domain = grouping.domains[leaf.place] ?? 0;
    const known = groups.get(domain);
    if (known === undefined) groups.set(domain, [leaf]);
    else known.push(leaf);
  }
  const children: Node[] = [];
  for (const group of groups.values()) {
    const child = nodeOf(group, rest, inner);
    if (child === undefined) return undefined;
    const least = Math.max(child.least, grouping.nested ? window : 0);
    const most = Math.min(child.most, window + grouping.skew);
    if (least > most) return undefined;
    children.push({ ...child, least, most });
  }
  return { ...total(children), children, place: -1 };
}

function shareOut(node: Node, seats: number, sharing: Sharing, counts: number[]): void {
  if (node.place !== -1) {
    counts[node.place] = seats;
    return;
  }
  const shares = sharing(seats, node.children);
  for (const [at, child] of node.children.entries()) shareOut(child, shares[at] ?? 0, sharing, counts);
}

function totalsOf({ domains, names }: Grouping, counts: readonly number[]): number[] {
  const totals = names.map(() => 0);
  for (const [place, count] of counts.entries()) {
    const domain = domains[place] ?? 0;
    totals[domain] = (totals[domain] ?? 0) + count;
  }
  return totals;
}

function kept(grouping: Grouping, counts: readonly number[]): boolean {
  const used = totalsOf(grouping, counts);
  return Math.max(...used) - Math.min(...used) <= grouping.skew;
}

const totalsText = (grouping: Grouping, counts: readonly number[]): string => {
  const shown = totalsOf(grouping, counts).map((count, domain) => `${grouping.names[domain] ?? ''} ${count}`);
  return shown.length <= 8 ? shown.join(' + ') : `${shown.slice(0, 8).join(' + ')} + … (${shown.length - 8} more)`;
};
