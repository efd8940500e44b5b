import type { ClusterId, ComponentName, DecisionRecord, Refusal } from '#domain';
import { packTraces } from './pack.js';
import type { Candidate, ClusterFilter, ClusterScorer, Division, FleetChange, GroupAtCluster } from './plugin.js';
import { defaultPolicy, type EnginePolicy, engineVersion, policyHash } from './policy.js';
import { remembered } from './remembered.js';
import type { Allotment, GroupRequest, PlacementRequest } from './request.js';
import { type Addition, type Demand, demandsOf, Room, unitOf } from './room.js';
import type { Snapshot } from './snapshot.js';
import { expandTrace, type GroupTrace } from './trace.js';

/** A group for which no place was found, and what could change that. */
export interface RefusedGroup {
  components: readonly ComponentName[];
  refusal: Refusal;
  wakeOn: readonly FleetChange[];
}

export interface Decision {
  placed: boolean;
  /** What each cluster is to hold in all (not only what is new); empty when refused. */
  allotments: readonly Allotment[];
  /** Groups that have no place of their own; groups that only wait for those are not listed. */
  refused: readonly RefusedGroup[];
  /** What the allotments reserve beyond what the application holds. */
  additions: readonly Addition[];
  /** Expanded on first reading. */
  readonly record: DecisionRecord;
  /** The record as it is stored. */
  readonly packed: Uint8Array;
  /** What names the record: the engine, its policy, and the place in the change feed. */
  readonly basis: Pick<DecisionRecord, 'engineVersion' | 'policyHash' | 'feedPosition'>;
}

interface GroupOutcome {
  trace: GroupTrace;
  allotments: readonly Allotment[];
  refused: RefusedGroup | undefined;
}

/** Pure: reads the snapshot, changes nothing. All groups are placed, or none. */
export function decide(request: PlacementRequest, snapshot: Snapshot, policy: EnginePolicy = defaultPolicy): Decision {
  const room = new Room(snapshot);
  const regionsInUse = new Map<string, Set<ClusterId>>();
  const outcomes = request.groups.map((group) => {
    const outcome = new GroupPlacement({ request, group, snapshot, room, regionsInUse, policy }).place();
    noteRegions(outcome.allotments, snapshot, regionsInUse);
    return outcome;
  });
  const refused = outcomes.flatMap((outcome) => (outcome.refused === undefined ? [] : [outcome.refused]));
  const placed = refused.length === 0;
  let record: DecisionRecord | undefined;
  const basis = { engineVersion, policyHash: policyHash(policy), feedPosition: snapshot.feedPosition };
  const traces = outcomes.map(({ trace }) => (placed ? trace : heldBack(trace, refused)));
  return {
    basis,
    placed,
    allotments: placed ? outcomes.flatMap((outcome) => outcome.allotments) : [],
    refused,
    additions: placed ? room.additions() : [],
    get record() {
      record ??= { ...basis, groups: traces.map((trace) => expandTrace(trace, policy)) };
      return record;
    },
    get packed() {
      return packTraces(basis, traces, policy);
    },
  };
}

/** Takes what a decision reserved out of the snapshot, until the store's own figures come with the feed. */
export function applyDecision(snapshot: Snapshot, decision: Decision): void {
  for (const { cluster, amount, perReplica, newPods, rules } of decision.additions) {
    const slot = snapshot.slotOf(cluster);
    if (slot !== undefined) snapshot.reserve(slot, amount, { perReplica, replicas: newPods, rules });
  }
}

function noteRegions(
  allotments: readonly Allotment[],
  snapshot: Snapshot,
  regionsInUse: Map<string, Set<ClusterId>>,
): void {
  for (const { cluster } of allotments) {
    const slot = snapshot.slotOf(cluster);
    if (slot === undefined) continue;
    const { region } = snapshot.describe(slot);
    const known = regionsInUse.get(region);
    if (known === undefined) regionsInUse.set(region, new Set([cluster]));
    else known.add(cluster);
  }
}

