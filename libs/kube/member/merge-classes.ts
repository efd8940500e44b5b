import type { NodeClass, Resources } from '#domain';

/** CPU, memory, pods, wholly free devices, then each device, then other amounts by name. */
type Row = number[];

/** A class in the order of its shape's classes. */
interface Link {
  /** What it began as. */
  from: NodeClass;
  nodes: number;
  row: Row;
  size: Resources | undefined;
  /** By place in `row`. */
  weights: readonly number[];
  /** How many other nodes have as much of everything: what fits here fits there. */
  betters: number;
  /** What is lost with one of its nodes: its part of all that is free in the cluster, less where others stand in for it. */
  worth: number;
  before: Link | undefined;
  after: Link | undefined;
  /** Of the next few, the one that costs the least to merge with. */
  partner: Link | undefined;
  cost: number;
}

const wholeDevice = 1000;
const devicesAt = 4;

/** How far a class looks for its partner: the search stays linear in the classes. */
const reach = 12;

/** What it costs to forget that nodes differ in size, on the same scale as what is lost. */
const sizeWeight = 0.0005;

const leastOf = (a: Resources, b: Resources): Resources => ({
  mcpu: Math.min(a.mcpu, b.mcpu),
  memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
  pods: Math.min(a.pods, b.pods),
});

const othersOf = ({ extended }: NodeClass): string[] => (extended === undefined ? [] : Object.keys(extended).sort());

function rowOf(each: NodeClass): Row {
  const { free, devices = [], extended = {} } = each;
  const row = [free.mcpu, free.memoryBytes, free.pods, 0, ...devices];
  for (const milli of devices) if (milli >= wholeDevice) row[3] = (row[3] ?? 0) + 1;
  for (const name of othersOf(each)) row.push(extended[name] ?? 0);
  return row;
}

/** The class that a link has become: what all of its nodes have at least. */
function classOf({ from, nodes, row, size }: Link): NodeClass {
  if (nodes === from.nodes) return from;
  const { allocatable: _, ...rest } = from;
  const devices = from.devices === undefined ? {} : { devices: row.slice(devicesAt, devicesAt + from.devices.length) };
  const othersAt = devicesAt + (from.devices?.length ?? 0);
  const others = othersOf(from).map((name, at) => [name, row[othersAt + at] ?? 0] as const);
  return {
    ...rest,
    nodes,
    free: { mcpu: row[0] ?? 0, memoryBytes: row[1] ?? 0, pods: row[2] ?? 0 },
    ...(size === undefined ? {} : { allocatable: size }),
    ...devices,
    ...(from.extended === undefined ? {} : { extended: Object.fromEntries(others) }),
  };
}

/** What is free of each thing on all nodes: the devices of a node count together. */
function totalsOf(shapes: readonly (readonly Link[])[]): ReadonlyMap<string, number> {
  const totals = new Map<string, number>();
  for (const links of shapes) {
    const names = links[0] === undefined ? [] : namesOf(links[0].from);
    for (const [at, name] of names.entries()) {
      let total = totals.get(name) ?? 0;
      for (const { nodes, row } of links) total += nodes * (row[at] ?? 0);
      totals.set(name, total);
    }
  }
  return totals;
}

const namesOf = (each: NodeClass): string[] => [
  ...['mcpu', 'memory', 'pods', 'whole'],
  ...(each.devices ?? []).map(() => 'devices'),
  ...othersOf(each).map((name) => `extended ${name}`),
];

/** The freest first, so that neighbours are alike. */
function byRoom(a: Link, b: Link): number {
  for (let at = 3; at < a.row.length; at++) if (a.row[at] !== b.row[at]) return (b.row[at] ?? 0) - (a.row[at] ?? 0);
  return (b.row[0] ?? 0) - (a.row[0] ?? 0) || (b.row[1] ?? 0) - (a.row[1] ?? 0);
}

/** What the nodes of both lose when they become one class, in parts of what is free in the cluster; exact below `limit`. */
function costOf(a: Link, b: Link, limit: number): number {
  const cost = a.worth === 0 ? 0 : a.nodes * a.worth * lossOf(a, b);
  if (cost >= limit) return cost;
  const both = b.worth === 0 ? cost : cost + b.nodes * b.worth * lossOf(b, a);
  return a.size === b.size ? both : both + differenceOf(a.size, b.size) * Math.min(a.nodes, b.nodes);
}

/** The last free devices of a cluster weigh more than CPU in plenty. */
function worthOf({ row, weights, betters }: Link): number {
  let worth = 0;
  for (let at = 0; at < row.length; at++) worth += (row[at] ?? 0) * (weights[at] ?? 0);
  return worth / (1 + betters);
}

