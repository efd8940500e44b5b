import type { ClusterFacts, ClusterId, ClusterPhase, NodeClass, OverSubscription, Resources } from '#domain';
import { amountsOf, anyNode, NodeClasses, type PodRules, resourceNames } from './node-classes.js';

/** So many replicas of one size. */
export interface Batch {
  perReplica: Resources;
  replicas: number;
  /** Absent: any node without taints, as far as is known. */
  rules?: PodRules;
}

/** All that a decision may know of a cluster. */
export interface ClusterState extends ClusterFacts {
  phase: ClusterPhase;
  /** The cluster that the same Kubernetes cluster was registered as before: this one takes nothing new. */
  sameMemberAs?: ClusterId | undefined;
  serverVersion: string;
  nodes: number;
  allocatable: Resources;
  /** Requests of pods that Berth did not place. */
  foreignRequests: Resources;
  /** Reservations that are held or releasing. */
  reserved: Resources;
  overSubscription: OverSubscription;
  /** p95 of measured use; undefined when the cluster serves no metrics. */
  measured: { mcpu: number; memoryBytes: number } | undefined;
  /** False when the measure is too old to go by: requests alone count then. */
  measureFresh: boolean;
  /** Free nodes by shape; empty when unknown, then sums alone judge. */
  classes: readonly NodeClass[];
  /** Keys by which `classes` are told apart; undefined when nobody tells: then labels of nodes are not judged. */
  labelKeys?: readonly string[] | undefined;
  /** Reservations that the classes do not show yet. */
  unreflected?: readonly Batch[];
  /** Kinds served, as `apps/v1/Deployment`. */
  kinds: readonly string[];
  schemaId: string;
  /** Grows with every change; an older state is ignored. */
  version: bigint;
}

/** What plug-ins read besides figures. */
export type ClusterDescription = Pick<
  ClusterState,
  | 'id'
  | 'region'
  | 'zone'
  | 'provider'
  | 'labels'
  | 'taints'
  | 'cordoned'
  | 'price'
  | 'carbonIntensity'
  | 'jurisdictions'
  | 'phase'
  | 'sameMemberAs'
  | 'serverVersion'
  | 'schemaId'
  | 'nodes'
> & { kinds: ReadonlySet<string> };

/** A cluster that all filters admitted. */
export interface Candidate {
  cluster: ClusterDescription;
  slot: number;
}

const stride = resourceNames.length;

/** floor(amount × permille ÷ 1000), exact as long as the result is. */
const scaled = (amount: number, permille: number): number =>
  Math.floor(amount / 1000) * permille + Math.floor(((amount % 1000) * permille) / 1000);

/**
 * The fleet in columns, kept current in place. A cluster has a slot for as long as it is known; `slots` lists them in
 * the order of cluster ids, so that decisions do not depend on the order in which clusters came.
 */
export class Snapshot {
  /** The place in the change feed that this snapshot shows. */
  feedPosition = 0n;
  /** Grows whenever a cluster comes, goes or is described otherwise. */
  descriptionsEpoch = 0;
  #capacity = 0;
  /** Allocatable × over-subscription. */
  #limit = new Float64Array(0);
  /** Limit − foreign requests − reserved; below zero when the cluster is over-full. */
  #free = new Float64Array(0);
  #allocatable = new Float64Array(0);
  /** p95 of measured use, −1 when there is none to go by. */
  #measured = new Float64Array(0);
  readonly #descriptions: ClusterDescription[] = [];
  readonly #candidates: Candidate[] = [];
  /** Of each description its content: figures change far more often. */
  readonly #contents: string[] = [];
  readonly #classes: NodeClasses[] = [];
  readonly #versions = new Map<ClusterId, bigint>();
  readonly #slotOf = new Map<ClusterId, number>();
  readonly #vacant: number[] = [];
  #listing: { ids: readonly ClusterId[]; slots: readonly number[] } | undefined;

  get size(): number {
    return this.#slotOf.size;
  }

  /** Slots in the order of `ids`; a new array whenever a cluster comes or goes. */
  get slots(): readonly number[] {
    return this.#list().slots;
  }

  /** Cluster ids in code-unit order; a new array whenever a cluster comes or goes. */
  get ids(): readonly ClusterId[] {
    return this.#list().ids;
  }

  slotOf(id: ClusterId): number | undefined {
    return this.#slotOf.get(id);
  }

