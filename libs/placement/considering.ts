import type { ClusterId, Refusal } from '#domain';
import { unitOf } from './dividing/room.js';
import type { ClusterFilter, ClusterScorer, GroupAtCluster, GroupAtFleet } from './plugin.js';
import type { EnginePolicy } from './policy.js';
import { type Remembered, remembered } from './remembered.js';
import { Ranking } from './scoring/ranking.js';

/** Written anew for every filter and every group. */
let certain = new Uint8Array(1024);
let totals = new Float64Array(1024);

/** Columns are cut from slabs: a buffer of its own costs each of them more than what it holds. */
let slab = new Int16Array(0);
let cut = 0;

function column(length: number): Int16Array {
  if (slab.length - cut < length) {
    slab = new Int16Array(Math.max(32_768, length));
    cut = 0;
  }
  cut += length;
  return slab.subarray(cut - length, cut);
}

/** What every filter and every scorer says of one group and every cluster, in columns by the clusters' places in `ids`. */
export class Considering {
  readonly ids: readonly ClusterId[];
  /** What filters said that judge by descriptions; of clusters that hold a part of the group it may not count. */
  readonly remembered: Remembered;
  /** What the others said, by place. */
  readonly refusals = new Map<number, Refusal>();
  /** One column for each scorer; undefined where it does not apply: 0 for all. */
  readonly scores: (Int16Array | undefined)[];
  /** How many clusters all filters admitted; known once they are ranked. */
  admitted = 0;
  readonly #fleet: GroupAtFleet;
  readonly #policy: EnginePolicy;
  #refusedBy: Int16Array;
  #isOwn = false;
  #at: GroupAtCluster | undefined;
  /** Places where the fleet's columns do not tell: they hold a part of the group, or the decision has taken there. */
  readonly #apart: number[] = [];
  readonly #holding = new Set<number>();
  /** Daemons ask for more the more nodes a cluster has. */
  readonly #isPerNode: boolean;

  constructor(fleet: GroupAtFleet, policy: EnginePolicy) {
    this.#fleet = fleet;
    this.#policy = policy;
    this.ids = fleet.snapshot.ids;
    this.scores = policy.scorers.map(() => undefined);
    this.#isPerNode = fleet.demands.some(({ kind }) => kind === 'daemon');
    fleet.room.openAll();
    this.remembered = remembered(policy.filters, fleet);
    this.#refusedBy = this.remembered.refusedBy;
    this.#setApart();
    this.#filter();
    this.#score();
  }

  /** The place of the filter that refused, in the policy's list; −1 when all admitted. */
  get refusedBy(): Int16Array {
    return this.#refusedBy;
  }

