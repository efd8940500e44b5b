import type { Candidate, Division, DivisionTask } from '../plugin.js';
import type { Remainders } from './apportion.js';
import type { Demand } from './demand.js';
import { type Bounds, brief, isDivided, takes, tooFewClusters } from './division.js';
import { beyondSlots, type DomainRule, Domains, type Level, type Wish } from './selection.js';

/** Sets that are tried before a fleet is held unable to keep the rules. */
const mostSets = 64;
/** Up to so many candidates, every set is tried. */
const fewCandidates = 8;

interface Manner extends Bounds {
  /** Small sets first, rather than large ones. */
  packs: boolean;
  /** Skew counts clusters, and room is no question: each holds the same. */
  countsClusters: boolean;
  /** Sets that let every domain have the share of its weight. */
  weights?: { levels: readonly Level[]; method: Remainders; capped: boolean } | undefined;
}

/** Sets of candidates that keep the rules on domains, the likeliest first. */
export class ClusterSets {
  /** What found too little room in the set before. */
  short: Demand | undefined;
  readonly most: number;
  readonly #least: number;
  readonly #task: DivisionTask;
  readonly #candidates: readonly Candidate[];
  readonly #manner: Manner;
  readonly #rules: readonly DomainRule[];
  readonly #domains: Domains;
  /** By slot. */
  readonly #places: Int32Array;
  readonly #quotas: readonly number[] | undefined;
  #roomiest: { short: Demand | undefined; ordered: readonly Candidate[] } | undefined;

  /** A rule on single clusters bounds how many there are; its skew concerns their counts alone. */
  constructor(task: DivisionTask, rules: readonly DomainRule[], manner: Manner) {
    const cluster = rules.find(({ by }) => by === 'cluster');
    this.#task = task;
    this.#manner = manner;
    this.#rules = rules.filter((rule) => rule !== cluster);
    this.#candidates = task.candidates.slice();
    this.#domains = new Domains(task.snapshot, this.#candidates, this.#rules, manner.weights?.levels);
    if (manner.weights !== undefined) this.#quotas = this.#quotasFor(manner.weights);
    this.#least = Math.max(manner.least, cluster?.least ?? 0, ...this.#rules.map(({ least }) => least));
    this.most = Math.min(manner.most, cluster?.most ?? manner.most);
    this.#places = new Int32Array(beyondSlots(this.#candidates));
    for (let place = 0; place < this.#candidates.length; place++) {
      const slot = this.#candidates[place]?.slot;
      if (slot !== undefined) this.#places[slot] = place;
    }
  }