  /** Takes a cluster's newest state; an older version changes nothing. Returns its slot. */
  upsert(state: ClusterState): number {
    const known = this.#slotOf.get(state.id);
    if (known !== undefined && (this.#versions.get(state.id) ?? 0n) > state.version) return known;
    const slot = known ?? this.#open(state.id);
    this.#versions.set(state.id, state.version);
    const { id, region, zone, provider, labels, taints, cordoned, phase, serverVersion, schemaId, nodes } = state;
    const { price, carbonIntensity, jurisdictions, sameMemberAs } = state;
    const place = { id, region, zone, provider, labels, taints, cordoned, price, carbonIntensity, jurisdictions };
    this.#describe(slot, { ...place, phase, sameMemberAs, serverVersion, schemaId, nodes }, state.kinds);
    this.#writeFigures(slot, state);
    const classes = NodeClasses.of(state.classes, state.labelKeys);
    for (const { perReplica, replicas, rules = anyNode } of state.unreflected ?? [])
      classes.take(amountsOf(perReplica), replicas, rules);
    this.#classes[slot] = classes;
    return slot;
  }

  #describe(slot: number, plain: Omit<ClusterDescription, 'kinds'>, kinds: readonly string[]): void {
    const content = JSON.stringify([plain, kinds]);
    if (this.#contents[slot] === content) return;
    const cluster = { ...plain, kinds: new Set(kinds) };
    this.#contents[slot] = content;
    this.#descriptions[slot] = cluster;
    this.#candidates[slot] = { slot, cluster };
    this.descriptionsEpoch += 1;
  }

  remove(id: ClusterId): void {
    const slot = this.#slotOf.get(id);
    if (slot === undefined) return;
    this.#slotOf.delete(id);
    this.#versions.delete(id);
    this.#vacant.push(slot);
    this.#contents[slot] = '';
    this.descriptionsEpoch += 1;
    this.#listing = undefined;
  }

  /** Counts a reservation that the store's figures do not show yet; `onNodes` are the pods that are new there. */
  reserve(slot: number, amount: Resources, onNodes?: Batch): void {
    resourceNames.forEach((resource, at) => {
      this.#free[slot * stride + at] = this.free(slot, at) - amount[resource];
    });
    if (onNodes === undefined) return;
    const { perReplica, replicas, rules = anyNode } = onNodes;
    this.classes(slot).take(amountsOf(perReplica), replicas, rules);
  }

  /** Gives sums back. Which nodes became free only the next inventory tells, so the classes stay as they are. */
  release(slot: number, amount: Resources): void {
    resourceNames.forEach((resource, at) => {
      this.#free[slot * stride + at] = this.free(slot, at) + amount[resource];
    });
  }

  describe(slot: number): ClusterDescription {
    const description = this.#descriptions[slot];
    if (description === undefined) throw new RangeError(`slot ${slot} holds no cluster`);
    return description;
  }

  candidate(slot: number): Candidate {
    const candidate = this.#candidates[slot];
    if (candidate === undefined) throw new RangeError(`slot ${slot} holds no cluster`);
    return candidate;
  }

  classes(slot: number): NodeClasses {
    const classes = this.#classes[slot];
    if (classes === undefined) throw new RangeError(`slot ${slot} holds no cluster`);
    return classes;
  }

  /** Allocatable × over-subscription; resources by their place in `resourceNames`. */
  limit(slot: number, resource: number): number {
    return this.#limit[slot * stride + resource] ?? 0;
  }

  /** What may still be reserved; below zero when the cluster is over-full. */
  free(slot: number, resource: number): number {
    return this.#free[slot * stride + resource] ?? 0;
  }

  allocatable(slot: number, resource: number): number {
    return this.#allocatable[slot * stride + resource] ?? 0;
  }

  /** p95 of measured use, or −1 when there is none to go by (pods are not measured). */
  measured(slot: number, resource: number): number {
    return this.#measured[slot * stride + resource] ?? -1;
  }

  #writeFigures(slot: number, state: ClusterState): void {
    const permilles = [state.overSubscription.mcpuPermille, state.overSubscription.memoryPermille, 1000];
    const use = state.measureFresh ? state.measured : undefined;
    const measured = [use?.mcpu ?? -1, use?.memoryBytes ?? -1, -1];
    resourceNames.forEach((resource, at) => {
      const cell = slot * stride + at;
      const limit = scaled(state.allocatable[resource], permilles[at] ?? 1000);
      this.#allocatable[cell] = state.allocatable[resource];
      this.#limit[cell] = limit;
      this.#free[cell] = limit - state.foreignRequests[resource] - state.reserved[resource];
      this.#measured[cell] = measured[at] ?? -1;
    });
  }

  #open(id: ClusterId): number {
    const slot = this.#vacant.pop() ?? this.#slotOf.size;
    if (slot >= this.#capacity) this.#grow(Math.max(16, this.#capacity * 2));
    this.#slotOf.set(id, slot);
    this.#listing = undefined;
    return slot;
  }

  #grow(capacity: number): void {
    const wider = (column: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(capacity * stride);
      grown.set(column);
      return grown;
    };
    this.#limit = wider(this.#limit);
    this.#free = wider(this.#free);
    this.#allocatable = wider(this.#allocatable);
    this.#measured = wider(this.#measured);
    this.#capacity = capacity;
  }

  #list(): { ids: readonly ClusterId[]; slots: readonly number[] } {
    if (this.#listing === undefined) {
      const ids = [...this.#slotOf.keys()].sort();
      this.#listing = { ids, slots: ids.map((id) => this.#slotOf.get(id) ?? 0) };
    }
    return this.#listing;
  }
}
