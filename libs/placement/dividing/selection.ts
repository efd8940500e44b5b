import { type DomainColumn, domainColumn, weightOf } from '../fleet/domains.js';
import type { Snapshot } from '../fleet/snapshot.js';
import type { Candidate } from '../plugin.js';
import { apportion, type Remainders } from './apportion.js';

/** What holds for the domains of one key; `Infinity` where there is no bound. */
export interface DomainRule {
  by: string;
  least: number;
  most: number;
  skew: number;
}

/** Candidates that are in the same domain under every rule. */
interface Cell {
  /** Places of its domains in `Domains.names`, one for each rule. */
  domains: readonly number[];
  /** Its place among the innermost domains that have weights. */
  path: number;
  /** Places of its candidates, the best first. */
  members: number[];
  /** Their places in the order in which they are wished for. */
  queue: readonly number[];
  /** How far the queue is used up. */
  next: number;
}

/** Weights of the domains of one key. */
export interface Level {
  by: string;
  weights: Readonly<Record<string, number>>;
}

export interface Wish {
  count: number;
  /** At most so many domains, for each rule. */
  mostDomains: readonly number[];
  /** The first cluster is in this domain. */
  start?: { rule: number; domain: number } | undefined;
  /** Each cluster holds the same, so clusters are what skew counts. */
  countsClusters: boolean;
  /** No path gets more clusters than this; absent: no path is bound. */
  quotas?: readonly number[] | undefined;
}

/** The number that stands for `key`: a new one when it is new. */
function numberOf<K>(numbers: Map<K, number> | undefined, key: K): number {
  const known = numbers?.get(key) ?? numbers?.size ?? 0;
  numbers?.set(key, known);
  return known;
}

/** How long a column by slot must be that holds all of these. */
export function beyondSlots(candidates: readonly Candidate[]): number {
  let most = -1;
  for (const { slot } of candidates) if (slot > most) most = slot;
  return most + 1;
}

/** Numbers domains in the order in which they are met. */
class Numbering {
  readonly names: string[] = [];
  readonly #column: DomainColumn;
  /** By the column's numbers, shifted by one: what is in no domain comes first. */
  readonly #own: Int32Array;

  constructor(column: DomainColumn) {
    this.#column = column;
    this.#own = new Int32Array(column.names.length + 1).fill(-1);
  }

  at(slot: number): number {
    const number = this.#column.numbers[slot] ?? -1;
    const known = this.#own[number + 1] ?? -1;
    if (known !== -1) return known;
    const own = this.names.length;
    this.names.push(this.#column.names[number] ?? '');
    this.#own[number + 1] = own;
    return own;
  }
}

/** More than any quota is. */
const seatsBeyond = 1_000_000;

/** The domains that the candidates are in, and how to choose among them. */
export class Domains {
  /** For each rule, the values there are, the best candidate's first. */
  names: readonly string[][] = [];
  readonly #levels: readonly Level[];
  readonly #paths = new Map<string, number>();
  readonly #rules: readonly DomainRule[];
  readonly #cells: Cell[] = [];
  /** By slot, its place in `#cells`. */
  readonly #cellAt: Int32Array;
  readonly #candidates: readonly Candidate[];

  constructor(
    snapshot: Snapshot,
    candidates: readonly Candidate[],
    rules: readonly DomainRule[],
    levels: readonly Level[] = [],
  ) {
    const unbound = { least: 0, most: Number.POSITIVE_INFINITY, skew: Number.POSITIVE_INFINITY };
    this.#rules = [...rules, ...levels.map(({ by }) => ({ by, ...unbound }))];
    this.#levels = levels;
    this.#candidates = candidates;
    this.#cellAt = new Int32Array(beyondSlots(candidates));
    this.#index(snapshot, candidates);
  }

