import type { Snapshot } from '../fleet/snapshot.js';
import type { Candidate, Ranked } from '../plugin.js';

/** Most decisions look at no more candidates than these; they are found in one pass, and only beyond them is all sorted. */
const few = [4, 16, 64];

/** The admitted clusters by total, then by id. Good as long as the totals are not written anew. */
export class Ranking implements Ranked {
  readonly length: number;
  readonly #snapshot: Snapshot;
  readonly #totals: Int32Array;
  #best: Candidate[] = [];
  #sorted: Candidate[] | undefined;

  /** `totals` by place, −1 for whoever is refused; `admitted`: how many are not. */
  constructor(snapshot: Snapshot, totals: Int32Array, admitted: number) {
    this.#snapshot = snapshot;
    this.#totals = totals;
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
    this.#best = this.#candidates(bestOf(this.#totals, most));
    return this.#best;
  }

  #all(): Candidate[] {
    this.#sorted ??= this.#candidates(inOrder(this.#totals, this.length));
    return this.#sorted;
  }

  #candidates(places: ArrayLike<number>): Candidate[] {
    const { slots } = this.#snapshot;
    const candidates: Candidate[] = [];
    for (let at = 0; at < places.length; at++) candidates.push(this.#snapshot.candidate(slots[places[at] ?? 0] ?? 0));
    return candidates;
  }
}

/** The places of the `most` best, in order; of equals the first. */
function bestOf(totals: Int32Array, most: number): number[] {
  const found: number[] = [];
  let least = -1;
  for (let place = 0; place < totals.length; place++) {
    const total = totals[place] ?? 0;
    if (total <= least) continue;
    if (found.length === most) found.pop();
    let at = found.length;
    for (; at > 0 && (totals[found[at - 1] ?? 0] ?? 0) < total; at--) found[at] = found[at - 1] ?? 0;
    found[at] = place;
    if (found.length === most) least = totals[found[most - 1] ?? 0] ?? 0;
  }
  return found;
}

const digit = 2048;
let spareOrder = [new Int32Array(1024), new Int32Array(1024)];

/** The places of all admitted, in order; of equals the first. Totals are of a narrow range: counted, not compared. */
function inOrder(totals: Int32Array, admitted: number): ArrayLike<number> {
  if ((spareOrder[0]?.length ?? 0) < admitted)
    spareOrder = [new Int32Array(admitted * 2), new Int32Array(admitted * 2)];
  const [low, high] = spareOrder;
  if (low === undefined || high === undefined) return [];
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  let count = 0;
  for (let place = 0; place < totals.length; place++) {
    const total = totals[place] ?? 0;
    if (total < 0) continue;
    high[count++] = place;
    if (total < least) least = total;
    if (total > most) most = total;
  }
  const places = high.subarray(0, count);
  if (most - least >= digit * digit) return places.sort((a, b) => (totals[b] ?? 0) - (totals[a] ?? 0) || a - b);
  const sorted = low.subarray(0, count);
  byDigit(totals, places, sorted, (total) => (most - total) % digit);
  if (most - least < digit) return sorted;
  byDigit(totals, sorted, places, (total) => Math.floor((most - total) / digit));
  return places;
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
    const place = from[at] ?? 0;
    const bucket = of(totals[place] ?? 0);
    const next = starts[bucket] ?? 0;
    starts[bucket] = next + 1;
    to[next] = place;
  }
}
