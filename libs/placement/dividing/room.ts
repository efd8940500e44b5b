import type { ClusterId, Resources } from '#domain';
import type { Foreseen, NodeClasses, PodRules } from '../fleet/node-classes.js';
import { type ResourceName, resourceNames, timesFits } from '../fleet/resources.js';
import type { Snapshot } from '../fleet/snapshot.js';
import type { Allotment, ExpectedUse } from '../request.js';
import type { Demand } from './demand.js';

/** What stands in the way. */
export interface Shortage {
  demand: Demand;
  asked: number;
  /** The resource that runs short in sum; undefined when the sums suffice and no node has the room. */
  resource: ResourceName | undefined;
  /** Free in sum, of that resource. */
  free: number;
}

/** What a decision reserves beyond what the application holds already. */
export interface Addition {
  cluster: ClusterId;
  amount: Resources;
  perReplica: Resources;
  newPods: number;
  /** Which nodes the new pods may go to. */
  rules: PodRules;
  /** What the new pods are expected to use beyond what they ask for. */
  expected?: ExpectedUse;
}

interface Overlay {
  free: number[];
  /** Undefined: the snapshot's, less what is `owed`. */
  classes: NodeClasses | undefined;
  /** Pods that are not yet taken from the nodes. Most decisions never look at those again, and then none are copied. */
  owed: { demand: Demand; pods: number } | undefined;
  taken: Map<Demand, number>;
}

/** What an attempt found where it took something; undefined as long as it has taken nothing. */
interface Journal {
  before: Map<number, Overlay | undefined> | undefined;
}

/**
 * The room that is left while a decision is being made: the snapshot's, less what the decision has handed out.
 * What an application holds is credited, component by component: only growth needs room.
 */
export class Room {
  readonly #snapshot: Snapshot;
  #overlays = new Map<number, Overlay>();
  #journal: Journal | undefined;
  #closed: Set<number> | undefined;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  /** Resources by their place in `resourceNames`. */
  free(slot: number, resource: number): number {
    return this.#overlays.get(slot)?.free[resource] ?? this.#snapshot.free(slot, resource);
  }

  taken(slot: number, demand: Demand): number {
    return this.#overlays.get(slot)?.taken.get(demand) ?? 0;
  }

  /** From here on the cluster keeps what it holds and gets nothing new. */
  close(slot: number): void {
    this.#closed ??= new Set();
    this.#closed.add(slot);
  }

  /** Slots of which the decision has taken something. */
  touched(): Iterable<number> {
    return this.#overlays.keys();
  }

