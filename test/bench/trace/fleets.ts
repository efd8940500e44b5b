import { type Chance, seededChance } from '#domain';
import { BenchInputError } from '../scenario.js';
import type { Trace, TraceNode, TracePod } from './input.js';

export interface TraceCluster {
  id: string;
  nodes: readonly TraceNode[];
}

/** FNV-1a, 32 bit. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** Nodes into so many clusters by a hash of their names; a cluster that gets none is left out. */
export function fleetOf(nodes: readonly TraceNode[], count: number): TraceCluster[] {
  const clusters = Array.from({ length: count }, (_, index): TraceNode[] =>
    nodes.filter((node) => hashOf(node.name) % count === index),
  );
  return clusters.flatMap((members, index) =>
    members.length === 0 ? [] : [{ id: `cluster-${String(index + 1).padStart(2, '0')}`, nodes: members }],
  );
}

/** What an arrival sequence fills: devices, or CPU where the trace has no devices to ask for. */
export type Binding = 'gpu' | 'cpu';

export const bindingOf = ({ nodes, pods }: Trace): Binding =>
  nodes.some(({ devices }) => devices > 0) && pods.some(({ devices }) => devices > 0) ? 'gpu' : 'cpu';

export const sizeOf = (binding: Binding, pod: TracePod): number =>
  binding === 'gpu' ? pod.devices * pod.deviceMilli : pod.mcpu;

export const capacityOf = (binding: Binding, nodes: readonly TraceNode[]): number =>
  nodes.reduce((sum, node) => sum + (binding === 'gpu' ? node.devices * 1000 : node.mcpu), 0);

/** How much is asked for in all, in thousandths of what there is. */
const askedPermille = 1300;

/** More arrivals than this are a trace of crumbs. */
const mostArrivals = 200_000;

/**
 * All pods of the trace once, then drawn from it until 130 % of the capacity has been asked for. Order 0 is the order
 * of creation; the others are shuffled by their seed. Each has its own draws.
 */
export function arrivalsOf(trace: Trace, order: number, seed: number): TracePod[] {
  const chance = seededChance(seed * 1000 + order);
  const binding = bindingOf(trace);
  const target = (capacityOf(binding, trace.nodes) * askedPermille) / 1000;
  const arrivals = order === 0 ? [...trace.pods] : shuffled(trace.pods, chance);
  let asked = arrivals.reduce((sum, pod) => sum + sizeOf(binding, pod), 0);
  if (asked === 0) throw new BenchInputError('no pod of the trace asks for anything');
  while (asked < target) {
    const pod = trace.pods[Math.floor(chance() * trace.pods.length)];
    if (pod === undefined || arrivals.length >= mostArrivals)
      throw new BenchInputError(
        `${mostArrivals} pods ask for less than 130 % of the nodes: the two files do not go together`,
      );
    arrivals.push(pod);
    asked += sizeOf(binding, pod);
  }
  return arrivals;
}

/** Fisher–Yates. */
function shuffled(pods: readonly TracePod[], chance: Chance): TracePod[] {
  const order = [...pods];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(chance() * (last + 1));
    const [a, b] = [order[last], order[other]];
    if (a !== undefined && b !== undefined) [order[last], order[other]] = [b, a];
  }
  return order;
}
