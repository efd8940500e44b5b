import { domainOf } from './domains.js';
import type { Candidate } from './plugin.js';

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
  /** Places in the order in which candidates are wished for, first to last. */
  queue: number[];
}

export interface Wish {
  count: number;
  /** At most so many domains, for each rule. */
  mostDomains: readonly number[];
  /** The first cluster is in this domain. */
  start?: { rule: number; domain: number } | undefined;
  /** Each cluster holds the same, so clusters are what skew counts. */
  countsClusters: boolean;
}

/** The domains that the candidates are in, and how to choose among them. */
export class Domains {
  /** For each rule, the values there are, the best candidate's first. */
  readonly names: readonly string[][];
  readonly #rules: readonly DomainRule[];
  readonly #cells: Cell[] = [];
  readonly #cellOf = new Map<number, Cell>();

  constructor(candidates: readonly Candidate[], rules: readonly DomainRule[]) {
    this.#rules = rules;
    const places = rules.map(() => new Map<string, number>());
    const cells = new Map<number, Cell>();
    for (const { cluster, slot } of candidates) {
      let key = 0;
      const domains = rules.map(({ by }, rule) => {
        const known = places[rule] ?? new Map<string, number>();
        const value = domainOf(cluster, by) ?? '';
        const place = known.get(value) ?? known.size;
        known.set(value, place);
        key = key * (candidates.length + 1) + place;
        return place;
      });
      let cell = cells.get(key);
      if (cell === undefined) {
        cell = { domains, queue: [] };
        cells.set(key, cell);
        this.#cells.push(cell);
      }
      this.#cellOf.set(slot, cell);
    }
    this.names = places.map((known) => [...known.keys()]);
  }

  /** The domain that a candidate is in, under a rule. */
  at(rule: number, { slot }: Candidate): number {
    return this.#cellOf.get(slot)?.domains[rule] ?? 0;
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
    for (const cell of this.#cells) cell.queue = [];
    for (const [place, { slot }] of ordered.entries()) this.#cellOf.get(slot)?.queue.push(place);
    for (const cell of this.#cells) cell.queue.reverse();
    const counts = this.#rules.map((_, rule) => new Float64Array(this.names[rule]?.length ?? 0));
    const chosen: Candidate[] = [];
    while (chosen.length < wish.count) {
      const cell = this.#next(counts, wish, chosen.length === 0);
      const candidate = ordered[cell?.queue.pop() ?? -1];
      if (cell === undefined || candidate === undefined) break;
      chosen.push(candidate);
      for (const [rule, domain] of cell.domains.entries()) {
        const column = counts[rule];
        if (column !== undefined) column[domain] = (column[domain] ?? 0) + 1;
      }
    }
    return this.met(chosen, wish.countsClusters) ? chosen : undefined;
  }

  #next(counts: readonly Float64Array[], wish: Wish, first: boolean): Cell | undefined {
    const open = counts.map((column) => column.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0));
    let best: Cell | undefined;
    let bestOpens = 0;
    let bestCrowd = 0;
    for (const cell of this.#cells) {
      const place = cell.queue.at(-1);
      if (place === undefined || !this.#allows(cell, counts, open, wish)) continue;
      if (first && wish.start !== undefined && cell.domains[wish.start.rule] !== wish.start.domain) continue;
      let opens = 0;
      let crowd = 0;
      for (let rule = 0; rule < this.#rules.length; rule++) {
        const count = counts[rule]?.[cell.domains[rule] ?? 0] ?? 0;
        if (count === 0 && (open[rule] ?? 0) < (this.#rules[rule]?.least ?? 0)) opens += 1;
        if (this.#rules[rule]?.skew !== Number.POSITIVE_INFINITY) crowd += count;
      }
      const better =
        best === undefined ||
        opens > bestOpens ||
        (opens === bestOpens && (crowd < bestCrowd || (crowd === bestCrowd && place < (best.queue.at(-1) ?? place))));
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
      if (count === 0 && (open[rule] ?? 0) >= (wish.mostDomains[rule] ?? 0)) return false;
      const skew = this.#rules[rule]?.skew ?? Number.POSITIVE_INFINITY;
      if (!wish.countsClusters || skew === Number.POSITIVE_INFINITY || column === undefined) continue;
      for (const [at, other] of column.entries())
        if (at !== domain && other > 0 && count + 1 - other > skew) return false;
    }
    return true;
  }
}
