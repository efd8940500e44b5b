import type { Snapshot } from '../fleet/snapshot.js';
import type { Candidate, Ranked } from '../plugin.js';

/** Most decisions look at no more candidates than these; they are found in one pass, and only beyond them is all sorted. */
const few = [4, 16, 64];

/** The admitted clusters by total, then by id. Good as long as the totals are not written anew. */
export class Ranking implements Ranked {
  readonly length: number;
  readonly #snapshot: Snapshot;
  readonly #totals: Int32Array;
  readonly #admitted: Int32Array;
  #best: Candidate[] = [];
  #sorted: Candidate[] | undefined;

  /** `admitted`: the places of all there are; `totals`: what each of them has, 0 or more. */
  constructor(snapshot: Snapshot, totals: Int32Array, admitted: Int32Array) {
    this.#snapshot = snapshot;
    this.#totals = totals;
    this.#admitted = admitted;
    this.length = admitted.length;
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
    this.#best = this.#candidates(bestOf(this.#totals, most));
    return this.#best;
  }

  #all(): Candidate[] {
    this.#sorted ??= this.#candidates(inOrder(this.#totals));
    return this.#sorted;
  }

  /** `order`: where in `admitted` each of them is. */
  #candidates(order: ArrayLike<number>): Candidate[] {
    const { slots } = this.#snapshot;
    const candidates: Candidate[] = [];
    for (let at = 0; at < order.length; at++)
      candidates.push(this.#snapshot.candidate(slots[this.#admitted[order[at] ?? 0] ?? 0] ?? 0));
    return candidates;
  }
}

/** Where the `most` best are, in order; of equals the first. */
function bestOf(totals: Int32Array, most: number): number[] {
  const found: number[] = [];
  let least = -1;
  for (let which = 0; which < totals.length; which++) {
    const total = totals[which] ?? 0;
    if (total <= least) continue;
    if (found.length === most) found.pop();
    let at = found.length;
    for (; at > 0 && (totals[found[at - 1] ?? 0] ?? 0) < total; at--) found[at] = found[at - 1] ?? 0;
    found[at] = which;
    if (found.length === most) least = totals[found[most - 1] ?? 0] ?? 0;
  }
  return found;
}

const digit = 2048;
let spareOrder = [new Int32Array(1024), new Int32Array(1024)];

/** Where all of them are, in order; of equals the first. Totals are of a narrow range: counted, not compared. */
function inOrder(totals: Int32Array): ArrayLike<number> {
  const count = totals.length;
  if ((spareOrder[0]?.length ?? 0) < count) spareOrder = [new Int32Array(count * 2), new Int32Array(count * 2)];
  const [low, high] = spareOrder;
  if (low === undefined || high === undefined) return [];
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let at = 0; at < count; at++) {
    const total = totals[at] ?? 0;
    high[at] = at;
    if (total < least) least = total;
    if (total > most) most = total;
  }
  const order = high.subarray(0, count);
  if (most - least >= digit * digit) return order.sort((a, b) => (totals[b] ?? 0) - (totals[a] ?? 0) || a - b);
  const sorted = low.subarray(0, count);
  byDigit(totals, order, sorted, (total) => (most - total) % digit);
  if (most - least < digit) return sorted;
  byDigit(totals, sorted, order, (total) => Math.floor((most - total) / digit));
  return order;
}

const starts = new Int32Array(digit + 1);

/** A pass of a radix sort: stable. */
function byDigit(totals: Int32Array, from: Int32Array, to: Int32Array, of: (total: number) => number): void {
  starts.fill(0);
  for (let at = 0; at < from.length; at++) {
    const bucket = of(totals[from[at] ?? 0] ?? 0) + 1;
    starts[bucket] = (starts[bucket] ?? 0) + 1;
  }
  for (let bucket = 0; bucket < digit; bucket++) starts[bucket + 1] = (starts[bucket + 1] ?? 0) + (starts[bucket] ?? 0);
  for (let at = 0; at < from.length; at++) {
    const which = from[at] ?? 0;
    const bucket = of(totals[which] ?? 0);
    const next = starts[bucket] ?? 0;
    starts[bucket] = next + 1;
    to[next] = which;
  }
}
