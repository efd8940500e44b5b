import {
  canonicalJson,
  type FieldConflict,
  type FieldDrift,
  type Instant,
  type Millis,
  type ObjectPolicy,
  type ObjectRef,
} from '#domain';
import { changedAt, type LostValue } from '#kube';
import { shownValue } from './shown-value.js';

const windowMs: Millis = 10 * 60_000;
const mostRepairs = 3;
const firstPauseMs: Millis = 60_000;
const longestPauseMs: Millis = 60 * 60_000;

interface Repairs {
  times: Instant[];
  pauses: number;
  pausedUntil: Instant;
}

/** How often each field was put back: who puts it back against somebody who insists makes two controllers run hot. */
export class RepairLedger {
  readonly #fields = new Map<string, Repairs>();

  /** Undefined: put it back, and that is noted; else not before then, since somebody fights over one of these. */
  allow(object: string, paths: readonly string[], now: Instant): Instant | undefined {
    const entries = paths.map((path) => this.#entry(`${object} ${path}`, now));
    const fought = entries.filter(({ times }) => times.length >= mostRepairs);
    for (const entry of fought) this.#pause(entry, now);
    const until = Math.max(0, ...entries.map(({ pausedUntil }) => pausedUntil));
    if (until > now) return until;
    for (const { times } of entries) times.push(now);
    return undefined;
  }

  #entry(key: string, now: Instant): Repairs {
    const entry = this.#fields.get(key) ?? { times: [], pauses: 0, pausedUntil: 0 };
    entry.times = entry.times.filter((time) => now - time < windowMs);
    const hasRested = entry.times.length === 0 && now - entry.pausedUntil > longestPauseMs;
    if (hasRested) entry.pauses = 0;
    this.#fields.set(key, entry);
    return entry;
  }

  /** Each pause is twice as long as the one before; after it, one repair is tried. */
  #pause(entry: Repairs, now: Instant): void {
    if (entry.pausedUntil > now) return;
    entry.pausedUntil = now + Math.min(longestPauseMs, firstPauseMs * 2 ** entry.pauses);
    entry.pauses += 1;
    entry.times = entry.times.slice(0, mostRepairs - 1);
  }
}

export type DriftDecision =
  | { kind: 'tell' }
  | { kind: 'leave' }
  | { kind: 'conflict' }
  | { kind: 'put-back' }
  | { kind: 'fought-over'; until: Instant };

/** A value that is as ordered is no conflict, whoever has it: an apply shares it. */
const isContested = ({ holders, ordered, found }: LostValue): boolean =>
  holders.some(({ operation }) => operation === 'Apply') &&
  (found === undefined || ordered === undefined || canonicalJson(found) !== canonicalJson(ordered));

/** What may be put back of an object, and what stays with managers that apply it; all of it where nothing may be put back. */
export function parted(lost: readonly LostValue[]): { free: readonly LostValue[]; left: readonly LostValue[] } {
  const free = lost.filter((field) => !isContested(field));
  return free.length === 0 ? { free: lost, left: [] } : { free, left: lost.filter(isContested) };
}

/** What is done about fields that somebody has changed. What another manager applies is its intent, and no drift to undo. */
export function decide(
  policy: ObjectPolicy['drift'],
  { key, lost }: { key: string; lost: readonly LostValue[] },
  ledger: RepairLedger,
  now: Instant,
): DriftDecision {
  if (policy === 'report') return { kind: 'tell' };
  if (policy === 'adopt') return { kind: 'leave' };
  if (lost.some(isContested)) return { kind: 'conflict' };
  const until = ledger.allow(
    key,
    lost.map(({ path }) => path),
    now,
  );
  return until === undefined ? { kind: 'put-back' } : { kind: 'fought-over', until };
}

/** `spec.replicas`: the server begins its paths with a dot. */
export const toldPath = (path: string): string => (path.startsWith('.') ? path.slice(1) : path);

const nameOf = ({ apiVersion, kind, namespace, name }: ObjectRef): ObjectRef => ({ apiVersion, kind, namespace, name });

/** What was taken and given back by hand has no other value: it is taken again, and there is nothing to tell. */
export const driftsOf = (ref: ObjectRef, lost: readonly LostValue[]): FieldDrift[] =>
  lost
    .map((field) => ({
      object: nameOf(ref),
      path: toldPath(field.path),
      ordered: shownValue(ref, field.ordered),
      found: shownValue(ref, field.found),
      manager: field.holders[0]?.manager ?? '',
      changedAt: changedAt(field.holders),
    }))
    .filter(({ ordered, found }) => ordered !== found);

export const conflictsOf = (ref: ObjectRef, lost: readonly LostValue[]): FieldConflict[] =>
  lost
    .filter(isContested)
    .flatMap(({ path, holders }) =>
      holders
        .filter(({ operation }) => operation === 'Apply')
        .map(({ manager }) => ({ object: nameOf(ref), path: toldPath(path), manager })),
    );