  #isClosed(slot: number): boolean {
    return this.#closed?.has(slot) === true;
  }

  openAll(): void {
    this.#closed = undefined;
  }

  /** How many more replicas fit now; not exact beyond `enough`. `Infinity` when nothing is asked for. */
  fit(slot: number, demand: Demand, enough = Number.POSITIVE_INFINITY): number {
    const held = this.held(slot, demand);
    const before = this.taken(slot, demand);
    let most = this.#isClosed(slot) ? (held?.replicas ?? 0) : Number.POSITIVE_INFINITY;
    for (let resource = 0; resource < demand.amounts.length; resource++) {
      const asked = demand.amounts[resource] ?? 0;
      if (asked === 0) continue;
      const credit = creditOf(held, resource);
      const grown = Math.max(0, before * asked - credit);
      most = Math.min(most, Math.floor((Math.max(0, this.free(slot, resource)) + grown + credit) / asked));
    }
    if (demand.expected !== undefined) most = Math.min(most, before + this.#measuredFit(slot, demand, demand.expected));
    if (most <= before) return 0;
    return Math.min(most - before, this.#nodesFit(slot, demand, before, enough));
  }

  /** What may still be expected to be used there; undefined without a fresh measure. */
  headroom(slot: number): ExpectedUse | undefined {
    const before = this.#snapshot.headroom.of(slot);
    const taken = this.#overlays.get(slot)?.taken;
    if (before === undefined || taken === undefined) return before;
    let { mcpu, memoryBytes } = before;
    for (const [demand, replicas] of taken) {
      if (demand.expected === undefined) continue;
      const pods = newPods(this.held(slot, demand), replicas);
      mcpu -= pods * demand.expected.mcpu;
      memoryBytes -= pods * demand.expected.memoryBytes;
    }
    return { mcpu, memoryBytes };
  }

  /** How many more replicas the measure leaves room for. What is held is in it already. */
  #measuredFit(slot: number, demand: Demand, expected: ExpectedUse): number {
    const kept = Math.max(0, (this.held(slot, demand)?.replicas ?? 0) - this.taken(slot, demand));
    const left = this.headroom(slot);
    if (left === undefined) return kept;
    const times = (free: number, asked: number): number => Math.floor(Math.max(0, free) / asked);
    return (
      kept +
      Math.min(
        expected.mcpu > 0 ? times(left.mcpu, expected.mcpu) : Number.POSITIVE_INFINITY,
        expected.memoryBytes > 0 ? times(left.memoryBytes, expected.memoryBytes) : Number.POSITIVE_INFINITY,
      )
    );
  }

  /**
   * Whether all of this fits by a glance: in sum, and on a single node. Then it also fits in any order, one by one,
   * since that node is never left with less than what is still to come. False says nothing.
   */
  takesAtOnce(slot: number, amounts: readonly number[]): boolean {
    if (this.#isClosed(slot)) return false;
    for (let resource = 0; resource < amounts.length; resource++) {
      const asked = amounts[resource] ?? 0;
      if (asked > 0 && asked > this.free(slot, resource)) return false;
    }
    const classes = this.#classes(slot);
    return !classes.known || classes.takesAtOnce(amounts);
  }

  /** Takes all of these, or nothing and says what was short. */
  takeAll(slot: number, wants: readonly (readonly [Demand, number])[]): Shortage | undefined {
    let shortage: Shortage | undefined;
    if (wants.every(([, asked]) => asked === 0)) return undefined;
    this.attempt(() => {
      shortage = this.#firstShortage(slot, wants);
      return shortage === undefined;
    });
    return shortage;
  }

  take(slot: number, demand: Demand, replicas: number): void {
    const overlay = this.#write(slot);
    const before = overlay.taken.get(demand) ?? 0;
    const held = this.held(slot, demand);
    for (let at = 0; at < demand.amounts.length; at++) {
      const asked = demand.amounts[at] ?? 0;
      const credit = creditOf(held, at);
      const grown = Math.max(0, (before + replicas) * asked - credit) - Math.max(0, before * asked - credit);
      overlay.free[at] = (overlay.free[at] ?? 0) - grown;
    }
    const kept = keptPods(demand, held);
    const pods = Math.max(0, before + replicas - kept) - Math.max(0, before - kept);
    if (pods > 0) this.#takeNodes(slot, overlay, demand, pods);
    overlay.taken.set(demand, before + replicas);
  }

  #takeNodes(slot: number, overlay: Overlay, demand: Demand, pods: number): void {
    if (!this.#snapshot.classes(slot).known) return;
    const isUntouched = overlay.classes === undefined && overlay.owed === undefined;
    if (isUntouched && demand.kind !== 'daemon') {
      overlay.owed = { demand, pods };
      return;
    }
    const classes = this.#settled(slot, overlay);
    if (demand.kind === 'daemon') classes.takeOnEachNode(demand.amounts);
    else classes.take(demand.amounts, pods, demand);
  }

  /** The nodes as the decision leaves them. */
  #classes(slot: number): NodeClasses {
    const overlay = this.#overlays.get(slot);
    if (overlay === undefined) return this.#snapshot.classes(slot);
    if (overlay.classes === undefined && overlay.owed === undefined) return this.#snapshot.classes(slot);
    return this.#settled(slot, overlay);
  }

  #settled(slot: number, overlay: Overlay): NodeClasses {
    overlay.classes ??= this.#snapshot.classes(slot).clone();
    const { classes, owed } = overlay;
    overlay.owed = undefined;
    if (owed !== undefined) classes.take(owed.demand.amounts, owed.pods, owed.demand);
    return classes;
  }

  /** Runs `work`; when it says false, all that it took is given back. Attempts may nest. */
  attempt(work: () => boolean): boolean {
    const outer = this.#journal;
    const journal: Journal = { before: undefined };
    this.#journal = journal;
    const kept = work();
    this.#journal = outer;
    if (journal.before === undefined) return kept;
    if (kept && outer !== undefined && outer.before === undefined) outer.before = journal.before;
    else if (!kept || outer !== undefined)
      for (const [slot, overlay] of journal.before) {
        if (kept) {
          if (outer?.before?.has(slot) === false) outer.before.set(slot, overlay);
        } else if (overlay === undefined) this.#overlays.delete(slot);
        else this.#overlays.set(slot, overlay);
      }
    return kept;
  }

  /** What the decision took in all. */
  additions(): Addition[] {
    const additions: Addition[] = [];
    for (const [slot, overlay] of this.#overlays) {
      const cluster = this.#snapshot.describe(slot).id;
      for (const [demand, replicas] of overlay.taken) {
        const held = demand.held.get(cluster);
        const expected = useOf(demand.expected, newPods(held, replicas));
        const { mcpu, memoryBytes, pods } = demand.perReplica;
        additions.push({
          cluster,
          amount: {
            mcpu: Math.max(0, replicas * mcpu - creditOf(held, 0)),
            memoryBytes: Math.max(0, replicas * memoryBytes - creditOf(held, 1)),
            pods: Math.max(0, replicas * pods - creditOf(held, 2)),
          },
          perReplica: demand.perReplica,
          newPods: Math.max(0, replicas - keptPods(demand, held)),
          rules: rulesOf(demand),
          ...(expected === undefined ? {} : { expected }),
        });
      }
    }
    return additions;
  }

  /** What became of the nodes that it took from, where they were looked at again. */
  foreseen(): Foreseen[] {
    const foreseen: Foreseen[] = [];
    for (const [slot, { classes: after }] of this.#overlays) {
      const before = this.#snapshot.classes(slot);
      if (after !== undefined) foreseen.push({ slot, before, revision: before.revision, after });
    }
    return foreseen;
  }

  held(slot: number, demand: Demand): Allotment | undefined {
    return demand.held.size === 0 ? undefined : demand.held.get(this.#snapshot.describe(slot).id);
  }

  #firstShortage(slot: number, wants: readonly (readonly [Demand, number])[]): Shortage | undefined {
    for (const [demand, asked] of wants) {
      if (asked === 0) continue;
      if (this.fit(slot, demand, asked) < asked) return this.#shortage(slot, demand, asked);
      this.take(slot, demand, asked);
    }
    return undefined;
  }

  #shortage(slot: number, demand: Demand, asked: number): Shortage {
    const held = this.held(slot, demand);
    for (const [at, resource] of resourceNames.entries()) {
      const free = this.free(slot, at);
      const growth = asked * demand.perReplica[resource] - creditOf(held, at);
      if (growth > 0 && growth > free) return { demand, asked, resource, free };
    }
    return { demand, asked, resource: undefined, free: 0 };
  }

  #nodesFit(slot: number, demand: Demand, before: number, enough: number): number {
    const classes = this.#classes(slot);
    if (!classes.known || demand.kind === 'daemon') return Number.POSITIVE_INFINITY;
    const kept = keptPods(demand, this.held(slot, demand));
    return Math.max(0, kept - before) + classes.count(demand.amounts, demand, enough);
  }

  #write(slot: number): Overlay {
    const known = this.#overlays.get(slot);
    const journal = this.#journal;
    if (journal !== undefined && journal.before?.has(slot) !== true) {
      journal.before ??= new Map();
      journal.before.set(slot, known);
    } else if (known !== undefined) return known;
    const overlay: Overlay =
      known === undefined
        ? { free: this.#snapshot.freeOf(slot), classes: undefined, owed: undefined, taken: new Map() }
        : { free: [...known.free], classes: known.classes?.clone(), owed: known.owed, taken: new Map(known.taken) };
    this.#overlays.set(slot, overlay);
    return overlay;
  }
}

const newPods = (held: Allotment | undefined, replicas: number): number =>
  Math.max(0, replicas - (held?.replicas ?? 0));

const useOf = (each: ExpectedUse | undefined, pods: number): ExpectedUse | undefined =>
  each === undefined ? undefined : { mcpu: pods * each.mcpu, memoryBytes: pods * each.memoryBytes };

const rulesOf = ({ tolerations, nodeSelector, devices }: Demand): PodRules => ({ tolerations, nodeSelector, devices });

/** What the held replicas have of a resource already. */
function creditOf(held: Allotment | undefined, resource: number): number {
  const name = resourceNames[resource];
  return held === undefined || name === undefined ? 0 : held.replicas * held.perReplica[name];
}

/** Pods that stay on their nodes: those held, when the new size is no larger than the old. */
const keptPods = (demand: Demand, held: Allotment | undefined): number =>
  held !== undefined && timesFits(demand.perReplica, held.perReplica) >= 1 ? held.replicas : 0;