/** Of devices the wholly free ones and the freest decide what fits. */
function bettersOf(link: Link, links: readonly Link[]): number {
  const decisive = Math.min(link.row.length, devicesAt + 1);
  let betters = 0;
  for (const other of links) {
    let at = 0;
    while (at < decisive && (other.row[at] ?? 0) >= (link.row[at] ?? 0)) at += 1;
    if (at === decisive && other !== link) betters += other.nodes;
  }
  return betters;
}

/**
 * The part of its room that a node loses when it promises no more than the other. Losing one thing strands the rest: with
 * its CPU go its devices.
 */
function lossOf({ row, from }: Link, { row: other }: Link): number {
  const devicesEnd = devicesAt + (from.devices?.length ?? 0);
  let loss = 0;
  let held = 0;
  let lost = 0;
  for (let at = 0; at < row.length; at++) {
    const amount = row[at] ?? 0;
    const less = amount - Math.min(amount, other[at] ?? 0);
    if (at >= devicesAt && at < devicesEnd) {
      held += amount;
      lost += less;
    } else if (less > 0) loss += less / amount;
  }
  return lost === 0 ? loss : loss + lost / held;
}

function differenceOf(a: Resources | undefined, b: Resources | undefined): number {
  if (a === undefined || b === undefined) return sizeWeight;
  const part = (x: number, y: number): number => (x === y ? 0 : Math.abs(x - y) / Math.max(x, y));
  return sizeWeight * Math.max(part(a.mcpu, b.mcpu), part(a.memoryBytes, b.memoryBytes));
}

function findPartner(link: Link): void {
  link.partner = undefined;
  link.cost = Number.POSITIVE_INFINITY;
  let other = link.after;
  for (let step = 0; step < reach && other !== undefined; step++, other = other.after) {
    const cost = costOf(link, other, link.cost);
    if (cost >= link.cost) continue;
    link.partner = other;
    link.cost = cost;
  }
}

/** Takes the partner in; those that had chosen either choose anew. */
function takeIn(link: Link, partner: Link): void {
  link.nodes += partner.nodes;
  for (let at = 0; at < link.row.length; at++) link.row[at] = Math.min(link.row[at] ?? 0, partner.row[at] ?? 0);
  link.betters = Math.min(link.betters, partner.betters);
  link.worth = worthOf(link);
  link.size = link.size && partner.size && leastOf(link.size, partner.size);
  if (partner.before !== undefined) partner.before.after = partner.after;
  if (partner.after !== undefined) partner.after.before = partner.before;
  findPartner(link);
  let earlier = partner.before;
  for (let step = 0; step < 2 * reach && earlier !== undefined; step++, earlier = earlier.before)
    if (earlier.partner === link || earlier.partner === partner) findPartner(earlier);
}

/** Classes of one shape in a row. */
function linked(alike: readonly NodeClass[]): Link[] {
  const unset = {
    weights: [],
    betters: 0,
    worth: 0,
    before: undefined,
    after: undefined,
    partner: undefined,
    cost: Number.POSITIVE_INFINITY,
  };
  return alike
    .map((from): Link => ({ from, nodes: from.nodes, row: rowOf(from), size: from.allocatable, ...unset }))
    .sort(byRoom);
}

function findPartners(links: readonly Link[], totals: ReadonlyMap<string, number>): void {
  const names = links[0] === undefined ? [] : namesOf(links[0].from);
  const weights = names.map((name) => (name === 'pods' ? 0 : 1 / Math.max(1, totals.get(name) ?? 0)));
  for (const [at, link] of links.entries()) {
    link.weights = weights;
    link.betters = bettersOf(link, links);
    link.worth = worthOf(link);
    link.before = links[at - 1];
    link.after = links[at + 1];
  }
  for (const link of links) findPartner(link);
}

/**
 * Merges classes of one shape until no more than `most` are left, or one of each shape: each time the two whose nodes lose
 * the least by it. A class promises the least of what it is made of, never more than is there.
 */
export function mergeClasses(shapes: readonly (readonly NodeClass[])[], most: number): NodeClass[] {
  const chains = shapes.map(linked);
  const links = chains.flat();
  if (links.length > most) {
    const totals = totalsOf(chains);
    for (const chain of chains) findPartners(chain, totals);
  }
  while (links.length > most) {
    const cheapest = links.reduce((best, link) => (link.cost < best.cost ? link : best));
    const { partner } = cheapest;
    if (partner === undefined) break;
    links.splice(links.indexOf(partner), 1);
    takeIn(cheapest, partner);
  }
  return links.map(classOf);
}