/** A group that would have had a place waits for those that have none. */
function heldBack(trace: GroupTrace, refused: readonly RefusedGroup[]): GroupTrace {
  if (trace.refusal !== undefined) return trace;
  const waitsFor = refused.map(({ components }) => components.join(' + ')).join(', ');
  return { ...trace, allotments: new Map(), refusal: { reason: 'PlacedTogether', facts: { waitsFor } } };
}

interface GroupScope {
  request: PlacementRequest;
  group: GroupRequest;
  snapshot: Snapshot;
  room: Room;
  regionsInUse: ReadonlyMap<string, ReadonlySet<ClusterId>>;
  policy: EnginePolicy;
}

/** Filter → score → divide for one group. */
class GroupPlacement {
  readonly #scope: GroupScope;
  readonly #demands: readonly Demand[];
  readonly #ids: readonly ClusterId[];
  readonly #refusedBy: Int16Array;
  readonly #refusals: (Refusal | undefined)[] = [];
  readonly #scores: (Int16Array | undefined)[];
  readonly #totals: Float64Array;

  constructor(scope: GroupScope) {
    this.#scope = scope;
    this.#demands = demandsOf(scope.group, scope.request.previous ?? []);
    this.#ids = scope.snapshot.ids;
    this.#refusedBy = new Int16Array(this.#ids.length).fill(-1);
    this.#scores = scope.policy.scorers.map(() => undefined);
    this.#totals = new Float64Array(this.#ids.length);
  }