  tooFew(): Division | undefined {
    for (const [rule, { by, least }] of this.#rules.entries()) {
      const names = this.#domains.names[rule] ?? [];
      if (names.length >= least) continue;
      const facts = { by, needed: `${least}`, eligible: `${names.length}`, found: brief(names, ', ') };
      return { kind: 'refuses', refusal: { reason: 'TooFewDomains', facts }, wakeOn: ['cluster.relabelled'] };
    }
    const refusal = tooFewClusters(this.#task, { least: this.#least, most: this.most });
    return refusal === undefined ? undefined : { kind: 'refuses', refusal };
  }

  /** What is held, by score, by room; if there are few candidates, every set. */
  *all(): Generator<readonly Candidate[]> {
    const { countsClusters } = this.#manner;
    const held = countsClusters ? undefined : this.held();
    if (held !== undefined) yield held;
    let tried = 0;
    for (const wish of this.#wishes())
      for (const roomiest of countsClusters ? [false] : [false, true]) {
        if (tried === 1 && !countsClusters && this.lacking() !== undefined) return;
        if (++tried > mostSets) return;
        const chosen = this.#domains.choose(roomiest ? this.#byRoom() : this.#candidates, wish);
        if (chosen !== undefined && this.#fits(chosen)) yield this.#bestFirst(chosen);
      }
    if (this.#task.candidates.length <= fewCandidates) yield* this.#every();
  }

  /** Scaling touches as few clusters as it can: those that hold something already, as long as they keep the rules. */
  held(): readonly Candidate[] | undefined {
    const { demands, candidates, room, mayMove } = this.#task;
    if (mayMove === true || demands.every(({ held }) => held.size === 0)) return undefined;
    const held = candidates.filter(({ slot }) => demands.some((demand) => room.held(slot, demand) !== undefined));
    return this.#fits(held) ? held : undefined;
  }

  /** The component for which all candidates together have too little room: then no choice among them helps. */
  lacking(): Demand | undefined {
    const { demands, candidates } = this.#task;
    return demands.filter(isDivided).find((demand) => {
      let left = demand.replicas;
      for (const { slot } of candidates) {
        left -= takes(this.#task, slot, demand);
        if (left <= 0) return false;
      }
      return true;
    });
  }

  /** What fits in each domain of the first rule. */
  roomText(short: Demand): string {
    const fits = new Map<string, number>();
    for (const candidate of this.#task.candidates) {
      const domain = this.#domains.names[0]?.[this.#domains.at(0, candidate)] ?? candidate.cluster.id;
      fits.set(domain, (fits.get(domain) ?? 0) + takes(this.#task, candidate.slot, short));
    }
    return brief(
      [...fits].map(([domain, count]) => `${domain} ${count}`),
      ', ',
    );
  }

  /** For the component with the fewest replicas: the others have enough to be wherever it is. */
  #quotasFor({ method, capped }: NonNullable<Manner['weights']>): number[] {
    const { demands, group } = this.#task;
    const candidates = this.#candidates;
    const [fewest] = [...demands].filter(isDivided).sort((a, b) => a.replicas - b.replicas);
    if (fewest === undefined) return this.#domains.quotas(candidates.length, method);
    const { replicas } = fewest;
    const quotas = capped
      ? this.#domains.quotas(replicas, method, ({ slot }) => takes(this.#task, slot, fewest), candidates)
      : this.#domains.quotas(replicas, method);
    return quotas.map((quota) => Math.floor(quota / Math.max(1, group.policy.minReplicas ?? 0)));
  }

  #fits(chosen: readonly Candidate[]): boolean {
    if (chosen.length < this.#least || chosen.length > this.most) return false;
    if (!this.#domains.met(chosen, this.#manner.countsClusters)) return false;
    const paths = this.#quotas === undefined ? undefined : this.#domains.pathsOf(chosen);
    return this.#quotas?.every((quota, path) => quota > 0 === paths?.has(path)) ?? true;
  }

  /** As many clusters as may be, then fewer domains that are to be even, then other first ones, then fewer clusters. */
  *#wishes(): Generator<Wish> {
    const wish = { countsClusters: this.#manner.countsClusters, quotas: this.#quotas };
    const mostDomains = this.#rules.map(({ most }, rule) => Math.min(most, this.#domains.names[rule]?.length ?? 0));
    const [count = 1, ...otherCounts] = countsBetween(this.#least, this.most, this.#manner.packs);
    yield { count, mostDomains, ...wish };
    for (const [rule, { least, skew }] of this.#rules.entries()) {
      if (skew === Number.POSITIVE_INFINITY) continue;
      for (let most = (mostDomains[rule] ?? 0) - 1; most >= Math.max(1, least); most--)
        yield { count, mostDomains: mostDomains.with(rule, most), ...wish };
    }
    for (const [rule, { most }] of this.#rules.entries()) {
      if (most === Number.POSITIVE_INFINITY) continue;
      for (const domain of this.#domains.names[rule]?.keys() ?? [])
        yield { count, mostDomains, start: { rule, domain }, ...wish };
    }
    for (const other of otherCounts) yield { count: other, mostDomains, ...wish };
  }

  *#every(): Generator<readonly Candidate[]> {
    const candidates = this.#candidates;
    const sizes = candidates.map((_, at) => at + 1);
    if (!this.#manner.packs) sizes.reverse();
    for (const size of sizes)
      for (let set = 1; set < 2 ** candidates.length; set++) {
        const chosen = candidates.filter((_, place) => (set >> place) % 2 === 1);
        if (chosen.length === size && this.#fits(chosen)) yield chosen;
      }
  }

  #bestFirst(chosen: readonly Candidate[]): Candidate[] {
    return [...chosen].sort((a, b) => (this.#places[a.slot] ?? 0) - (this.#places[b.slot] ?? 0));
  }

  /** By how many replicas fit of the component that found too little room. */
  #byRoom(): readonly Candidate[] {
    const { demands } = this.#task;
    const candidates = this.#candidates;
    const short = this.short ?? demands.find(isDivided);
    if (this.#roomiest === undefined || this.#roomiest.short !== short) {
      const fits = candidates.map(({ slot }) => (short === undefined ? 0 : takes(this.#task, slot, short)));
      const places = candidates.map((_, place) => place);
      places.sort((a, b) => {
        const [left = 0, right = 0] = [fits[a], fits[b]];
        if (left === right) return a - b;
        return right > left ? 1 : -1;
      });
      this.#roomiest = { short, ordered: places.flatMap((place) => candidates[place] ?? []) };
    }
    return this.#roomiest.ordered;
  }
}

/** How many clusters to try, in order: few of the numbers between where there are many. */
export function* countsBetween(least: number, most: number, packs: boolean): Generator<number> {
  if (packs) {
    for (let count = least; count < Math.min(most, least + fewCandidates); count++) yield count;
    for (let count = least + fewCandidates; count < most; count *= 2) yield count;
    yield most;
    return;
  }
  for (let count = most; ; count = Math.max(least, Math.floor(count / 2))) {
    yield count;
    if (count === least) return;
  }
}