  ranking(): Ranking {
    const count = this.ids.length;
    if (totals.length < count) totals = new Float64Array(count * 2);
    totals.fill(0, 0, count);
    for (const [index, { weight }] of this.#policy.scorers.entries()) {
      const scores = this.scores[index];
      if (scores !== undefined) addUp(scores, weight);
    }
    const ranking = new Ranking(this.#fleet.snapshot, this.#refusedBy, totals);
    this.admitted = ranking.length;
    return ranking;
  }

  /** How many clusters each filter turned away. */
  counts(): Record<string, string> {
    const counts = this.#policy.filters.map(() => 0);
    for (const by of this.#refusedBy) if (by >= 0) counts[by] = (counts[by] ?? 0) + 1;
    const named = this.#policy.filters.flatMap(({ name }, at) =>
      counts[at] ? [[name, `${counts[at]}`] as const] : [],
    );
    return Object.fromEntries(named);
  }

  #setApart(): void {
    const { demands, room, snapshot } = this.#fleet;
    const apart = new Set<number>();
    for (const { held } of demands)
      for (const id of held.keys()) {
        const slot = snapshot.slotOf(id);
        if (slot !== undefined) this.#holding.add(snapshot.placeOf(slot));
      }
    for (const slot of room.touched()) apart.add(snapshot.placeOf(slot));
    for (const place of this.#holding) apart.add(place);
    this.#apart.push(...apart);
  }

  #filter(): void {
    const { filters } = this.#policy;
    const { group } = this.#fleet;
    const asked: [ClusterFilter, number][] = [];
    for (const [index, filter] of filters.entries())
      if (filter.applies === undefined || filter.applies(group)) asked.push([filter, index]);
    for (const place of this.#holding) {
      this.#write(place, -1);
      for (const [filter, index] of asked) if (!this.#admits(filter, index, place)) break;
    }
    for (const [filter, index] of asked) if (filter.remember === undefined) this.#askAll(filter, index);
  }

  #askAll(filter: ClusterFilter, index: number): void {
    const count = this.ids.length;
    if (certain.length < count) certain = new Uint8Array(count * 2);
    certain.fill(0, 0, count);
    const marked = filter.glance === undefined || this.#isPerNode ? 0 : filter.glance(this.#fleet, certain);
    if (marked === count && this.#apart.length === 0) return;
    for (const place of this.#apart) certain[place] = this.#holding.has(place) ? 1 : 0;
    for (let place = 0; place < count; place++)
      if (certain[place] === 0 && this.#refusedBy[place] === -1) this.#admits(filter, index, place);
  }

  #admits(filter: ClusterFilter, index: number, place: number): boolean {
    const at = this.#stand(place);
    const verdict = filter.admits(at);
    if (verdict.kind === 'admits') return true;
    if (verdict.kind === 'admits-held') {
      at.room.close(at.slot);
      return true;
    }
    this.#write(place, index);
    this.refusals.set(place, verdict.refusal);
    return false;
  }

  /** What is remembered stays as it is. */
  #write(place: number, by: number): void {
    if (this.#refusedBy[place] === by) return;
    if (!this.#isOwn) {
      this.#refusedBy = this.#refusedBy.slice();
      this.#isOwn = true;
    }
    this.#refusedBy[place] = by;
  }

  #score(): void {
    const fleet = this.#fleet;
    for (const [index, scorer] of this.#policy.scorers.entries()) {
      if (this.ids.length === 0 || scorer.applies?.(fleet) === false) continue;
      const scores = column(this.ids.length);
      this.scores[index] = scores;
      if (scorer.scoreAll === undefined || this.#isPerNode) {
        for (let place = 0; place < scores.length; place++) this.#scoreAt(scorer, place, scores);
        continue;
      }
      scorer.scoreAll(fleet, scores);
      for (const place of this.#apart) this.#scoreAt(scorer, place, scores);
    }
  }

  #scoreAt(scorer: ClusterScorer, place: number, scores: Int16Array): void {
    if (this.#refusedBy[place] === -1) scores[place] = clamp(scorer.score(this.#stand(place)));
  }

  /** The group before the cluster at this place. */
  #stand(place: number): GroupAtCluster {
    const { snapshot, demands } = this.#fleet;
    const slot = snapshot.slots[place] ?? 0;
    const cluster = snapshot.describe(slot);
    this.#at ??= { ...this.#fleet, cluster, slot, holds: false };
    this.#at.slot = slot;
    this.#at.cluster = cluster;
    this.#at.holds = this.#holding.has(place);
    if (this.#isPerNode) this.#at.unit = unitOf(demands, cluster.nodes);
    return this.#at;
  }
}

/** Adds a column of scores to the totals; a score that is none is put right in its column, too. */
function addUp(scores: Int16Array, weight: number): void {
  for (let place = 0; place < scores.length; place++) {
    let score = scores[place] ?? 0;
    if (score < 0 || score > 1000) {
      score = clamp(score);
      scores[place] = score;
    }
    totals[place] = (totals[place] ?? 0) + score * weight;
  }
}

const clamp = (score: number): number => (score >= 1000 ? 1000 : score > 0 ? Math.floor(score) : 0);
