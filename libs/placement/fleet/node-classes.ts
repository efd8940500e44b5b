import {
  type NodeClass,
  type NodeScoring,
  type NodeSelector,
  selectorKeys,
  type Taint,
  type Toleration,
} from '#domain';
import type { DeviceRequest } from '../request.js';
import { devicesFit, withoutDevices } from './devices.js';
import { selects } from './node-selector.js';
import { resourceNames } from './resources.js';
import { toleratesAll, untolerated } from './tolerations.js';

/** What decides which nodes a pod may go to, besides its size. */
export interface PodRules {
  tolerations: readonly Toleration[];
  /** Absent: nodes with any labels. */
  nodeSelector?: NodeSelector | undefined;
  /** Absent: none. */
  devices?: DeviceRequest | undefined;
}

/** A pod that asks for nothing in particular. */
export const anyNode: PodRules = { tolerations: [] };

const anyTaint: readonly Toleration[] = [{ key: '', operator: 'Exists', value: '', effect: '' }];

type Labels = Readonly<Record<string, string>>;

/** What all nodes of a class have in common; one object for each, whatever is free. */
interface Kind {
  taints: readonly Taint[];
  labels: Labels;
  deviceModel: string;
  /** What each node has in all; 0: nobody told, then the emptiest node's room stands for it. */
  mcpu: number;
  memoryBytes: number;
}

/** What does not change as replicas are handed out; one object for all copies. */
interface Shape {
  kinds: readonly Kind[];
  /** Undefined: nobody told labels, and selectors are not judged. */
  labelKeys: readonly string[] | undefined;
  /** Of every kind it is known what a node has in all. */
  knowsNodes: boolean;
  /** The member's scheduler prefers the fullest node, and not the emptiest. */
  packs: boolean;
}

const noLabels: Labels = {};
const noDevices: readonly number[] = [];

/** kube-scheduler's least-allocated score of one resource, 0 to 100: what is left, of what there is. */
const leastAllocated = (left: number, total: number): number => Math.floor((left * 100) / total);

/** Its most-allocated score: what is used, of what there is. */
const mostAllocated = (left: number, total: number): number => Math.floor(((total - left) * 100) / total);

const alike = (one: readonly number[], other: readonly number[]): boolean =>
  one === other || (one.length === other.length && one.every((each, at) => each === other[at]));

/** A row per class: nodes, what each has free, the place of its kind, and whether it was foreseen and not reported. */
const row = 3 + resourceNames.length;
const kindCell = 1 + resourceNames.length;
const foreseenCell = kindCell + 1;

/**
 * The free nodes of one cluster by class. Replicas are handed out as kube-scheduler's default profile would: each to the
 * node with the best sum of least-allocated (or most-allocated, where the cluster's scheduler packs) and balanced score
 * (CPU and memory, integers of 0 to 100), a part of a device from the fullest that has it. Where nodes score alike the member draws and this takes the first, so the
 * figures are renewed by every inventory.
 */
export class NodeClasses {
  /** Grows whenever something is taken. */
  revision = 0;
  /** A plain array: decisions copy it for every cluster that they take from, and a typed one takes six times as long. */
  readonly #rows: number[];
  /** How many rows are written. */
  #count: number;
  /** Free thousandths of each device of a node, by row, the freest first; nothing where no node has any. */
  readonly #devices: (readonly number[])[];
  readonly #shape: Shape;

  private constructor(rows: number[], devices: (readonly number[])[], shape: Shape, count = shape.kinds.length) {
    this.#rows = rows;
    this.#devices = devices;
    this.#shape = shape;
    this.#count = count;
  }

  static of(
    classes: readonly NodeClass[],
    labelKeys?: readonly string[],
    scoring: NodeScoring = 'least-allocated',
  ): NodeClasses {
    // Pushed one by one, so that no place is ever empty: numbers of an array with holes are boxed whenever they are read.
    const figures: number[] = [];
    for (const [at, { nodes, free }] of classes.entries()) {
      figures.push(nodes);
      for (const resource of resourceNames) figures.push(free[resource]);
      figures.push(at, 0);
    }
    const kinds = classes.map(({ taints, labels = noLabels, deviceModel = '', allocatable }): Kind => {
      const { mcpu = 0, memoryBytes = 0 } = allocatable ?? {};
      return { taints, labels, deviceModel, mcpu, memoryBytes };
    });
    const devices = classes.map((each) => each.devices ?? noDevices);
    const haveAny = devices.some(({ length }) => length > 0);
    const knowsNodes = kinds.every(({ mcpu, memoryBytes }) => mcpu > 0 && memoryBytes > 0);
    const shape = { kinds, labelKeys, knowsNodes, packs: scoring === 'most-allocated' };
    return new NodeClasses(figures, haveAny ? devices : [], shape);
  }

