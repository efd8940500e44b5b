import type { ClusterId, ComponentName, DecisionRecord, Refusal } from '#domain';
import { Considering } from './considering.js';
import { type Demand, demandsOf, unitOf } from './dividing/demand.js';
import { type Addition, Room } from './dividing/room.js';
import { answered } from './external/answers.js';
import type { Foreseen } from './fleet/node-classes.js';
import type { Snapshot } from './fleet/snapshot.js';
import { weighMoves } from './moving.js';
import type { Divider, Division, DivisionTask, FleetChange, Share } from './plugin.js';
import { defaultPolicy, type EnginePolicy, engineVersion, policyHash } from './policy.js';
import { packTraces, unpackRecord } from './record/pack.js';
import type { GroupTrace } from './record/trace.js';
import type { Allotment, GroupRequest, Neighbour, PlacementRequest } from './request.js';

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
  /** What became of the nodes that the additions go to. */
  foreseen: readonly Foreseen[];
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
  const neighbours = [...(request.neighbours ?? [])];
  const outcomes = answered(request.groups, snapshot, policy.plugins).map((group) => {
    const outcome = new GroupPlacement({ request, group, snapshot, room, neighbours, regionsInUse, policy }).place();
    for (const { component, cluster } of outcome.allotments) neighbours.push({ application: '', component, cluster });
    noteRegions(outcome.allotments, snapshot, regionsInUse);
    return outcome;
  });
  const refused = outcomes.flatMap((outcome) => (outcome.refused === undefined ? [] : [outcome.refused]));
  const placed = refused.length === 0;
  const basis = { engineVersion, policyHash: policyHash(policy), feedPosition: snapshot.feedPosition };
  const traces = outcomes.map(({ trace }) => (placed ? trace : heldBack(trace, refused)));
  const packed = packTraces(basis, traces, policy);
  let record: DecisionRecord | undefined;
  return {
    basis,
    placed,
    allotments: placed ? outcomes.flatMap((outcome) => outcome.allotments) : [],
    refused,
    additions: placed ? room.additions() : [],
    foreseen: placed ? room.foreseen() : [],
    get record() {
      record ??= unpackRecord(packed);
      return record;
    },
    packed,
  };
}

