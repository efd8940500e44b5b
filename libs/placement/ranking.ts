import type { Candidate, Ranked } from './plugin.js';
import type { Snapshot } from './snapshot.js';

/** Most decisions look at no more candidates than these; they are found in one pass, and only beyond them is all sorted. */
const few = [16, 128];

/** Written anew by every ranking: only the newest is looked at. */
let spare = new Float64Array(1024);

/** The admitted clusters by total, then by id. Good until the next one is made. */
export class Ranking implements Ranked {
  readonly length: number;
  readonly #snapshot: Snapshot;
  /** `place − total × count` of each; the least is the best. */
  readonly #keys: Float64Array;
  #best: Candidate[] = [];
  #sorted: Candidate[] | undefined;

  /** `totals` by place; refused are those of which `refusedBy` is not −1. */
  constructor(snapshot: Snapshot, refusedBy: Int16Array, totals: Float64Array) {
    const count = refusedBy.length;
    if (spare.length < count) spare = new Float64Array(count * 2);
    let admitted = 0;
    for (let place = 0; place < count; place++)
      if (refusedBy[place] === -1) spare[admitted++] = place - (totals[place] ?? 0) * count;
    this.#snapshot = snapshot;
    this.#keys = spare.subarray(0, admitted);
    this.length = admitted;
  }

  slice(start = 0, end = this.length): Candidate[] {
    return this.#upTo(end).slice(start, end);
  }

  filter(keeps: (candidate: Candidate, place: number) => boolean): Candidate[] {
    return this.#all().filter((candidate, place) => keeps(candidate, place));
  }

  map<T>(of: (candidate: Candidate, place: number) => T): T[] {
    return this.#all().map((candidate, place) => of(candidate, place));
  }

  *[Symbol.iterator](): Iterator<Candidate> {
    let before = 0;
    for (const count of [...few, this.length]) {
      yield* this.slice(before, count);
      before = count;
    }
  }

  /** So many of the best, or more. */
  #upTo(end: number): Candidate[] {
    if (this.#best.length >= Math.min(end, this.length)) return this.#best;
    const most = few.find((count) => count >= end);
    if (most === undefined) return this.#all();
    this.#best = this.#candidates(leastOf(this.#keys, most));
    return this.#best;
  }

  #all(): Candidate[] {
    this.#sorted ??= this.#candidates(this.#keys.slice().sort());
    return this.#sorted;
  }

  #candidates(keys: Float64Array): Candidate[] {
    const { slots } = this.#snapshot;
    const count = slots.length;
    const candidates: Candidate[] = [];
    for (const key of keys) {
      const place = ((key % count) + count) % count;
      candidates.push(this.#snapshot.candidate(slots[place] ?? 0));
    }
    return candidates;
  }
}

/** The `most` least of them, in order. */
function leastOf(keys: Float64Array, most: number): Float64Array {
  const found = new Float64Array(Math.min(most, keys.length));
  let filled = 0;
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at] ?? 0;
    if (filled === found.length && key >= (found[filled - 1] ?? 0)) continue;
    let place = filled < found.length ? filled++ : filled - 1;
    for (; place > 0 && (found[place - 1] ?? 0) > key; place--) found[place] = found[place - 1] ?? 0;
    found[place] = key;
  }
  return found;
}
