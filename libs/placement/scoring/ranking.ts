import type { Snapshot } from '../fleet/snapshot.js';
import type { Candidate, Ranked } from '../plugin.js';

/** Most decisions look at no more candidates than these; they are found in one pass, and only beyond them is all sorted. */
const few = [16, 64];

/** Written anew by every ranking: only the newest is looked at. */
let sparePlaces = new Int32Array(1024);
let spareTotals = new Float64Array(1024);

/** The admitted clusters by total, then by id. Good until the next one is made. */
export class Ranking implements Ranked {
  readonly length: number;
  readonly #snapshot: Snapshot;
  #best: Candidate[] = [];
  #sorted: Candidate[] | undefined;

  /** `totals` by place, whole numbers; refused are those of which `refusedBy` is not −1. */
  constructor(snapshot: Snapshot, refusedBy: Int16Array, totals: Float64Array) {
    const count = refusedBy.length;
    if (sparePlaces.length < count) {
      sparePlaces = new Int32Array(count * 2);
      spareTotals = new Float64Array(count * 2);
    }
    let admitted = 0;
    for (let place = 0; place < count; place++) {
      if (refusedBy[place] !== -1) continue;
      sparePlaces[admitted] = place;
      spareTotals[admitted++] = totals[place] ?? 0;
    }
    this.#snapshot = snapshot;
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
    this.#best = this.#candidates(bestOf(this.length, most));
    return this.#best;
  }

  #all(): Candidate[] {
    this.#sorted ??= this.#candidates(inOrder(this.length));
    return this.#sorted;
  }

  /** `order`: where in the columns each of them is. */
  #candidates(order: ArrayLike<number>): Candidate[] {
    const { slots } = this.#snapshot;
    const candidates: Candidate[] = [];
    for (let at = 0; at < order.length; at++)
      candidates.push(this.#snapshot.candidate(slots[sparePlaces[order[at] ?? 0] ?? 0] ?? 0));
    return candidates;
  }
}

/** The `most` best of so many, in order; of equals the first. */
function bestOf(count: number, most: number): number[] {
  const found: number[] = [];
  for (let at = 0; at < count; at++) {
    const total = spareTotals[at] ?? 0;
    if (found.length === most) {
      if (total <= (spareTotals[found[most - 1] ?? 0] ?? 0)) continue;
      found.pop();
    }
    let place = found.length;
    for (; place > 0 && (spareTotals[found[place - 1] ?? 0] ?? 0) < total; place--)
      found[place] = found[place - 1] ?? 0;
    found[place] = at;
  }
  return found;
}

const digit = 2048;
let spareOrder = [new Int32Array(1024), new Int32Array(1024)];

/** All of so many, in order; of equals the first. Totals are whole numbers of a narrow range: counted, not compared. */
function inOrder(count: number): ArrayLike<number> {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < count; at++) {
    const total = spareTotals[at] ?? 0;
    if (total < least) least = total;
    if (total > most) most = total;
  }
  if (most - least >= digit * digit) {
    const order = Array.from({ length: count }, (_, at) => at);
    return order.sort((a, b) => (spareTotals[b] ?? 0) - (spareTotals[a] ?? 0) || a - b);
  }
  if ((spareOrder[0]?.length ?? 0) < count) spareOrder = [new Int32Array(count * 2), new Int32Array(count * 2)];
  const [low, high] = spareOrder;
  if (low === undefined || high === undefined) return [];
  for (let at = 0; at < count; at++) high[at] = at;
  byDigit(high, low, count, (total) => (most - total) % digit);
  if (most - least < digit) return low.subarray(0, count);
  byDigit(low, high, count, (total) => Math.floor((most - total) / digit));
  return high.subarray(0, count);
}

const starts = new Int32Array(digit + 1);

/** A pass of a radix sort: stable. */
function byDigit(from: Int32Array, to: Int32Array, count: number, of: (total: number) => number): void {
  starts.fill(0);
  for (let at = 0; at < count; at++) {
    const bucket = of(spareTotals[from[at] ?? 0] ?? 0) + 1;
    starts[bucket] = (starts[bucket] ?? 0) + 1;
  }
  for (let bucket = 0; bucket < digit; bucket++) starts[bucket + 1] = (starts[bucket + 1] ?? 0) + (starts[bucket] ?? 0);
  for (let at = 0; at < count; at++) {
    const which = from[at] ?? 0;
    const bucket = of(spareTotals[which] ?? 0);
    const place = starts[bucket] ?? 0;
    starts[bucket] = place + 1;
    to[place] = which;
  }
}