/** Takes what a decision reserved out of the snapshot, until the store's own figures come with the feed. */
export function applyDecision(snapshot: Snapshot, decision: Decision): void {
  const adopted = new Set<number>();
  for (const foreseen of decision.foreseen) if (snapshot.adopt(foreseen)) adopted.add(foreseen.slot);
  for (const { cluster, amount, perReplica, newPods, rules, expected } of decision.additions) {
    const slot = snapshot.slotOf(cluster);
    if (slot === undefined) continue;
    if (expected !== undefined) snapshot.headroom.take(slot, expected);
    snapshot.reserve(slot, amount, adopted.has(slot) ? undefined : { perReplica, replicas: newPods, rules });
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
  return { ...trace, chosen: [], refusal: { reason: 'PlacedTogether', facts: { waitsFor } } };
}

interface GroupScope {
  request: PlacementRequest;
  group: GroupRequest;
  snapshot: Snapshot;
  room: Room;
  neighbours: readonly Neighbour[];
  regionsInUse: ReadonlyMap<string, ReadonlySet<ClusterId>>;
  policy: EnginePolicy;
}

/** Filter → score → divide for one group. */
class GroupPlacement {
  readonly #scope: GroupScope;
  readonly #demands: readonly Demand[];
  readonly #considering: Considering;

  constructor(scope: GroupScope) {
    const { request, group, snapshot, room, neighbours, regionsInUse, policy } = scope;
    this.#scope = scope;
    this.#demands = demandsOf(group, request.previous ?? []);
    const [first] = snapshot.slots;
    const unit = unitOf(this.#demands, first === undefined ? 0 : snapshot.describe(first).nodes);
    const fleet = { request, group, demands: this.#demands, unit, snapshot, room, neighbours, regionsInUse };
    this.#considering = new Considering(fleet, policy);
  }

  place(): GroupOutcome {
    const division = this.#divide();
    if (division.kind === 'refuses') {
      const components = this.#demands.map(({ name }) => name);
      const refused = { components, refusal: division.refusal, wakeOn: this.#wakeOn(division.wakeOn) };
      return { trace: this.#trace([], [], division.refusal), allotments: [], refused };
    }
    const allotments: Allotment[] = [];
    for (const { slot, replicas } of division.shares) {
      const cluster = this.#scope.snapshot.describe(slot).id;
      for (const [at, { name, perReplica }] of this.#demands.entries())
        allotments.push({ component: name, cluster, replicas: replicas[at] ?? 0, perReplica });
    }
    return { trace: this.#trace(division.shares, division.lines, undefined), allotments, refused: undefined };
  }

  #divide(): Division {
    const { group, snapshot, room, policy } = this.#scope;
    const candidates = this.#considering.ranking();
    if (candidates.length === 0) return { kind: 'refuses', refusal: this.#noCluster() };
    const divider = policy.dividers.find(({ name }) => name === group.policy.division);
    if (divider === undefined)
      return { kind: 'refuses', refusal: { reason: 'UnknownDivision', facts: { division: group.policy.division } } };
    const { safetyPermille } = policy;
    const task = { group, demands: this.#demands, candidates, snapshot, room, safetyPermille };
    const division = this.#mayMove() ? this.#stayOrMove(divider, task) : divider.divide(task);
    if (division.kind === 'divided') return division;
    const { reason, facts } = division.refusal;
    return { ...division, refusal: { reason, facts: { ...facts, ...this.#considering.counts() } } };
  }

  /** Only where a policy gives moves a price they are thought about; else nothing moves that can stay. */
  #mayMove(): boolean {
    return this.#scope.group.policy.moveCost !== undefined && this.#demands.some(({ held }) => held.size > 0);
  }

  #stayOrMove(divider: Divider, task: DivisionTask): Division {
    const { room } = task;
    const tried = (of: DivisionTask): Division => {
      let division: Division | undefined;
      room.attempt(() => {
        division = divider.divide(of);
        return false;
      });
      return division ?? { kind: 'refuses', refusal: this.#noCluster() };
    };
    const stayed = tried(task);
    const moving = { ...task, candidates: this.#considering.ranking(true), mayMove: true };
    const moved = tried(moving);
    const staying = { ...task, candidates: this.#considering.ranking() };
    if (stayed.kind === 'refuses' || moved.kind === 'refuses')
      return divider.divide(stayed.kind === 'refuses' ? moving : staying);
    const weighing = { demands: this.#demands, room, worthOf: (slot: number) => this.#considering.worthOf(slot) };
    const { moves, line } = weighMoves(stayed, moved, task.group.policy.moveCost ?? 0, weighing);
    const division = divider.divide(moves ? { ...moving, candidates: this.#considering.ranking(true) } : staying);
    if (division.kind === 'refuses' || line === undefined) return division;
    return { ...division, lines: [...division.lines, line] };
  }

  #noCluster(): Refusal {
    if (this.#considering.ids.length === 0) return { reason: 'NoClusters', facts: {} };
    return { reason: 'NoClusterFits', facts: this.#considering.counts() };
  }

  /** A cluster that becomes ready is a new one to every filter; the rest is what the refusing filters say. */
  #wakeOn(ofDivision: readonly FleetChange[] = []): FleetChange[] {
    const { refusedBy } = this.#considering;
    const changes = new Set<FleetChange>(['cluster.ready', ...ofDivision]);
    for (const by of new Set(refusedBy))
      for (const change of this.#scope.policy.filters[by]?.wakeOn ?? []) changes.add(change);
    if (refusedBy.includes(-1)) {
      changes.add('cluster.capacity');
      if (this.#demands.some(({ expected }) => expected !== undefined)) changes.add('cluster.headroom');
    }
    return [...changes].sort();
  }

  #trace(shares: readonly Share[], division: readonly string[], refusal: Refusal | undefined): GroupTrace {
    const { ids, refusedBy, admitted, remembered, refusals, scores } = this.#considering;
    const { snapshot, group, policy } = this.#scope;
    const plugins = policy.plugins === undefined ? undefined : group.external?.answers;
    const chosen = shares.map(({ slot, replicas }) => ({ place: snapshot.placeOf(slot), replicas }));
    chosen.sort((a, b) => a.place - b.place);
    const components = this.#demands.map(({ name }) => name);
    return { components, ids, refusedBy, admitted, remembered, refusals, scores, chosen, refusal, division, plugins };
  }
}
