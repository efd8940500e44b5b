import { type NodeClass, type NodeSelector, type Resources, selectorKeys, type Taint, type Toleration } from '#domain';
import { selects } from './node-selector.js';
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

/** Amounts in the order of `resourceNames`. */
export const amountsOf = (resources: Resources): readonly number[] => resourceNames.map((name) => resources[name]);

/** What decides which nodes a pod may go to, besides its size. */
export interface PodRules {
  tolerations: readonly Toleration[];
  /** Absent: nodes with any labels. */
  nodeSelector?: NodeSelector | undefined;
}

/** A pod that asks for nothing in particular. */
export const anyNode: PodRules = { tolerations: [] };

type Labels = Readonly<Record<string, string>>;

/** What all nodes of a class have in common; one object for each, whatever is free. */
interface Kind {
  taints: readonly Taint[];
  labels: Labels;
}

const noLabels: Labels = {};

/** A row per class: nodes, then what each has free. */
const row = 1 + resourceNames.length;

/**
 * The free nodes of one cluster by class. Replicas are handed out as kube-scheduler's default (least allocated) would:
 * each to the emptiest node that takes it. A member's own choice can still differ, so the figures are renewed by
 * every inventory.
 */
export class NodeClasses {
  #rows: Float64Array<ArrayBuffer>;
  readonly #kinds: Kind[];
  /** Undefined: nobody told labels, and selectors are not judged. */
  readonly #labelKeys: readonly string[] | undefined;

  private constructor(rows: Float64Array<ArrayBuffer>, kinds: Kind[], labelKeys: readonly string[] | undefined) {
    this.#rows = rows;
    this.#kinds = kinds;
    this.#labelKeys = labelKeys;
  }

  static of(classes: readonly NodeClass[], labelKeys?: readonly string[]): NodeClasses {
    const figures = classes.flatMap(({ nodes, free }) => [nodes, ...resourceNames.map((resource) => free[resource])]);
    return new NodeClasses(
      Float64Array.from(figures),
      classes.map(({ taints, labels = noLabels }) => ({ taints, labels })),
      labelKeys,
    );
  }

  clone(): NodeClasses {
    return new NodeClasses(this.#rows.slice(), [...this.#kinds], this.#labelKeys);
  }

  get known(): boolean {
    return this.#kinds.length > 0;
  }

  /** A key that the selector asks for and the classes are not told apart by; undefined when it can be judged, or need not. */
  unknownLabel(selector: NodeSelector): string | undefined {
    const known = this.#labelKeys;
    return known === undefined ? undefined : selectorKeys(selector).find((key) => !known.includes(key));
  }

  /** Whether there are nodes that it selects, full ones included. */
  haveSelected(selector: NodeSelector): boolean {
    return this.#kinds.some((_, at) => (this.#rows[at * row] ?? 0) > 0 && this.#isSelected(at, selector));
  }

  /** How many replicas of this size would start; counts no further than `enough`. */
  count(demand: readonly number[], rules: PodRules, enough = Number.POSITIVE_INFINITY): number {
    let count = 0;
    for (let at = 0; at < this.#kinds.length && count < enough; at++) {
      const nodes = this.#rows[at * row] ?? 0;
      if (nodes > 0 && this.#admits(at, rules)) count += nodes * this.#perNode(at, demand);
    }
    return count;
  }

  /** Whether one node without taints takes all of this at once. */
  takesAtOnce(demand: readonly number[]): boolean {
    for (let at = 0; at < this.#kinds.length; at++)
      if (this.#kinds[at]?.taints.length === 0 && (this.#rows[at * row] ?? 0) > 0 && this.#perNode(at, demand) >= 1)
        return true;
    return false;
  }

  /** Hands out up to `replicas`; returns how many found a node. */
  take(demand: readonly number[], replicas: number, rules: PodRules): number {
    if (demand.every((asked) => asked === 0)) return replicas;
    let left = replicas;
    while (left > 0) {
      const from = this.#emptiest(demand, rules);
      if (from === -1) break;
      const nodes = this.#rows[from * row] ?? 0;
      const used = Math.min(nodes, left);
      const after = demand.map((asked, resource) => (this.#rows[from * row + 1 + resource] ?? 0) - asked);
      this.#rows[from * row] = nodes - used;
      this.#add(used, after, from);
      left -= used;
    }
    return replicas - left;
  }

  /** One replica on every node, as a DaemonSet does. */
  takeOnEachNode(demand: readonly number[]): void {
    for (let at = 0; at < this.#kinds.length; at++)
      for (const [resource, asked] of demand.entries()) {
        const cell = at * row + 1 + resource;
        this.#rows[cell] = Math.max(0, (this.#rows[cell] ?? 0) - asked);
      }
  }

  /** `Infinity` when nothing is asked for. */
  #perNode(at: number, demand: readonly number[]): number {
    let times = Number.POSITIVE_INFINITY;
    for (let resource = 0; resource < demand.length; resource++) {
      const asked = demand[resource] ?? 0;
      if (asked > 0) times = Math.min(times, Math.floor((this.#rows[at * row + 1 + resource] ?? 0) / asked));
    }
    return times;
  }

  #admits(at: number, { tolerations, nodeSelector }: PodRules): boolean {
    const taints = this.#kinds[at]?.taints ?? [];
    const isTolerated = taints.length === 0 || toleratesAll(taints, tolerations);
    return isTolerated && (nodeSelector === undefined || this.#isSelected(at, nodeSelector));
  }

  #isSelected(at: number, selector: NodeSelector): boolean {
    return this.#labelKeys === undefined || selects(selector, this.#kinds[at]?.labels ?? noLabels);
  }

  /** By free CPU and memory, each against the emptiest node's; −1 when no node takes it. */
  #emptiest(demand: readonly number[], rules: PodRules): number {
    let mostMcpu = 1;
    let mostMemory = 1;
    for (let at = 0; at < this.#kinds.length; at++) {
      mostMcpu = Math.max(mostMcpu, this.#rows[at * row + 1] ?? 0);
      mostMemory = Math.max(mostMemory, this.#rows[at * row + 2] ?? 0);
    }
    let best = -1;
    let bestFree = -1;
    for (let at = 0; at < this.#kinds.length; at++) {
      if (this.#rows[at * row] === 0) continue;
      const free = (this.#rows[at * row + 1] ?? 0) / mostMcpu + (this.#rows[at * row + 2] ?? 0) / mostMemory;
      if (free <= bestFree || this.#perNode(at, demand) < 1 || !this.#admits(at, rules)) continue;
      best = at;
      bestFree = free;
    }
    return best;
  }

  /** Joins a class that is alike, or takes an empty row, or a new one. */
  #add(nodes: number, free: readonly number[], from: number): void {
    const kind = this.#kinds[from] ?? { taints: [], labels: noLabels };
    let empty = -1;
    for (let at = 0; at < this.#kinds.length; at++) {
      if (this.#rows[at * row] === 0) empty = at;
      else if (
        this.#kinds[at] === kind &&
        free.every((each, resource) => this.#rows[at * row + 1 + resource] === each)
      ) {
        this.#rows[at * row] = (this.#rows[at * row] ?? 0) + nodes;
        return;
      }
    }
    if (empty === -1) {
      empty = this.#kinds.length;
      const wider = new Float64Array(this.#rows.length + row);
      wider.set(this.#rows);
      this.#rows = wider;
    }
    this.#kinds[empty] = kind;
    this.#rows.set([nodes, ...free], empty * row);
  }
}
