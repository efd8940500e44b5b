import type { FieldConflict, Instant, ObjectRef, Reflection, Work } from '#domain';
import { type ObjectIdentity, type Ordered, type OwnedObject, valueAt } from '#kube';
import { RepairLedger } from './drift.js';
import type { ApplyFailure } from './failure.js';
import { WorkNotes } from './notes.js';
import {
  type AppliedMark,
  isConfirmed,
  isNamespace,
  objectKey,
  remaining,
  type WantedObject,
  wantedObjects,
} from './plan.js';

/** What is being done for a work, whatever its generation. */
export interface Hands {
  /** An apply is under way: what it makes may not be there yet. */
  isApplying: boolean;
  /** The namespace that was made for it, until the watch shows one. */
  namespace: ObjectIdentity | undefined;
  /** By key, writes whose answer was lost, of this generation or an older one: nobody knows whether they were done. */
  readonly unsure: Map<string, Unsure>;
  readonly repairs: RepairLedger;
}

/** What may be there, although no answer said so and the watch does not show it. */
export interface Unsure extends Ordered {
  ref: ObjectRef;
  digest: string;
}

export interface RefusedTakeOver {
  /** Of the object, as it was left. */
  resourceVersion: string;
  error: unknown;
  conflicts: readonly FieldConflict[];
}

/** One work that the agent was told to hold. */
export interface HeldWork {
  work: Work;
  wanted: readonly WantedObject[];
  applied: Map<string, AppliedMark>;
  hands: Hands;
  /** What is to be told of this generation's objects. */
  notes: WorkNotes;
  /** The newest generation whose objects the watch has all shown as ordered. */
  confirmed: bigint;
  /** The present generation was tried at least once. */
  isTried: boolean;
  failure: ApplyFailure | undefined;
  failures: number;
  /** What was ordered of it up to this sequence is in the member's figures: the pods that were asked for are on nodes. */
  reflected: bigint;
  /** Objects of others that refused this content when they were to be taken over, as they were left. */
  refusedTakeOvers: Map<string, RefusedTakeOver>;
  /** It is wanted no more, nothing of it is left but pods, and these stay: they are nobody's of Berth. */
  isHandedBack: boolean;
}

/** An object that somebody has changed, as the watch shows it. */
export interface Drifted {
  wanted: WantedObject;
  observed: OwnedObject;
}

/** What the agent was told to hold, and how far it is. Pure: it applies nothing, and it never forgets an object. */
export class HeldWorks {
  readonly #works = new Map<string, HeldWork>();
  #received = 0n;
  /** Up to here nothing was ordered that is not held, in this content or a newer one. */
  #known = 0n;

  /** Everything up to here has been received. */
  get received(): bigint {
    return this.#received;
  }

  /** Another life of the store: its sequences and generations say nothing about those known so far. */
  beginIncarnation(): void {
    this.#works.clear();
    this.rewind();
  }

  /** Everything is sent again from the beginning. */
  rewind(): void {
    this.#received = 0n;
    this.#known = 0n;
  }

