import type { NodeClass, Resources } from '#domain';

/** CPU, memory, pods, wholly free devices, then each device, then other amounts by name. */
type Row = readonly number[];

/** A class in the order of its shape's classes. */
interface Link {
  class: NodeClass;
  row: Row;
  weights: Row;
  before: Link | undefined;
  after: Link | undefined;
  /** Of the next few, the one that costs the least to merge with. */
  partner: Link | undefined;
  cost: number;
}

const wholeDevice = 1000;

/** How far a class looks for its partner: the search stays linear in the classes. */
const reach = 8;

/** What it costs to forget that nodes differ in size, against losing all that a node of the cluster has free. */
const sizeWeight = 0.05;

const leastOf = (a: Resources, b: Resources): Resources => ({
  mcpu: Math.min(a.mcpu, b.mcpu),
  memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
  pods: Math.min(a.pods, b.pods),
});

/** What both promise together: the least of each amount. */
function joined(a: NodeClass, b: NodeClass): NodeClass {
  const { allocatable, devices, extended, ...rest } = a;
  return {
    ...rest,
    nodes: a.nodes + b.nodes,
    free: leastOf(a.free, b.free),
    ...(allocatable && b.allocatable ? { allocatable: leastOf(allocatable, b.allocatable) } : {}),
    ...(devices ? { devices: devices.map((milli, at) => Math.min(milli, b.devices?.[at] ?? 0)) } : {}),
    ...(extended ? { extended: leastOfEach(extended, b.extended ?? {}) } : {}),
  };
}

const leastOfEach = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(a).map(([name, amount]) => [name, Math.min(amount, b[name] ?? 0)]));

const othersOf = ({ extended = {} }: NodeClass): [string, number][] =>
  Object.entries(extended).sort(([a], [b]) => (a < b ? -1 : 1));

function rowOf(each: NodeClass): Row {
  const { free, devices = [] } = each;
  const whole = devices.reduce((count, milli) => count + (milli >= wholeDevice ? 1 : 0), 0);
  return [free.mcpu, free.memoryBytes, free.pods, whole, ...devices, ...othersOf(each).map(([, amount]) => amount)];
}

/** The same amounts of all nodes under one name each: devices count together. */
function totalsOf(classes: readonly NodeClass[]): ReadonlyMap<string, number> {
  const totals = new Map<string, number>();
  for (const each of classes) {
    const row = rowOf(each);
    for (const [at, name] of namesOf(each).entries())
      totals.set(name, (totals.get(name) ?? 0) + each.nodes * (row[at] ?? 0));
  }
  return totals;
}

const namesOf = (each: NodeClass): string[] => [
  ...['mcpu', 'memory', 'pods', 'whole'],
  ...(each.devices ?? []).map(() => 'devices'),
  ...othersOf(each).map(([name]) => `extended ${name}`),
];

/** The freest first, so that neighbours are alike. */
function byRoom(a: Link, b: Link): number {
  const whole = (b.row[3] ?? 0) - (a.row[3] ?? 0);
  const devices = (link: Link): number => (link.class.devices ?? []).reduce((sum, milli) => sum + milli, 0);
  return whole || devices(b) - devices(a) || (b.row[0] ?? 0) - (a.row[0] ?? 0) || (b.row[1] ?? 0) - (a.row[1] ?? 0);
}

/** What the nodes of both lose when they become one class: each amount in parts of all that is free of it. */
function costOf(a: Link, b: Link): number {
  let cost = 0;
  for (let at = 0; at < a.row.length; at++) {
    const more = (a.row[at] ?? 0) - (b.row[at] ?? 0);
    cost += (more > 0 ? a.class.nodes * more : -b.class.nodes * more) * (a.weights[at] ?? 0);
  }
  return cost + differenceOf(a.class.allocatable, b.class.allocatable) * Math.min(a.class.nodes, b.class.nodes);
}

function differenceOf(a: Resources | undefined, b: Resources | undefined): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return sizeWeight;
  const part = (x: number, y: number): number => (x === y ? 0 : Math.abs(x - y) / Math.max(x, y));
  return sizeWeight * Math.max(part(a.mcpu, b.mcpu), part(a.memoryBytes, b.memoryBytes));
}

function findPartner(link: Link): void {
  link.partner = undefined;
  link.cost = Number.POSITIVE_INFINITY;
  let other = link.after;
  for (let step = 0; step < reach && other !== undefined; step++, other = other.after) {
    const cost = costOf(link, other);
    if (cost >= link.cost) continue;
    link.partner = other;
    link.cost = cost;
  }
}

/** Classes of one shape, tied to each other. */
function chained(alike: readonly NodeClass[], totals: ReadonlyMap<string, number>): Link[] {
  const weights = (alike[0] === undefined ? [] : namesOf(alike[0])).map(
    (name) => 1 / Math.max(1, totals.get(name) ?? 0),
  );
  const unset = { before: undefined, after: undefined, partner: undefined, cost: Number.POSITIVE_INFINITY };
  const links = alike.map((each): Link => ({ class: each, row: rowOf(each), weights, ...unset })).sort(byRoom);
  for (const [at, link] of links.entries()) {
    link.before = links[at - 1];
    link.after = links[at + 1];
  }
  for (const link of links) findPartner(link);
  return links;
}

/** Takes the partner in; those that had chosen either choose anew. */
function takeIn(link: Link, partner: Link): void {
  link.class = joined(link.class, partner.class);
  link.row = rowOf(link.class);
  if (partner.before !== undefined) partner.before.after = partner.after;
  if (partner.after !== undefined) partner.after.before = partner.before;
  findPartner(link);
  let earlier = partner.before;
  for (let step = 0; step < 2 * reach && earlier !== undefined; step++, earlier = earlier.before)
    if (earlier.partner === link || earlier.partner === partner) findPartner(earlier);
}

/**
 * Merges classes of one shape until no more than `most` are left, or one of each shape: each time the two whose nodes lose
 * the least by it, measured against what is free in all, so that the last free devices weigh more than CPU in plenty. A
 * class promises the least of what it is made of, never more than is there.
 */
export function mergeClasses(shapes: readonly (readonly NodeClass[])[], most: number): NodeClass[] {
  const totals = totalsOf(shapes.flat());
  const links = new Set(shapes.flatMap((alike) => chained(alike, totals)));
  while (links.size > most) {
    let cheapest: Link | undefined;
    for (const link of links)
      if (link.partner !== undefined && (cheapest === undefined || link.cost < cheapest.cost)) cheapest = link;
    if (cheapest?.partner === undefined) break;
    links.delete(cheapest.partner);
    takeIn(cheapest, cheapest.partner);
  }
  return Array.from(links, (link) => link.class);
}