  place(): GroupOutcome {
    this.#consider();
    const division = this.#divide();
    const components = this.#demands.map(({ name }) => name);
    if (division.kind === 'refuses') {
      const refused = { components, refusal: division.refusal, wakeOn: this.#wakeOn(division.wakeOn) };
      return { trace: this.#trace(new Map(), [], division.refusal), allotments: [], refused };
    }
    const allotments: Allotment[] = [];
    const byCluster = new Map<ClusterId, Record<ComponentName, number>>();
    for (const { slot, replicas } of division.shares) {
      const cluster = this.#scope.snapshot.describe(slot).id;
      const given: Record<ComponentName, number> = {};
      for (const [at, { name, perReplica }] of this.#demands.entries()) {
        given[name] = replicas[at] ?? 0;
        allotments.push({ component: name, cluster, replicas: replicas[at] ?? 0, perReplica });
      }
      byCluster.set(cluster, given);
    }
    return { trace: this.#trace(byCluster, division.lines, undefined), allotments, refused: undefined };
  }

  #consider(): void {
    const { request, group, snapshot, room, regionsInUse, policy } = this.#scope;
    room.openAll();
    const first = snapshot.slots[0];
    if (first === undefined) return;
    const demands = this.#demands;
    const cluster = snapshot.describe(first);
    const unit = unitOf(demands, cluster.nodes);
    const base = { request, group, demands, unit, snapshot, room, regionsInUse };
    const at: GroupAtCluster = { ...base, cluster, slot: first, holds: false };
    const asked = policy.filters.flatMap((filter, index) =>
      filter.applies === undefined || filter.applies(group) ? [{ filter, index }] : [],
    );
    const anew = asked.filter(({ filter }) => filter.remember === undefined);
    const { refusedBy, refusals } = remembered(policy.filters, at);
    const scored = policy.scorers.flatMap((scorer, index) => {
      if (scorer.applies?.(at) === false) return [];
      const column = new Int16Array(this.#ids.length);
      this.#scores[index] = column;
      return [{ scorer, column }];
    });
    const holdsAny = demands.some((demand) => demand.held.size > 0);
    const perNode = demands.some((demand) => demand.kind === 'daemon');
    for (let place = 0; place < snapshot.slots.length; place++) {
      at.slot = snapshot.slots[place] ?? first;
      at.cluster = snapshot.describe(at.slot);
      if (holdsAny) at.holds = demands.some((demand) => demand.held.has(at.cluster.id));
      const before = at.holds ? -1 : (refusedBy[place] ?? -1);
      if (before !== -1) {
        this.#refusedBy[place] = before;
        this.#refusals[place] = refusals[place];
        continue;
      }
      if (perNode) at.unit = unitOf(demands, at.cluster.nodes);
      if (this.#admit(at, place, at.holds ? asked : anew)) this.#score(at, place, scored);
    }
  }

  #admit(at: GroupAtCluster, place: number, asked: readonly { filter: ClusterFilter; index: number }[]): boolean {
    for (const { filter, index } of asked) {
      const verdict = filter.admits(at);
      if (verdict.kind === 'admits') continue;
      if (verdict.kind === 'admits-held') {
        at.room.close(at.slot);
        continue;
      }
      this.#refusedBy[place] = index;
      this.#refusals[place] = verdict.refusal;
      return false;
    }
    return true;
  }

  #score(at: GroupAtCluster, place: number, scored: readonly { scorer: ClusterScorer; column: Int16Array }[]): void {
    let total = 0;
    for (const { scorer, column } of scored) {
      const score = clampScore(scorer.score(at));
      column[place] = score;
      total += score * scorer.weight;
    }
    this.#totals[place] = total;
  }

  #divide(): Division {
    const { group, snapshot, room, policy } = this.#scope;
    const candidates = this.#bestFirst();
    if (candidates.length === 0) return { kind: 'refuses', refusal: this.#noCluster() };
    const divider = policy.dividers.find(({ name }) => name === group.policy.division);
    if (divider === undefined)
      return { kind: 'refuses', refusal: { reason: 'UnknownDivision', facts: { division: group.policy.division } } };
    const { safetyPermille } = policy;
    const division = divider.divide({ group, demands: this.#demands, candidates, snapshot, room, safetyPermille });
    if (division.kind === 'divided') return division;
    const { reason, facts } = division.refusal;
    return { ...division, refusal: { reason, facts: { ...facts, ...this.#countRefusals() } } };
  }

  /** By total, then by cluster id. */
  #bestFirst(): Candidate[] {
    const { snapshot } = this.#scope;
    const count = this.#ids.length;
    const keys = new Float64Array(count);
    let admitted = 0;
    for (let place = 0; place < count; place++)
      if (this.#refusedBy[place] === -1) keys[admitted++] = place - (this.#totals[place] ?? 0) * count;
    const sorted = keys.subarray(0, admitted).sort();
    const candidates: Candidate[] = [];
    for (const key of sorted) {
      const place = ((key % count) + count) % count;
      candidates.push(snapshot.candidate(snapshot.slots[place] ?? 0));
    }
    return candidates;
  }

  #noCluster(): Refusal {
    if (this.#ids.length === 0) return { reason: 'NoClusters', facts: {} };
    return { reason: 'NoClusterFits', facts: this.#countRefusals() };
  }

  /** How many clusters each filter turned away. */
  #countRefusals(): Record<string, string> {
    const counts: Record<string, string> = {};
    for (const [index, { name }] of this.#scope.policy.filters.entries()) {
      const count = this.#refusedBy.reduce((sum, refusedBy) => sum + (refusedBy === index ? 1 : 0), 0);
      if (count > 0) counts[name] = `${count}`;
    }
    return counts;
  }

  /** A cluster that becomes ready is a new one to every filter; the rest is what the refusing filters say. */
  #wakeOn(ofDivision: readonly FleetChange[] = []): FleetChange[] {
    const changes = new Set<FleetChange>(['cluster.ready', ...ofDivision]);
    for (const refusedBy of new Set(this.#refusedBy))
      for (const change of this.#scope.policy.filters[refusedBy]?.wakeOn ?? []) changes.add(change);
    if (this.#refusedBy.includes(-1)) changes.add('cluster.capacity');
    return [...changes].sort();
  }

  #trace(allotments: GroupTrace['allotments'], division: readonly string[], refusal: Refusal | undefined): GroupTrace {
    return {
      components: this.#demands.map(({ name }) => name),
      ids: this.#ids,
      refusedBy: this.#refusedBy,
      refusals: this.#refusals,
      scores: this.#scores,
      totals: this.#totals,
      allotments,
      refusal,
      division,
    };
  }
}

const clampScore = (score: number): number =>
  Number.isNaN(score) ? 0 : Math.floor(Math.min(1000, Math.max(0, score)));
