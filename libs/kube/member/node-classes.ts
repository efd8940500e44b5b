import type { NodeClass, Resources, Taint } from '#domain';

export interface FreeNode {
  free: Resources;
  architecture: string;
  taints: readonly Taint[];
  /** Free devices and the like, as `nvidia.com/gpu`. */
  extended?: Readonly<Record<string, number>>;
  deviceModel?: string;
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

type Shape = Pick<NodeClass, 'architecture' | 'taints' | 'extended' | 'deviceModel'>;

/** What makes nodes different to a pod, whatever is free on them; devices count one by one. */
const shapeKey = ({ architecture, taints, extended = {}, deviceModel = '' }: Shape): string =>
  JSON.stringify([
    architecture,
    taints.map(({ key, value, effect }) => [key, value, effect]),
    Object.entries(extended).sort(([a], [b]) => (a < b ? -1 : 1)),
    deviceModel,
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

/**
 * At most 64 classes of nodes that are alike to a pod: exact while they fit, then rounded down ever more coarsely,
 * then merged. With more than 64 shapes (architecture, taints, devices) the smallest are left out. Never more than is free.
 */
export function nodeClasses(nodes: readonly FreeNode[]): NodeClass[] {
  let classes: NodeClass[] = [];
  for (const grain of grains) {
    classes = group(nodes, grain);
    if (classes.length <= mostClasses) return classes.sort(bySize);
  }
  const shapes = new Set(nodes.map(shapeKey)).size;
  while (classes.length > mostClasses && classes.length > shapes) classes = mergeNeighbours(classes);
  return classes.sort((a, b) => b.nodes * b.free.mcpu - a.nodes * a.free.mcpu || bySize(a, b)).slice(0, mostClasses);
}
