import type { NodeClass, Resources, Taint } from '#domain';

export interface FreeNode {
  free: Resources;
  architecture: string;
  taints: readonly Taint[];
  /** Free devices and the like, as `nvidia.com/gpu`. */
  extended?: Readonly<Record<string, number>>;
  deviceModel?: string;
  /** Under the keys that are asked for; a key that it lacks is not there. */
  labels?: Readonly<Record<string, string>>;
  allocatable?: Resources;
}

export const mostClasses = 64;

const mebibyte = 2 ** 20;

/** Steps to round free amounts down to, each coarser than the one before; the first is exact to a MiB. */
const grains: readonly Resources[] = [
  { mcpu: 1, memoryBytes: mebibyte, pods: 1 },
  { mcpu: 50, memoryBytes: 64 * mebibyte, pods: 1 },
  { mcpu: 100, memoryBytes: 256 * mebibyte, pods: 5 },
  { mcpu: 250, memoryBytes: 512 * mebibyte, pods: 10 },
  { mcpu: 500, memoryBytes: 1024 * mebibyte, pods: 20 },
  { mcpu: 1000, memoryBytes: 4096 * mebibyte, pods: 40 },
  { mcpu: 4000, memoryBytes: 16384 * mebibyte, pods: 80 },
];

const down = (amount: number, grain: number): number => Math.max(0, Math.floor(amount / grain) * grain);

const roundDown = (free: Resources, grain: Resources): Resources => ({
  mcpu: down(free.mcpu, grain.mcpu),
  memoryBytes: down(free.memoryBytes, grain.memoryBytes),
  pods: down(free.pods, grain.pods),
});

type Shape = Omit<FreeNode, 'free'>;

const inOrder = (pairs: Readonly<Record<string, string | number>>) =>
  Object.entries(pairs).sort(([a], [b]) => (a < b ? -1 : 1));

/** What makes nodes different to a pod and to its scheduler, whatever is free on them; devices count one by one. */
const shapeKey = ({ architecture, taints, extended = {}, deviceModel = '', labels = {}, allocatable }: Shape): string =>
  JSON.stringify([
    architecture,
    taints.map(({ key, value, effect }) => [key, value, effect]),
    inOrder(extended),
    deviceModel,
    inOrder(labels),
    allocatable === undefined ? [] : [allocatable.mcpu, allocatable.memoryBytes, allocatable.pods],
  ]);

function group(nodes: readonly FreeNode[], grain: Resources): NodeClass[] {
  const classes = new Map<string, NodeClass>();
  for (const { free, ...shape } of nodes) {
    const rounded = roundDown(free, grain);
    const key = `${shapeKey(shape)} ${rounded.mcpu} ${rounded.memoryBytes} ${rounded.pods}`;
    const known = classes.get(key);
    if (known === undefined) classes.set(key, { nodes: 1, free: rounded, ...shape });
    else known.nodes += 1;
  }
  return [...classes.values()];
}

const least = (a: Resources, b: Resources): Resources => ({
  mcpu: Math.min(a.mcpu, b.mcpu),
  memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
  pods: Math.min(a.pods, b.pods),
});

const bySize = (a: NodeClass, b: NodeClass): number =>
  b.free.mcpu - a.free.mcpu || b.free.memoryBytes - a.free.memoryBytes || b.free.pods - a.free.pods;

/** Neighbours of one shape become one class with the least of both, so that nothing is promised that is not there. */
function mergeNeighbours(classes: readonly NodeClass[]): NodeClass[] {
  const shapes = new Map<string, NodeClass[]>();
  for (const each of classes) shapes.set(shapeKey(each), [...(shapes.get(shapeKey(each)) ?? []), each]);
  return [...shapes.values()].flatMap((alike) => {
    const sorted = alike.sort(bySize);
    const merged: NodeClass[] = [];
    for (let i = 0; i < sorted.length; i += 2) {
      const [first, second] = [sorted[i], sorted[i + 1]];
      if (first === undefined) continue;
      if (second === undefined) merged.push(first);
      else merged.push({ ...first, nodes: first.nodes + second.nodes, free: least(first.free, second.free) });
    }
    return merged;
  });
}

const shapesOf = (nodes: readonly FreeNode[]): number => new Set(nodes.map(shapeKey)).size;

/** Sizes are told apart while they leave most of the classes to what is free. */
const mostSizes = mostClasses / 4;

/** Machines of one type differ by a few KiB: sizes are rounded down as free room is, ever more coarsely, or not told. */
function withSizes(nodes: readonly FreeNode[]): readonly FreeNode[] {
  const bare = nodes.map(({ allocatable: _, ...node }): FreeNode => node);
  const most = Math.max(mostSizes, shapesOf(bare));
  for (const grain of grains) {
    const rounded = nodes.map((node) =>
      node.allocatable === undefined ? node : { ...node, allocatable: roundDown(node.allocatable, grain) },
    );
    if (shapesOf(rounded) <= most) return rounded;
  }
  return bare;
}

/**
 * At most 64 classes of nodes that are alike to a pod: exact while they fit, then rounded down ever more coarsely,
 * then merged. With more than 64 shapes (architecture, taints, devices, labels) the smallest are left out. Never more than
 * is free.
 */
export function nodeClasses(from: readonly FreeNode[]): NodeClass[] {
  const nodes = withSizes(from);
  let classes: NodeClass[] = [];
  for (const grain of grains) {
    classes = group(nodes, grain);
    if (classes.length <= mostClasses) return classes.sort(bySize);
  }
  const shapes = shapesOf(nodes);
  while (classes.length > mostClasses && classes.length > shapes) classes = mergeNeighbours(classes);
  return classes.sort((a, b) => b.nodes * b.free.mcpu - a.nodes * a.free.mcpu || bySize(a, b)).slice(0, mostClasses);
}

const valuesOf = (nodes: readonly FreeNode[], key: string): number =>
  new Set(nodes.map(({ labels }) => labels?.[key])).size;

const without = (nodes: readonly FreeNode[], key: string): FreeNode[] =>
  nodes.map((node) => {
    const { [key]: _, ...labels } = node.labels ?? {};
    return { ...node, labels };
  });

/**
 * The classes, told apart by labels under these keys. Where that makes more than 64 shapes, the label with the most values
 * goes first (as `kubernetes.io/hostname`, of which each node has its own): no node is left out for its labels. `labelKeys`
 * are those that stayed.
 */
export function labelledClasses(
  from: readonly FreeNode[],
  keys: readonly string[],
): { classes: NodeClass[]; labelKeys: readonly string[] } {
  let nodes = from;
  let labelKeys = keys;
  const shapes = () => shapesOf(nodes.map(({ allocatable: _, ...node }) => node));
  while (labelKeys.length > 0 && shapes() > mostClasses) {
    const [most = ''] = [...labelKeys].sort((a, b) => valuesOf(nodes, b) - valuesOf(nodes, a) || (a < b ? -1 : 1));
    nodes = without(nodes, most);
    labelKeys = labelKeys.filter((key) => key !== most);
  }
  return { classes: nodeClasses(nodes).map(tidy), labelKeys };
}

const tidy = ({ labels = {}, ...rest }: NodeClass): NodeClass =>
  Object.keys(labels).length === 0 ? rest : { ...rest, labels };
