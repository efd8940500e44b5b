import type { Chance } from '#domain';
import type { TraceNode, TracePod } from './input.js';

/** What a node has left. */
export interface NodeState {
  node: TraceNode;
  freeMcpu: number;
  freeMemoryMib: number;
  freePods: number;
  /** Free thousandths of each device. */
  freeMilli: readonly number[];
}

/** As many pods as a node takes, whatever they ask for. */
export const mostPods = 256;

interface Node {
  node: TraceNode;
  freeMcpu: number;
  freeMemoryMib: number;
  pods: number;
  freeMilli: number[];
  /** The most that one device has free, and how many are wholly free. */
  freest: number;
  whole: number;
}

/**
 * A cluster with its own scheduler: whole nodes, single devices, pods one by one. Nodes are chosen as kube-scheduler
 * does by default: LeastAllocated and BalancedAllocation over CPU and memory, both of weight 1, chance among equals;
 * no node is left out of the scoring. Devices are handed out as a device-sharing extender does: a part goes onto the
 * fullest device that still takes it, whole devices are those that nobody shares. Pods never leave.
 *
 * It judges the engine, so it has no code in common with it.
 */
export class MemberCluster {
  readonly #nodes: readonly Node[];
  readonly #chance: Chance;
  readonly #best: Node[] = [];
  readonly started = { pods: 0, mcpu: 0, memoryMib: 0, deviceMilli: 0 };

  constructor(nodes: readonly TraceNode[], chance: Chance) {
    this.#nodes = nodes.map((node) => ({
      node,
      freeMcpu: node.mcpu,
      freeMemoryMib: node.memoryMib,
      pods: 0,
      freeMilli: Array.from({ length: node.devices }, () => 1000),
      freest: node.devices > 0 ? 1000 : 0,
      whole: node.devices,
    }));
    this.#chance = chance;
  }

  canStart(pod: TracePod): boolean {
    return this.#nodes.some((node) => takes(node, pod));
  }

  /** The name of the node that runs it from now on; undefined when none takes it. */
  start(pod: TracePod): string | undefined {
    const node = this.#choose(pod);
    if (node === undefined) return undefined;
    node.freeMcpu -= pod.mcpu;
    node.freeMemoryMib -= pod.memoryMib;
    node.pods += 1;
    if (pod.devices > 0) giveDevices(node, pod);
    this.started.pods += 1;
    this.started.mcpu += pod.mcpu;
    this.started.memoryMib += pod.memoryMib;
    this.started.deviceMilli += pod.devices * pod.deviceMilli;
    return node.node.name;
  }

  /** In the order in which the nodes were given. */
  nodes(): NodeState[] {
    return this.#nodes.map(({ node, freeMcpu, freeMemoryMib, pods, freeMilli }) => ({
      node,
      freeMcpu,
      freeMemoryMib,
      freePods: mostPods - pods,
      freeMilli,
    }));
  }

  #choose(pod: TracePod): Node | undefined {
    const best = this.#best;
    best.length = 0;
    let highest = -1;
    for (const node of this.#nodes) {
      if (!takes(node, pod)) continue;
      const score = scoreOf(node, pod);
      if (score < highest) continue;
      if (score > highest) best.length = 0;
      highest = score;
      best.push(node);
    }
    return best.length < 2 ? best[0] : best[Math.floor(this.#chance() * best.length)];
  }
}

function takes(node: Node, pod: TracePod): boolean {
  if (pod.mcpu > node.freeMcpu || pod.memoryMib > node.freeMemoryMib || node.pods >= mostPods) return false;
  if (pod.devices === 0) return true;
  if (pod.models.length > 0 && !pod.models.includes(node.node.model)) return false;
  return pod.deviceMilli === 1000 ? node.whole >= pod.devices : node.freest >= pod.deviceMilli;
}

/** NodeResourcesFit with LeastAllocated, and NodeResourcesBalancedAllocation; each whole, 0 to 100. */
function scoreOf({ node, freeMcpu, freeMemoryMib }: Node, pod: TracePod): number {
  const leftMcpu = freeMcpu - pod.mcpu;
  const leftMemory = freeMemoryMib - pod.memoryMib;
  const leastCpu = Math.floor((leftMcpu * 100) / node.mcpu);
  const leastMemory = Math.floor((leftMemory * 100) / node.memoryMib);
  const least = Math.floor((leastCpu + leastMemory) / 2);
  const usedCpu = (node.mcpu - leftMcpu) / node.mcpu;
  const usedMemory = (node.memoryMib - leftMemory) / node.memoryMib;
  const balanced = Math.floor((1 - Math.abs(usedCpu - usedMemory) / 2) * 100);
  return least + balanced;
}

function giveDevices(node: Node, { devices, deviceMilli }: TracePod): void {
  const { freeMilli } = node;
  for (let given = 0; given < devices; given++) {
    const device = tightest(freeMilli, deviceMilli);
    freeMilli[device] = (freeMilli[device] ?? 0) - deviceMilli;
  }
  node.freest = Math.max(...freeMilli);
  node.whole = freeMilli.filter((milli) => milli === 1000).length;
}

/** The fullest device that still takes it, the first of equals. */
function tightest(freeMilli: readonly number[], milli: number): number {
  let found = -1;
  let left = Number.POSITIVE_INFINITY;
  for (const [device, free] of freeMilli.entries())
    if (free >= milli && free < left) {
      found = device;
      left = free;
    }
  return found;
}