  /** Runs over the whole fleet in every decision: nothing is made but for a new cell. */
  #index(snapshot: Snapshot, candidates: readonly Candidate[]): void {
    const values = this.#rules.map(({ by }) => new Numbering(domainColumn(snapshot, by)));
    /** Domains under the rules so far → a number of their own. */
    const prefixes = values.map(() => new Map<number, number>());
    const cells: Cell[] = this.#cells;
    for (let place = 0; place < candidates.length; place++) {
      const slot = candidates[place]?.slot ?? 0;
      let key = 0;
      for (let rule = 0; rule < values.length; rule++) {
        const domain = values[rule]?.at(slot) ?? 0;
        key = rule === 0 ? domain : numberOf(prefixes[rule], key * (candidates.length + 1) + domain);
      }
      // Keys are given out in order, so a new one is the next cell's.
      let cell = cells[key];
      if (cell === undefined) {
        const domains = values.map((each) => each.at(slot));
        cell = { domains, path: this.#pathOf(domains), members: [], queue: [], next: 0 };
        cells.push(cell);
      }
      cell.members.push(place);
      this.#cellAt[slot] = key;
    }
    this.names = values.map(({ names }) => names);
  }

  #pathOf(domains: readonly number[]): number {
    if (this.#levels.length === 0) return 0;
    const key = domains.slice(domains.length - this.#levels.length).join('/');
    return numberOf(this.#paths, key);
  }

  /**
   * How many of so many seats each innermost domain with a weight would get: if all had the room, or when a candidate
   * takes no more than `capOf` says.
   */
  quotas(
    seats: number,
    method: Remainders,
    capOf?: (candidate: Candidate) => number,
    candidates: readonly Candidate[] = [],
  ): number[] {
    const caps = [...this.#paths].map(() => (capOf === undefined ? seats : 0));
    if (capOf !== undefined)
      for (const candidate of candidates) {
        const path = this.#cellOf(candidate)?.path ?? 0;
        caps[path] = (caps[path] ?? 0) + capOf(candidate);
      }
    const quotas = [...this.#paths].map(() => 0);
    const first = this.#rules.length - this.#levels.length;
    const divide = (cells: readonly Cell[], share: number, level: number): void => {
      const weights = this.#levels[level]?.weights;
      if (weights === undefined) {
        for (const { path } of cells) quotas[path] = share;
        return;
      }
      const groups = new Map<number, Cell[]>();
      for (const cell of cells) {
        const domain = cell.domains[first + level] ?? 0;
        const known = groups.get(domain);
        if (known === undefined) groups.set(domain, [cell]);
        else known.push(cell);
      }
      const values = [...groups.keys()].map((domain) => this.names[first + level]?.[domain] ?? '');
      const rooms = [...groups.values()].map((group) =>
        [...new Set(group.map(({ path }) => path))].reduce((sum, path) => sum + (caps[path] ?? 0), 0),
      );
      const shares = apportionInOrder(share, values, weights, method, rooms);
      for (const [at, group] of [...groups.values()].entries()) divide(group, shares[at] ?? 0, level + 1);
    };
    divide(this.#cells, seats, 0);
    return quotas;
  }

  /** Which of the innermost domains with weights these are in. */
  pathsOf(chosen: readonly Candidate[]): Set<number> {
    return new Set(chosen.map((candidate) => this.#cellOf(candidate)?.path ?? 0));
  }

  /** The domain that a candidate is in, under a rule. */
  at(rule: number, candidate: Candidate): number {
    return this.#cellOf(candidate)?.domains[rule] ?? 0;
  }

  #cellOf({ slot }: Candidate): Cell | undefined {
    return this.#cells[this.#cellAt[slot] ?? 0];
  }

  /** Whether these clusters are in as many domains as each rule wants, and as evenly when clusters are what counts. */
  met(chosen: readonly Candidate[], countsClusters: boolean): boolean {
    return this.#rules.every(({ least, most, skew }, rule) => {
      const counts = new Map<number, number>();
      for (const candidate of chosen) {
        const domain = this.at(rule, candidate);
        counts.set(domain, (counts.get(domain) ?? 0) + 1);
      }
      if (counts.size < least || counts.size > most) return false;
      return !countsClusters || Math.max(...counts.values()) - Math.min(...counts.values()) <= skew;
    });
  }

  /**
   * Up to `count` of the candidates, in the order given: first those that open a domain which is still wanted, then
   * those in the domains that have the fewest, then the first. Undefined when some rule is not met so.
   */
  choose(ordered: readonly Candidate[], wish: Wish): Candidate[] | undefined {
    this.#line(ordered);
    const counts = this.#rules.map((_, rule) => new Float64Array(this.names[rule]?.length ?? 0));
    const paths = new Float64Array(this.#paths.size);
    const chosen: Candidate[] = [];
    while (chosen.length < wish.count) {
      const cell = this.#next(counts, paths, wish, chosen.length === 0);
      const candidate = ordered[cell?.queue[cell.next] ?? -1];
      if (cell === undefined || candidate === undefined) break;
      cell.next += 1;
      chosen.push(candidate);
      if (paths.length > 0) paths[cell.path] = (paths[cell.path] ?? 0) + 1;
      for (const [rule, domain] of cell.domains.entries()) {
        const column = counts[rule];
        if (column !== undefined) column[domain] = (column[domain] ?? 0) + 1;
      }
    }
    return this.met(chosen, wish.countsClusters) ? chosen : undefined;
  }

  #line(ordered: readonly Candidate[]): void {
    if (ordered === this.#candidates) {
      for (const cell of this.#cells) {
        cell.queue = cell.members;
        cell.next = 0;
      }
      return;
    }
    const queues = new Map(this.#cells.map((cell): [Cell, number[]] => [cell, []]));
    for (const [place, candidate] of ordered.entries()) {
      const cell = this.#cellOf(candidate);
      if (cell !== undefined) queues.get(cell)?.push(place);
    }
    for (const [cell, queue] of queues) {
      cell.queue = queue;
      cell.next = 0;
    }
  }

  #next(counts: readonly Float64Array[], paths: Float64Array, wish: Wish, first: boolean): Cell | undefined {
    const open = counts.map((column) => column.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0));
    let best: Cell | undefined;
    let bestOpens = 0;
    let bestCrowd = 0;
    for (const cell of this.#cells) {
      const place = cell.queue[cell.next];
      if (place === undefined || !this.#allows(cell, counts, open, wish)) continue;
      if (first && wish.start !== undefined && cell.domains[wish.start.rule] !== wish.start.domain) continue;
      const { quotas } = wish;
      const [quota, count] = [quotas?.[cell.path] ?? 0, paths[cell.path] ?? 0];
      if (quotas !== undefined && count >= quota) continue;
      let opens = 0;
      // Every path with a quota first, then by what its clusters would get each.
      let crowd = quotas === undefined ? 0 : -quota / (count + 1) - (count === 0 ? seatsBeyond : 0);
      for (let rule = 0; rule < this.#rules.length; rule++) {
        const count = counts[rule]?.[cell.domains[rule] ?? 0] ?? 0;
        if (count === 0 && (open[rule] ?? 0) < (this.#rules[rule]?.least ?? 0)) opens += 1;
        if (this.#rules[rule]?.skew !== Number.POSITIVE_INFINITY) crowd += count;
      }
      const better =
        best === undefined ||
        opens > bestOpens ||
        (opens === bestOpens &&
          (crowd < bestCrowd || (crowd === bestCrowd && place < (best.queue[best.next] ?? place))));
      if (!better) continue;
      best = cell;
      bestOpens = opens;
      bestCrowd = crowd;
    }
    return best;
  }

  #allows(cell: Cell, counts: readonly Float64Array[], open: readonly number[], wish: Wish): boolean {
    for (let rule = 0; rule < this.#rules.length; rule++) {
      const column = counts[rule];
      const domain = cell.domains[rule] ?? 0;
      const count = column?.[domain] ?? 0;
      if (count === 0 && (open[rule] ?? 0) >= (wish.mostDomains[rule] ?? Number.POSITIVE_INFINITY)) return false;
      const skew = this.#rules[rule]?.skew ?? Number.POSITIVE_INFINITY;
      if (!wish.countsClusters || skew === Number.POSITIVE_INFINITY || column === undefined) continue;
      for (const [at, other] of column.entries())
        if (at !== domain && other > 0 && count + 1 - other > skew) return false;
    }
    return true;
  }
}

/** In the order of the values, so that who comes first does not depend on who scores best. */
export function apportionInOrder(
  seats: number,
  values: readonly string[],
  weights: Level['weights'],
  method: Remainders,
  caps: readonly number[] = values.map(() => seats),
): number[] {
  const order = values.map((_, at) => at).sort((a, b) => ((values[a] ?? '') < (values[b] ?? '') ? -1 : 1));
  const shares = apportion(
    seats,
    order.map((at) => weightOf(weights, values[at] ?? '')),
    order.map((at) => caps[at] ?? 0),
    method,
  );
  const inPlace = values.map(() => 0);
  for (const [place, at] of order.entries()) inPlace[at] = shares[place] ?? 0;
  return inPlace;
}
