import type {
  DriftOutcome,
  FieldConflict,
  FieldDrift,
  Findings,
  Instant,
  ObjectEvent,
  ObjectRef,
  StatusReason,
} from '#domain';
import type { Hold, OwnedObject } from '#kube';

interface DriftNote {
  outcome: DriftOutcome;
  uid: string;
  /** Of the object when it was looked at, and what was said of it then. */
  seenVersion: string;
  signature: string;
  drifts: readonly FieldDrift[];
  conflicts: readonly FieldConflict[];
  /** It is looked at again from then on. */
  notBefore: Instant;
}

/** A field that was put back as ordered, and until when that is told. */
interface PutBack {
  key: string;
  drift: FieldDrift;
  until: Instant;
}

const mostOfEach = 50;
const mostEvents = 20;

const signatureOf = ({ lost }: Hold): string => JSON.stringify(lost);

/** What is to be told of a work's objects besides how they are, and what of it has been dealt with. Pure. */
export class WorkNotes {
  readonly #drifts = new Map<string, DriftNote>();
  /** The newest first. */
  #putBack: PutBack[] = [];
  readonly #refused = new Map<string, readonly FieldConflict[]>();
  readonly #events: ObjectEvent[] = [];

  /**
   * Whether somebody has changed the object in a way that was not dealt with; what is in order again is forgotten.
   * `isUnsettled`: Berth itself is to give something up, or to take it back.
   */
  isDue(key: string, observed: OwnedObject, isUnsettled: boolean, now: Instant): boolean {
    const { hold } = observed;
    const note = this.#drifts.get(key);
    if (hold?.uncompared !== undefined) return false;
    if (hold === undefined || (hold.lost.length === 0 && !isUnsettled)) {
      if (note !== undefined && note.outcome !== 'put-back') this.#drifts.delete(key);
      return false;
    }
    if (note === undefined || note.uid !== observed.uid) return true;
    if (note.outcome === 'fought-over') return now >= note.notBefore;
    if (note.signature !== signatureOf(hold)) return true;
    return note.outcome === 'put-back' && note.seenVersion !== observed.resourceVersion;
  }

  note(
    key: string,
    observed: OwnedObject,
    found: Pick<DriftNote, 'outcome' | 'drifts' | 'conflicts'> & { notBefore?: Instant },
  ): void {
    this.#drop(key, found.drifts);
    this.#drifts.set(key, {
      notBefore: 0,
      ...found,
      uid: observed.uid,
      seenVersion: observed.resourceVersion,
      signature: observed.hold === undefined ? '' : signatureOf(observed.hold),
    });
  }

  /** Tells until then of fields that are put back, whatever else is found of the object meanwhile. */
  putBack(key: string, drifts: readonly FieldDrift[], until: Instant): void {
    this.#drop(key, drifts);
    this.#putBack.unshift(...drifts.map((drift) => ({ key, drift, until })));
    this.#putBack.splice(mostOfEach);
  }

  /** They could not be put back: the object is looked at again. */
  notPutBack(key: string, drifts: readonly FieldDrift[]): void {
    this.#drop(key, drifts);
    this.#drifts.delete(key);
  }

  /** What was to be told until now is told no more. */
  fade(now: Instant): void {
    this.#putBack = this.#putBack.filter(({ until }) => until > now);
  }

  #drop(key: string, drifts: readonly FieldDrift[]): void {
    const paths = new Set(drifts.map(({ path }) => path));
    this.#putBack = this.#putBack.filter((each) => each.key !== key || !paths.has(each.drift.path));
  }

  /** An apply was refused over these; empty when it was not. */
  refused(key: string, conflicts: readonly FieldConflict[]): void {
    if (conflicts.length === 0) this.#refused.delete(key);
    else this.#refused.set(key, conflicts);
  }

  /** What `refused` was told last. */
  refusedOver(key: string): readonly FieldConflict[] {
    return this.#refused.get(key) ?? [];
  }

  /** Something that the agent did to an object. */
  event(object: ObjectRef, reason: string, message: string, now: Instant): void {
    const { apiVersion, kind, namespace, name } = object;
    const known = this.#events.find(
      (each) => each.reason === reason && each.object.kind === kind && each.object.name === name,
    );
    if (known !== undefined) this.#events.splice(this.#events.indexOf(known), 1);
    const count = (known?.count ?? 0) + 1;
    this.#events.unshift({ object: { apiVersion, kind, namespace, name }, reason, message, count, lastAt: now });
    this.#events.splice(mostEvents);
  }

  get findings(): Findings {
    const notes = [...this.#drifts.values()];
    const conflicts = [...[...this.#refused.values()].flat(), ...notes.flatMap((note) => note.conflicts)];
    return {
      drifts: [
        ...notes.flatMap(({ drifts, outcome }) => drifts.map((drift) => ({ ...drift, outcome }))),
        ...this.#putBack.map(({ drift }) => ({ ...drift, outcome: 'put-back' as const })),
      ].slice(0, mostOfEach),
      conflicts: conflicts.slice(0, mostOfEach),
      events: [...this.#events],
    };
  }

  get reasons(): StatusReason[] {
    const notes = [...this.#drifts.values()];
    const contested = notes.flatMap(({ conflicts }) => conflicts);
    const fought = notes.filter(({ outcome }) => outcome === 'fought-over').flatMap(({ drifts }) => drifts);
    return [
      ...reasonOf('FieldConflict', contested, ({ path, manager }) => `${path} is applied by ${manager}`),
      ...reasonOf('FieldFoughtOver', fought, ({ path, manager }) => `${path} is changed again and again by ${manager}`),
    ];
  }
}

function reasonOf<T>(reason: string, of: readonly T[], say: (each: T) => string): StatusReason[] {
  const [first] = of;
  return first === undefined ? [] : [{ reason, message: say(first), count: of.length }];
}
