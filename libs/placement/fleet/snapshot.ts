import type { ClusterId, Resources } from '#domain';
import type { Batch, Candidate, ClusterDescription, ClusterState } from './cluster-state.js';
import { Figures, stride } from './figures.js';
import { MeasuredHeadroom } from './measured-headroom.js';
import { anyNode, type Foreseen, NodeClasses } from './node-classes.js';
import { amountsOf } from './resources.js';

/**
 * The fleet in columns, kept current in place. A cluster has a slot for as long as it is known; `slots` lists them in
 * the order of cluster ids, so that decisions do not depend on the order in which clusters came.
 */
export class Snapshot {
  /** The place in the change feed that this snapshot shows. */
  feedPosition = 0n;
  /** Grows whenever a cluster comes, goes or is described otherwise. */
  descriptionsEpoch = 0;
  /** For those that run over all clusters at once. Whoever changes classes tells `reserve`. */
  readonly figures = new Figures();
  readonly headroom = new MeasuredHeadroom();
  readonly #descriptions: ClusterDescription[] = [];
  readonly #candidates: Candidate[] = [];
  /** Of each description its content: figures change far more often. */
  readonly #contents: string[] = [];
  readonly #classes: NodeClasses[] = [];
  readonly #versions = new Map<ClusterId, bigint>();
  readonly #slotOf = new Map<ClusterId, number>();
  readonly #vacant: number[] = [];
  #listing: { ids: readonly ClusterId[]; slots: readonly number[]; places: readonly number[] } | undefined;

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

  /** Where a slot's cluster is in `ids`. */
  placeOf(slot: number): number {
    return this.#list().places[slot] ?? -1;
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
    const { price, carbonIntensity, jurisdictions, sameMemberAs, storageClasses } = state;
    const place = { id, region, zone, provider, labels, taints, cordoned, price, carbonIntensity, jurisdictions };
    this.#describe(
      slot,
      { ...place, phase, sameMemberAs, serverVersion, schemaId, nodes, storageClasses },
      state.kinds,
    );
    this.figures.write(slot, state);
    this.headroom.write(slot, state);
    const classes = NodeClasses.of(state.classes, state.labelKeys, state.nodeScoring);
    for (const { perReplica, replicas, rules = anyNode } of state.unreflected ?? [])
      classes.take(amountsOf(perReplica), replicas, rules);
    this.#classes[slot] = classes;
    this.figures.noteRoomiest(slot, classes);
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
    this.figures.take(slot, amount, 1);
    if (onNodes === undefined) return;
    const { perReplica, replicas, rules = anyNode } = onNodes;
    const classes = this.classes(slot);
    classes.take(amountsOf(perReplica), replicas, rules);
    this.figures.noteRoomiest(slot, classes);
  }

  /** Takes over what a decision made of the nodes; false, and nothing is done, when they have changed since. */
  adopt({ slot, before, revision, after }: Foreseen): boolean {
    if (this.#classes[slot] !== before || before.revision !== revision) return false;
    this.#classes[slot] = after;
    this.figures.noteRoomiest(slot, after);
    return true;
  }

  /** Gives sums back. Which nodes became free only the next inventory tells, so the classes stay as they are. */
  release(slot: number, amount: Resources): void {
    this.figures.take(slot, amount, -1);
  }

  /** Shows more room than there is, until the function that it answers is called; several are taken back last first. */
  suppose(slot: number, more: Resources, nodes: NodeClasses): () => void {
    const before = this.classes(slot);
    const show = (amount: Resources, times: 1 | -1, classes: NodeClasses): void => {
      this.figures.take(slot, amount, times);
      this.#classes[slot] = classes;
      this.figures.noteRoomiest(slot, classes);
    };
    show(more, -1, nodes);
    return () => show(more, 1, before);
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
    return this.figures.limit[slot * stride + resource] ?? 0;
  }

  /** What may still be reserved; below zero when the cluster is over-full. */
  free(slot: number, resource: number): number {
    return this.figures.free[slot * stride + resource] ?? 0;
  }

  /** In the order of `resourceNames`. */
  freeOf(slot: number): number[] {
    return [this.free(slot, 0), this.free(slot, 1), this.free(slot, 2)];
  }

  allocatable(slot: number, resource: number): number {
    return this.figures.allocatable[slot * stride + resource] ?? 0;
  }

  /** p95 of measured use, or −1 when there is none to go by (pods are not measured). */
  measured(slot: number, resource: number): number {
    return this.figures.measured[slot * stride + resource] ?? -1;
  }

  #open(id: ClusterId): number {
    const slot = this.#vacant.pop() ?? this.#slotOf.size;
    this.figures.reach(slot);
    this.#slotOf.set(id, slot);
    this.#listing = undefined;
    return slot;
  }

  #list(): { ids: readonly ClusterId[]; slots: readonly number[]; places: readonly number[] } {
    if (this.#listing === undefined) {
      const ids = [...this.#slotOf.keys()].sort();
      const slots = ids.map((id) => this.#slotOf.get(id) ?? 0);
      const places: number[] = Array.from({ length: Math.max(0, ...slots) + 1 }, () => -1);
      for (const [place, slot] of slots.entries()) places[slot] = place;
      this.#listing = { ids, slots, places };
    }
    return this.#listing;
  }
}