  receivedUpTo(sequence: bigint, { moreFollows = false } = {}): void {
    if (sequence > this.#received) this.#received = sequence;
    if (!moreFollows) this.#known = this.#received;
  }

  /** Takes a work in; answers whether it brings a new content. Older ones than those known change nothing. */
  take(work: Work): boolean {
    const known = this.#works.get(work.id);
    if (known !== undefined && known.work.generation >= work.generation) {
      if (known.work.generation === work.generation) resequence(known, work.sequence);
      return false;
    }
    this.#works.set(work.id, {
      work,
      wanted: wantedObjects(work),
      applied: known?.applied ?? new Map(),
      hands: known?.hands ?? newHands(),
      notes: new WorkNotes(),
      confirmed: known?.confirmed ?? 0n,
      isTried: false,
      failure: undefined,
      failures: 0,
      // what came before may have been merged into this one on its way, whatever else has been received
      reflected: known?.reflected ?? 0n,
      refusedTakeOvers: new Map(),
      isHandedBack: false,
    });
    return true;
  }

  get(workId: string): HeldWork | undefined {
    return this.#works.get(workId);
  }

  ids(): string[] {
    return [...this.#works.keys()];
  }

  /** What is left to apply of a work, by what the watch shows; and notes what the watch has confirmed. */
  examine(held: HeldWork, objects: readonly OwnedObject[]): WantedObject[] {
    const observed = new Map(objects.map((object) => [objectKey(object), object]));
    for (const [key, mark] of held.applied) {
      const there = observed.get(key);
      if (there?.uid === mark.uid && there.digest === mark.digest) mark.seen = true;
    }
    for (const key of held.hands.unsure.keys()) if (observed.has(key)) held.hands.unsure.delete(key);
    // what is still being applied, or was without an answer, may be what this generation leaves out
    const isSettled = !held.hands.isApplying && leftUnsure(held).length === 0;
    if (isSettled && isConfirmed(held.wanted, observed)) {
      held.confirmed = held.work.generation;
      held.isTried = true;
    }
    return remaining(held.wanted, observed, held.applied);
  }

  /** Objects that are as applied, but for what somebody has changed since, and nobody has dealt with. */
  drifted({ wanted, notes }: HeldWork, objects: readonly OwnedObject[], now: Instant): Drifted[] {
    const observed = new Map(objects.map((object) => [objectKey(object), object]));
    return wanted.flatMap((each) => {
      const there = observed.get(each.key);
      const isDue = there?.digest === each.digest && !there.deleting;
      return isDue && notes.isDue(each.key, there, isUnsettled(each, there), now)
        ? [{ wanted: each, observed: there }]
        : [];
    });
  }

  /** What was applied to an object under the digest that it carries; undefined when no held work says. */
  ordered(object: OwnedObject): WantedObject | undefined {
    const key = objectKey(object);
    return this.#works.get(object.workId)?.wanted.find((each) => each.key === key && each.digest === object.digest);
  }

  /** An order to delete this object has been carried out: it is there no more, whether the watch ever showed it or not. */
  buried(uid: string): void {
    for (const { applied, hands } of this.#works.values()) {
      for (const [key, mark] of applied) if (mark.uid === uid) applied.delete(key);
      if (hands.namespace?.uid === uid) hands.namespace = undefined;
    }
  }

  /** A work that is held wants this object, or lives in this namespace. */
  isWanted(object: ObjectRef): boolean {
    const key = objectKey(object);
    for (const { work, wanted } of this.#works.values()) {
      if (wanted.some((each) => each.key === key)) return true;
      if (isNamespace(object) && wanted.length > 0 && work.namespace === object.name) return true;
    }
    return false;
  }

  /** Every work up to this sequence is in the cluster as ordered. */
  get appliedUpTo(): bigint {
    return this.#upTo((held) => held.confirmed === held.work.generation);
  }

  /**
   * Notes whether all pods that the work's objects ask for by now are on nodes. They may be lost again. Of a work that is
   * wanted no more: whether its pods are gone, or count as foreign.
   */
  sawPods(held: HeldWork, areThere: boolean): void {
    if (!areThere) held.reflected = held.wanted.length === 0 ? held.work.sequence - 1n : 0n;
    else if (held.confirmed === held.work.generation) held.reflected = held.work.sequence;
  }

  /** Whose pods are in the member's figures; `most` works are named, and what is beyond them lowers the bound. */
  reflection(most: number): Reflection {
    const open = [...this.#works.values()].filter(({ work, reflected }) => reflected < work.sequence);
    const entries = open.map(({ work, reflected }) => ({ workId: work.id, after: reflected }));
    entries.sort((a, b) => (a.after < b.after ? -1 : a.after > b.after ? 1 : a.workId < b.workId ? -1 : 1));
    const beyond = entries[most]?.after;
    const upTo = beyond === undefined || beyond > this.#known ? this.#known : beyond;
    return { upTo, except: entries.slice(0, most).filter(({ after }) => after < upTo) };
  }

  /** Every work up to this sequence has been tried, well or not. */
  get triedUpTo(): bigint {
    return this.#upTo((held) => held.isTried);
  }

  #upTo(isDone: (held: HeldWork) => boolean): bigint {
    let upTo = this.#received;
    for (const held of this.#works.values())
      if (held.work.sequence <= upTo && !isDone(held)) upTo = held.work.sequence - 1n;
    return upTo;
  }
}

/** An autoscaler is to have the number that Berth still has, or Berth a field that was left to others. */
function isUnsettled({ isAutoscaled, reclaims, manifest }: WantedObject, { hold }: OwnedObject): boolean {
  if (hold === undefined) return false;
  if (isAutoscaled && hold.hasSpareReplicas) return true;
  return reclaims && hold.yielded.some((path) => valueAt(manifest, path) !== undefined);
}

const newHands = (): Hands => ({
  ...{ isApplying: false, namespace: undefined },
  ...{ unsure: new Map(), repairs: new RepairLedger() },
});

/**
 * What may be there and is not wanted any more. That the watch does not show it says nothing: it may not have come so
 * far. What is wanted is applied again, and then there is an answer.
 */
export const leftUnsure = ({ hands, wanted }: Pick<HeldWork, 'hands' | 'wanted'>): Unsure[] =>
  [...hands.unsure].flatMap(([key, unsure]) => {
    const isWanted = isNamespace(unsure.ref) ? wanted.length > 0 : wanted.some((each) => each.key === key);
    return isWanted ? [] : [unsure];
  });

function resequence(held: HeldWork, sequence: bigint): void {
  const isReflected = held.reflected >= held.work.sequence;
  held.work = { ...held.work, sequence };
  if (isReflected) held.reflected = sequence;
}
