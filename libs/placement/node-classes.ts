import type { NodeClass, Resources, Taint, Toleration } from '#domain';
import { toleratesAll } from './tolerations.js';

/** `pods` last: the order in which a shortage is named. */
export const resourceNames = ['mcpu', 'memoryBytes', 'pods'] as const;
export type ResourceName = (typeof resourceNames)[number];

/** How many demands fit into a room; `Infinity` when nothing is asked for. */
export function timesFits(demand: Resources, room: Resources): number {
  let times = Number.POSITIVE_INFINITY;
  for (const resource of resourceNames) {
    const asked = demand[resource];
    if (asked > 0) times = Math.min(times, Math.max(0, Math.floor(room[resource] / asked)));
  }
  return times;
}

interface Shape {
  nodes: number;
  mcpu: number;
  memoryBytes: number;
  pods: number;
  taints: readonly Taint[];
}

/**
 * The free nodes of one cluster by class. Replicas are handed out as kube-scheduler's default (least allocated) would:
 * each to the emptiest node that takes it. A member's own choice can still differ, so the figures are renewed by
 * every inventory.
 */
export class NodeClasses {
  readonly #shapes: Shape[];

  private constructor(shapes: Shape[]) {
    this.#shapes = shapes;
  }

  static of(classes: readonly NodeClass[]): NodeClasses {
    return new NodeClasses(classes.map(({ nodes, free, taints }) => ({ nodes, ...free, taints })));
  }

  clone(): NodeClasses {
    return new NodeClasses(this.#shapes.map((shape) => ({ ...shape })));
  }

  get known(): boolean {
    return this.#shapes.length > 0;
  }

  /** How many replicas of this size would start. */
  count(demand: Resources, tolerations: readonly Toleration[]): number {
    let count = 0;
    for (const shape of this.#shapes)
      if (toleratesAll(shape.taints, tolerations)) count += shape.nodes * timesFits(demand, shape);
    return count;
  }

  /** Hands out up to `replicas`; returns how many found a node. */
  take(demand: Resources, replicas: number, tolerations: readonly Toleration[]): number {
    let left = replicas;
    while (left > 0) {
      const shape = this.#emptiest(demand, tolerations);
      if (shape === undefined) break;
      const used = Math.min(shape.nodes, left);
      shape.nodes -= used;
      this.#add({
        ...shape,
        nodes: used,
        mcpu: shape.mcpu - demand.mcpu,
        memoryBytes: shape.memoryBytes - demand.memoryBytes,
        pods: shape.pods - demand.pods,
      });
      left -= used;
      if (shape.nodes === 0) this.#shapes.splice(this.#shapes.indexOf(shape), 1);
      if (timesFits(demand, shape) === Number.POSITIVE_INFINITY) return replicas;
    }
    return replicas - left;
  }

  /** One replica on every node, as a DaemonSet does. */
  takeOnEachNode(demand: Resources): void {
    for (const shape of this.#shapes)
      for (const resource of resourceNames) shape[resource] = Math.max(0, shape[resource] - demand[resource]);
  }

  #emptiest(demand: Resources, tolerations: readonly Toleration[]): Shape | undefined {
    let mostMcpu = 1;
    let mostMemory = 1;
    for (const shape of this.#shapes) {
      mostMcpu = Math.max(mostMcpu, shape.mcpu);
      mostMemory = Math.max(mostMemory, shape.memoryBytes);
    }
    let best: Shape | undefined;
    let bestFree = -1;
    for (const shape of this.#shapes) {
      if (timesFits(demand, shape) < 1 || !toleratesAll(shape.taints, tolerations)) continue;
      const free = shape.mcpu / mostMcpu + shape.memoryBytes / mostMemory;
      if (free > bestFree) {
        best = shape;
        bestFree = free;
      }
    }
    return best;
  }

  #add(shape: Shape): void {
    const same = this.#shapes.find(
      (each) =>
        each.mcpu === shape.mcpu &&
        each.memoryBytes === shape.memoryBytes &&
        each.pods === shape.pods &&
        each.taints === shape.taints &&
        each.nodes > 0,
    );
    if (same === undefined) this.#shapes.push(shape);
    else same.nodes += shape.nodes;
  }
}
