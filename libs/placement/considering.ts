import type { ClusterId, Refusal } from '#domain';
import { unitOf } from './dividing/demand.js';
import { Followed } from './fleet/followed.js';
import type { ClusterFilter, ClusterScorer, GroupAtCluster, GroupAtFleet } from './plugin.js';
import type { EnginePolicy } from './policy.js';
import { admittedBy, type Remembered, remembered } from './remembered.js';
import { Ranking } from './scoring/ranking.js';

/** Written anew for every filter and every group. */
let certain = new Uint8Array(1024);
let totals = new Int32Array(1024);
const nobody = new Int32Array(0);

type Memory<Plugin extends object, Column extends Int16Array | Uint8Array> = WeakMap<Plugin, Followed<Column>>;

const glances: Memory<ClusterFilter, Uint8Array> = new WeakMap();
const scorings: Memory<ClusterScorer, Int16Array> = new WeakMap();

function followed<Plugin extends object, Column extends Int16Array | Uint8Array>(
  memory: Memory<Plugin, Column>,
  plugin: Plugin,
  make: (length: number) => Column,
): Followed<Column> {
  let columns = memory.get(plugin);
  if (columns === undefined) {
    columns = new Followed(make);
    memory.set(plugin, columns);
  }
  return columns;
}

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
  /** Places of the clusters that all filters admitted; known once they are ranked. */
  admitted: Int32Array = nobody;
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

  /** `mayMove`: as if it did not matter who holds what. */
  ranking(mayMove = false): Ranking {
    const isRemembered = this.#refusedBy === this.remembered.refusedBy;
    this.admitted = isRemembered ? this.remembered.admitted : admittedBy(this.#refusedBy);
    const count = this.admitted.length;
    if (totals.length < count) totals = new Int32Array(count * 2);
    const own = totals.subarray(0, count).fill(0);
    for (let index = 0; index < this.scores.length; index++) {
      const scores = this.scores[index];
      const scorer = this.#policy.scorers[index];
      if (scores === undefined || scorer === undefined || (mayMove && scorer.keepsHeld === true)) continue;
      addUp(own, this.admitted, scores, scorer.weight);
    }
    return new Ranking(this.#fleet.snapshot, own, this.admitted);
  }

  /** What the cluster in this slot is worth, leaving out whether it holds something. */
  worthOf(slot: number): number {
    const place = this.#fleet.snapshot.placeOf(slot);
    let sum = 0;
    for (const [index, { weight, keepsHeld }] of this.#policy.scorers.entries())
      if (keepsHeld !== true) sum += (this.scores[index]?.[place] ?? 0) * weight;
    return sum;
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
    if (this.#holding.size > 0) this.#askHolding();
    for (let index = 0; index < filters.length; index++) {
      const filter = filters[index];
      if (filter === undefined || filter.remember !== undefined || filter.applies?.(group) === false) continue;
      this.#askAll(filter, index);
    }
  }

  /** What is remembered of others does not count for those that hold a part of the group: they are asked everything. */
  #askHolding(): void {
    const { filters } = this.#policy;
    const { group } = this.#fleet;
    const asked = [...filters.entries()].filter(([, filter]) => filter.applies?.(group) !== false);
    for (const place of this.#holding) {
      this.#write(place, -1);
      for (const [index, filter] of asked) if (!this.#admits(filter, index, place)) break;
    }
  }

  #askAll(filter: ClusterFilter, index: number): void {
    const known = this.#glance(filter);
    for (let place = known.indexOf(0); place !== -1; place = known.indexOf(0, place + 1))
      if (this.#refusedBy[place] === -1 && !this.#isApart(place)) this.#admits(filter, index, place);
    for (const place of this.#apart)
      if (this.#refusedBy[place] === -1 && !this.#holding.has(place)) this.#admits(filter, index, place);
  }

  #isApart(place: number): boolean {
    return this.#apart.length > 0 && this.#apart.includes(place);
  }

  /** 1 for clusters that need not be asked, by place. */
  #glance(filter: ClusterFilter): Uint8Array {
    const fleet = this.#fleet;
    const count = this.ids.length;
    const key = this.#isPerNode ? undefined : filter.follow?.(fleet);
    if (key !== undefined)
      return followed(glances, filter, bytes).column(
        fleet.snapshot,
        key,
        (column, from, to) => filter.glance?.(fleet, column, from, to),
        filter.isFixed,
      );
    if (certain.length < count) certain = new Uint8Array(count * 2);
    const marked = certain.subarray(0, count);
    if (filter.glance === undefined || this.#isPerNode) marked.fill(0);
    else filter.glance(fleet, marked, 0, count);
    return marked;
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
      const kept = this.#followedScores(scorer);
      if (kept !== undefined && this.#apart.length === 0) {
        this.scores[index] = kept;
        continue;
      }
      const scores = column(this.ids.length);
      this.scores[index] = scores;
      if (scorer.scoreAll === undefined || this.#isPerNode) {
        for (let place = 0; place < scores.length; place++) this.#scoreAt(scorer, place, scores);
        continue;
      }
      if (kept === undefined) scoreInto(scorer, fleet, scores, 0, scores.length);
      else scores.set(kept);
      for (const place of this.#apart) this.#scoreAt(scorer, place, scores);
    }
  }

  #followedScores(scorer: ClusterScorer): Int16Array | undefined {
    const fleet = this.#fleet;
    const key = this.#isPerNode ? undefined : scorer.follow?.(fleet);
    if (key === undefined) return undefined;
    return followed(scorings, scorer, words).column(
      fleet.snapshot,
      key,
      (kept, from, to) => scoreInto(scorer, fleet, kept, from, to),
      scorer.isFixed,
    );
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

const bytes = (length: number): Uint8Array => new Uint8Array(length);
const words = (length: number): Int16Array => new Int16Array(length);

/** A score that is none is put right. */
function scoreInto(scorer: ClusterScorer, fleet: GroupAtFleet, scores: Int16Array, from: number, to: number): void {
  scorer.scoreAll?.(fleet, scores, from, to);
  for (let place = from; place < to; place++) {
    const score = scores[place] ?? 0;
    if (score < 0 || score > 1000) scores[place] = clamp(score);
  }
}

function addUp(own: Int32Array, admitted: Int32Array, scores: Int16Array, weight: number): void {
  for (let at = 0; at < own.length; at++) own[at] = (own[at] ?? 0) + (scores[admitted[at] ?? 0] ?? 0) * weight;
}

const clamp = (score: number): number => (score >= 1000 ? 1000 : score > 0 ? Math.floor(score) : 0);
