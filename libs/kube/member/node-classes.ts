import type { NodeClass, Resources, Taint } from '#domain';
import { mergeClasses } from './merge-classes.js';

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
  /** Free thousandths of each device, the freest first. */
  devices?: readonly number[];
}

export const mostClasses = 64;

/** Of more than this, amounts are rounded before classes are merged pair by pair. */
const mostToMerge = 512;

const mebibyte = 2 ** 20;

/** A step to round free amounts down to. */
interface Grain extends Resources {
  deviceMilli: number;
}

/** Each coarser than the one before; the first is exact to a MiB. */
const grains: readonly Grain[] = [
  { mcpu: 1, memoryBytes: mebibyte, pods: 1, deviceMilli: 1 },
  { mcpu: 50, memoryBytes: 64 * mebibyte, pods: 1, deviceMilli: 10 },
  { mcpu: 100, memoryBytes: 256 * mebibyte, pods: 5, deviceMilli: 50 },
  { mcpu: 250, memoryBytes: 512 * mebibyte, pods: 10, deviceMilli: 100 },
  { mcpu: 500, memoryBytes: 1024 * mebibyte, pods: 20, deviceMilli: 200 },
  { mcpu: 1000, memoryBytes: 4096 * mebibyte, pods: 40, deviceMilli: 500 },
  { mcpu: 4000, memoryBytes: 16384 * mebibyte, pods: 80, deviceMilli: 1000 },
];

const down = (amount: number, grain: number): number => Math.max(0, Math.floor(amount / grain) * grain);

const roundDown = (amounts: Resources, grain: Resources): Resources => ({
  mcpu: down(amounts.mcpu, grain.mcpu),
  memoryBytes: down(amounts.memoryBytes, grain.memoryBytes),
  pods: down(amounts.pods, grain.pods),
});

const namedIn = (pairs: Readonly<Record<string, string | number>> | undefined): string[] =>
  Object.keys(pairs ?? {}).sort();

/**
 * What makes nodes different to a pod, whatever is free on them. Nodes of one shape have the same devices in the same
 * number, of which more or less is free.
 */
function shapeOf({
  architecture,
  taints,
  extended,
  deviceModel = '',
  labels,
  devices = [],
}: Omit<FreeNode, 'free'>): string {
  const key = `${architecture} ${devices.length} ${deviceModel}`;
  if (taints.length === 0 && extended === undefined && labels === undefined) return key;
  const told = taints.map(({ key: name, value, effect }) => [name, value, effect]);
  const labelled = namedIn(labels).map((name) => [name, labels?.[name]]);
  return `${key} ${JSON.stringify([told, labelled, namedIn(extended)])}`;
}

/** Nodes that are alike in all that is told of them, by shape. */
function grouped(nodes: readonly FreeNode[], shapes: readonly string[], grain: Grain): NodeClass[][] {
  const byShape = new Map<string, Map<string, NodeClass>>();
  for (const [at, node] of nodes.entries()) {
    const shape = shapes[at] ?? '';
    const classes = byShape.get(shape) ?? new Map<string, NodeClass>();
    byShape.set(shape, classes);
    const rounded = roundedDown(node, grain);
    const key = amountsKey(rounded);
    const known = classes.get(key);
    if (known === undefined) classes.set(key, { nodes: 1, ...rounded });
    else known.nodes += 1;
  }
  return Array.from(byShape.values(), (classes) => [...classes.values()]);
}

function roundedDown(node: FreeNode, grain: Grain): FreeNode {
  const rounded: FreeNode = { ...node, free: roundDown(node.free, grain) };
  if (node.allocatable !== undefined) rounded.allocatable = roundDown(node.allocatable, grain);
  if (node.devices !== undefined) rounded.devices = node.devices.map((milli) => down(milli, grain.deviceMilli));
  return rounded;
}

function amountsKey({ free, allocatable, devices, extended }: FreeNode): string {
  const size = allocatable === undefined ? '' : `${allocatable.mcpu} ${allocatable.memoryBytes} ${allocatable.pods}`;
  const others = extended === undefined ? '' : namedIn(extended).map((name) => extended[name]);
  return `${free.mcpu} ${free.memoryBytes} ${free.pods} ${size} ${devices?.join() ?? ''} ${others}`;
}

const bySize = (a: NodeClass, b: NodeClass): number =>
  b.free.mcpu - a.free.mcpu || b.free.memoryBytes - a.free.memoryBytes || b.free.pods - a.free.pods;

/**
 * At most 64 classes of nodes that are alike to a pod and its scheduler: exact while they fit, then those merged that lose
 * the least by it. With more than 64 shapes (architecture, taints, devices, labels) the smallest are left out. Never more
 * than is free.
 */
export function nodeClasses(nodes: readonly FreeNode[]): NodeClass[] {
  const shapes = nodes.map(shapeOf);
  let alike: NodeClass[][] = [];
  for (const grain of grains) {
    alike = grouped(nodes, shapes, grain);
    if (alike.reduce((sum, { length }) => sum + length, 0) <= mostToMerge) break;
  }
  const classes = mergeClasses(alike, mostClasses);
  if (classes.length <= mostClasses) return classes.sort(bySize);
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
  while (labelKeys.length > 0 && new Set(nodes.map(shapeOf)).size > mostClasses) {
    const [most = ''] = [...labelKeys].sort((a, b) => valuesOf(nodes, b) - valuesOf(nodes, a) || (a < b ? -1 : 1));
    nodes = without(nodes, most);
    labelKeys = labelKeys.filter((key) => key !== most);
  }
  return { classes: nodeClasses(nodes).map(tidy), labelKeys };
}

const tidy = ({ labels = {}, ...rest }: NodeClass): NodeClass =>
  Object.keys(labels).length === 0 ? rest : { ...rest, labels };