  clone(): NodeClasses {
    const devices = this.#devices.length === 0 ? this.#devices : [...this.#devices];
    return new NodeClasses(this.#rows.slice(), devices, this.#shape, this.#count);
  }

  /** As they stand now, with what was handed out. */
  list(): NodeClass[] {
    return Array.from({ length: this.#count }, (_, at): NodeClass => {
      const { taints = [], labels = noLabels, deviceModel = '', mcpu = 0, memoryBytes = 0 } = this.#kindAt(at) ?? {};
      const [nodes = 0, ...amounts] = this.#rows.slice(at * row, at * row + 1 + resourceNames.length);
      const free = { mcpu: amounts[0] ?? 0, memoryBytes: amounts[1] ?? 0, pods: amounts[2] ?? 0 };
      const kind = { architecture: '', taints, labels, deviceModel };
      return { nodes, free, ...kind, allocatable: { mcpu, memoryBytes, pods: 0 }, devices: this.#devices[at] ?? [] };
    });
  }

  /** Other nodes of a cluster like this one: told apart by the same labels, filled in the same order. */
  like(classes: readonly NodeClass[]): NodeClasses {
    return NodeClasses.of(classes, this.#shape.labelKeys, this.#shape.packs ? 'most-allocated' : 'least-allocated');
  }

  /** Whether pods with these rules may run on nodes of a class of this cluster, however full. */
  mayRunOn({ taints, labels = noLabels }: NodeClass, { tolerations, nodeSelector }: PodRules): boolean {
    const isSelected =
      nodeSelector === undefined || this.#shape.labelKeys === undefined || selects(nodeSelector, labels);
    return isSelected && toleratesAll(taints, tolerations);
  }

  get known(): boolean {
    return this.#shape.kinds.length > 0;
  }

  /** A key that the selector asks for and the classes are not told apart by; undefined when it can be judged, or need not. */
  unknownLabel(selector: NodeSelector): string | undefined {
    const known = this.#shape.labelKeys;
    return known === undefined ? undefined : selectorKeys(selector).find((key) => !known.includes(key));
  }

  /** Whether there are nodes that it selects, full ones included. */
  haveSelected(selector: NodeSelector): boolean {
    for (let at = 0; at < this.#count; at++)
      if ((this.#rows[at * row] ?? 0) > 0 && this.#isSelected(at, selector)) return true;
    return false;
  }

  /** How many replicas of this size would start; counts no further than `enough`. */
  count(demand: readonly number[], rules: PodRules, enough = Number.POSITIVE_INFINITY): number {
    let count = 0;
    for (let at = 0; at < this.#count && count < enough; at++) {
      const nodes = this.#rows[at * row] ?? 0;
      if (nodes > 0 && this.#admits(at, rules)) count += nodes * this.#perNode(at, demand, rules);
    }
    return count;
  }

  /** Of nodes that have the room, are selected and are kept out by a taint alone: those taints, each once, in order. */
  taintsInTheWay(demand: readonly number[], rules: PodRules): string[] {
    const found = Array.from({ length: this.#count }, (_, at) => {
      const taints = this.#kindAt(at)?.taints ?? [];
      const taint = untolerated(taints, rules.tolerations);
      const isFree = (this.#rows[at * row] ?? 0) > 0 && this.#perNode(at, demand, rules) >= 1;
      if (taint === undefined || !isFree || !this.#admits(at, { ...rules, tolerations: anyTaint })) return [];
      return [`${taint.key}${taint.value === '' ? '' : `=${taint.value}`}:${taint.effect}`];
    });
    return [...new Set(found.flat())].sort();
  }

  /** Whether one node without taints takes all of this at once. */
  takesAtOnce(demand: readonly number[]): boolean {
    for (let at = 0; at < this.#count; at++)
      if (this.#kindAt(at)?.taints.length === 0 && (this.#rows[at * row] ?? 0) > 0 && this.#perNode(at, demand) >= 1)
        return true;
    return false;
  }

  /** Writes what the roomiest node without taints (by CPU, then memory) has free; −1 when there is none. */
  writeRoomiest(into: Float64Array, from: number): void {
    let best = -1;
    for (let at = 0; at < this.#count; at++) {
      if (this.#kindAt(at)?.taints.length !== 0 || (this.#rows[at * row] ?? 0) === 0) continue;
      const more = best === -1 ? 1 : (this.#rows[at * row + 1] ?? 0) - (this.#rows[best * row + 1] ?? 0);
      if (more > 0 || (more === 0 && (this.#rows[at * row + 2] ?? 0) > (this.#rows[best * row + 2] ?? 0))) best = at;
    }
    for (let resource = 0; resource < resourceNames.length; resource++)
      into[from + resource] = best === -1 ? -1 : (this.#rows[best * row + 1 + resource] ?? 0);
  }

  /** Hands out up to `replicas`; returns how many found a node. */
  take(demand: readonly number[], replicas: number, rules: PodRules): number {
    if (rules.devices === undefined && demand.every((asked) => asked === 0)) return replicas;
    this.revision += 1;
    let left = replicas;
    while (left > 0) {
      const from = this.#predicted(demand, rules);
      if (from === -1) break;
      const nodes = this.#rows[from * row] ?? 0;
      // The emptiest nodes take one each; the fullest is the fullest all the more with the next.
      const used = this.#shape.packs ? 1 : Math.min(nodes, left);
      const after = demand.map((asked, resource) => (this.#rows[from * row + 1 + resource] ?? 0) - asked);
      this.#rows[from * row] = nodes - used;
      const held = this.#devices[from] ?? noDevices;
      const devices = rules.devices === undefined ? held : withoutDevices(held, rules.devices);
      this.#add(used, after, devices, from);
      left -= used;
    }
    return replicas - left;
  }

  /** Thousandths of all devices that nobody uses, and of all there are. */
  devices(): { free: number; total: number } {
    let free = 0;
    let total = 0;
    for (const [at, devices] of this.#devices.entries()) {
      const nodes = this.#rows[at * row] ?? 0;
      free += nodes * devices.reduce((sum, each) => sum + each, 0);
      total += nodes * devices.length * 1000;
    }
    return { free, total };
  }

  /**
   * How many devices the next replica would make useless on the node that the member will take, those that it uses
   * included: a device needs its share of the node's CPU and memory beside it. 0 where there are none.
   */
  stranded(demand: readonly number[], rules: PodRules): number {
    const at = this.#predicted(demand, rules);
    const kind = this.#kindAt(at);
    const devices = this.#devices[at] ?? noDevices;
    if (kind === undefined || devices.length === 0 || kind.mcpu === 0 || kind.memoryBytes === 0) return 0;
    const free = devices.reduce((sum, each) => sum + each, 0) / 1000;
    const asked = ((rules.devices?.count ?? 0) * (rules.devices?.milli ?? 0)) / 1000;
    const usable = (mcpu: number, memory: number, left: number): number =>
      Math.min(left, (mcpu * devices.length) / kind.mcpu, (memory * devices.length) / kind.memoryBytes);
    const mcpu = this.#rows[at * row + 1] ?? 0;
    const memory = this.#rows[at * row + 2] ?? 0;
    const after = usable(mcpu - (demand[0] ?? 0), memory - (demand[1] ?? 0), free - asked);
    return usable(mcpu, memory, free) - after;
  }

  /** Whether a node as the last inventory reported it takes this, not only one as it is foreseen. */
  isCertain(demand: readonly number[], rules: PodRules): boolean {
    for (let at = 0; at < this.#count; at++)
      if (
        (this.#rows[at * row] ?? 0) > 0 &&
        this.#rows[at * row + foreseenCell] === 0 &&
        this.#perNode(at, demand, rules) >= 1 &&
        this.#admits(at, rules)
      )
        return true;
    return false;
  }

  /** One replica on every node, as a DaemonSet does. */
  takeOnEachNode(demand: readonly number[]): void {
    this.revision += 1;
    for (let at = 0; at < this.#count; at++)
      for (const [resource, asked] of demand.entries()) {
        const cell = at * row + 1 + resource;
        this.#rows[cell] = Math.max(0, (this.#rows[cell] ?? 0) - asked);
      }
  }

  /** `Infinity` when nothing is asked for. */
  #perNode(at: number, demand: readonly number[], { devices }: PodRules = anyNode): number {
    let times = devices === undefined ? Number.POSITIVE_INFINITY : devicesFit(this.#devices[at] ?? noDevices, devices);
    for (let resource = 0; resource < demand.length; resource++) {
      const asked = demand[resource] ?? 0;
      if (asked > 0) times = Math.min(times, Math.floor((this.#rows[at * row + 1 + resource] ?? 0) / asked));
    }
    return times;
  }

  #admits(at: number, { tolerations, nodeSelector, devices }: PodRules): boolean {
    const kind = this.#kindAt(at);
    if (kind === undefined) return false;
    if (kind.taints.length > 0 && !toleratesAll(kind.taints, tolerations)) return false;
    if (devices !== undefined && devices.models.length > 0 && !devices.models.includes(kind.deviceModel)) return false;
    return nodeSelector === undefined || this.#isSelected(at, nodeSelector);
  }

  #isSelected(at: number, selector: NodeSelector): boolean {
    return this.#shape.labelKeys === undefined || selects(selector, this.#kindAt(at)?.labels ?? noLabels);
  }

  /** The row whose nodes the member's scheduler likes best; −1 when no node takes it. */
  #predicted(demand: readonly number[], rules: PodRules): number {
    const rows = this.#rows;
    const { kinds, knowsNodes, packs } = this.#shape;
    const [askedMcpu = 0, askedMemory = 0] = demand;
    let mostMcpu = 1;
    let mostMemory = 1;
    for (let at = 0; !knowsNodes && at < this.#count; at++) {
      mostMcpu = Math.max(mostMcpu, rows[at * row + 1] ?? 0);
      mostMemory = Math.max(mostMemory, rows[at * row + 2] ?? 0);
    }
    let best = -1;
    let bestScore = -1;
    for (let at = 0; at < this.#count; at++) {
      const cell = at * row;
      const mcpuLeft = (rows[cell + 1] ?? 0) - askedMcpu;
      const memoryLeft = (rows[cell + 2] ?? 0) - askedMemory;
      const kind = kinds[rows[cell + kindCell] ?? 0];
      if (kind === undefined || rows[cell] === 0 || mcpuLeft < 0 || memoryLeft < 0) continue;
      const mcpu = kind.mcpu === 0 ? mostMcpu : kind.mcpu;
      const memory = kind.memoryBytes === 0 ? mostMemory : kind.memoryBytes;
      const allocated = packs
        ? mostAllocated(mcpuLeft, mcpu) + mostAllocated(memoryLeft, memory)
        : leastAllocated(mcpuLeft, mcpu) + leastAllocated(memoryLeft, memory);
      const score =
        Math.floor(allocated / 2) + Math.floor((1 - Math.abs(mcpuLeft / mcpu - memoryLeft / memory) / 2) * 100);
      if (score <= bestScore || this.#perNode(at, demand, rules) < 1 || !this.#admits(at, rules)) continue;
      best = at;
      bestScore = score;
    }
    return best;
  }

  #kindAt(at: number): Kind | undefined {
    return this.#shape.kinds[this.#rows[at * row + kindCell] ?? 0];
  }

  /** Joins a class that is alike, or takes an empty row, or a new one. */
  #add(nodes: number, free: readonly number[], devices: readonly number[], from: number): void {
    const kind = this.#rows[from * row + kindCell] ?? 0;
    const [mcpu = 0, memoryBytes = 0, pods = 0] = free;
    let empty = -1;
    for (let at = 0; at < this.#count; at++) {
      const cell = at * row;
      if (this.#rows[cell] === 0) empty = at;
      else if (
        this.#rows[cell + 1] === mcpu &&
        this.#rows[cell + 2] === memoryBytes &&
        this.#rows[cell + 3] === pods &&
        this.#rows[cell + kindCell] === kind &&
        alike(this.#devices[at] ?? noDevices, devices)
      ) {
        this.#rows[cell] = (this.#rows[cell] ?? 0) + nodes;
        this.#rows[cell + foreseenCell] = 1;
        return;
      }
    }
    if (empty === -1) {
      empty = this.#count;
      this.#count += 1;
    }
    if (this.#devices.length > 0) this.#devices[empty] = devices;
    const cell = empty * row;
    this.#rows[cell] = nodes;
    this.#rows[cell + 1] = mcpu;
    this.#rows[cell + 2] = memoryBytes;
    this.#rows[cell + 3] = pods;
    this.#rows[cell + kindCell] = kind;
    this.#rows[cell + foreseenCell] = 1;
  }
}

/** The nodes of a cluster as a decision leaves them; good as long as the cluster's own have not changed since. */
export interface Foreseen {
  slot: number;
  before: NodeClasses;
  /** Of `before`, when the decision took from it. */
  revision: number;
  after: NodeClasses;
}
