import type { ClusterId, Refusal } from '#domain';
import type { Demand } from './dividing/demand.js';
import type { Room } from './dividing/room.js';
import type { Candidate, ClusterDescription } from './fleet/cluster-state.js';
import type { Snapshot } from './fleet/snapshot.js';
import type { GroupRequest, Neighbour, PlacementRequest } from './request.js';

export type { Candidate } from './fleet/cluster-state.js';

/** Changes of the fleet that can make a refused group placeable. */
export type FleetChange =
  | 'cluster.registered'
  | 'cluster.relabelled'
  | 'cluster.tainted'
  | 'cluster.uncordoned'
  | 'cluster.capacity'
  | 'cluster.ready'
  | 'cluster.schema'
  | 'cluster.storage'
  /** More is measured as unused. */
  | 'cluster.headroom'
  /** An application of the same environment was placed, or is gone. */
  | 'application.moved'
  /** Plug-ins from outside may say something else by now. */
  | 'plugin.answers';

/** What a plug-in sees of one group before the whole fleet. */
export interface GroupAtFleet {
  request: PlacementRequest;
  group: GroupRequest;
  demands: readonly Demand[];
  /** What one replica of each component asks for together, daemons on all nodes; in the order of `resourceNames`. */
  unit: readonly number[];
  snapshot: Snapshot;
  room: Room;
  /** Where others of the environment are, and earlier groups of this decision. */
  neighbours: readonly Neighbour[];
  /** Clusters by region that earlier groups of this decision were given. */
  regionsInUse: ReadonlyMap<string, ReadonlySet<ClusterId>>;
}

/** What a plug-in sees of one group before one cluster. The object is reused: plug-ins must not keep it. */
export interface GroupAtCluster extends GroupAtFleet {
  cluster: ClusterDescription;
  /** The cluster's place in the columns of `snapshot` and `room`. */
  slot: number;
  /** Whether the cluster holds a part of this group now. */
  holds: boolean;
}

export type Verdict =
  | { kind: 'admits' }
  /** The cluster may keep what it holds, and gets nothing new. */
  | { kind: 'admits-held' }
  | { kind: 'refuses'; refusal: Refusal };

export const admit: Verdict = { kind: 'admits' };
export const admitHeld: Verdict = { kind: 'admits-held' };
export const refuse = (reason: string, facts: Readonly<Record<string, string>> = {}): Verdict => ({
  kind: 'refuses',
  refusal: { reason, facts },
});

/** Says whether a cluster may hold a group. */
export interface ClusterFilter {
  readonly name: string;
  /** What could change its mind. */
  readonly wakeOn: readonly FleetChange[];
  /** False spares the engine the calls for this group. Absent: always asked. */
  applies?(group: GroupRequest): boolean;
  /**
   * Present when the verdict on a cluster that holds nothing of the group depends on the cluster's description and on
   * this text alone: what of the group is read.
   */
  remember?(group: GroupRequest): string;
  /**
   * Writes 1 for clusters that it admits for certain if they hold nothing of the group and the decision has taken nothing
   * there yet, and 0 for the others: those are asked. By their places in `snapshot.ids`, from `from` to before `to`.
   * Absent for filters that have no quicker way to tell.
   */
  glance?(fleet: GroupAtFleet, certain: Uint8Array, from: number, to: number): void;
  /**
   * Present when `glance` goes by the fleet's figures and descriptions and by this text alone: what it wrote is kept, and
   * only clusters that have changed are looked at again. Undefined: not for this group.
   */
  follow?(fleet: GroupAtFleet): string | undefined;
  /** What is followed goes by descriptions alone: figures change nothing of it. */
  readonly isFixed?: boolean;
  admits(at: GroupAtCluster): Verdict;
}

/** Says how good a cluster is, 0 to 1000; anything else is clamped, and what is no number is 0. */
export interface ClusterScorer {
  readonly name: string;
  /** A whole number; scores are added up weighted. */
  readonly weight: number;
  /** It only says where what is held is: where that may move, it does not count. */
  readonly keepsHeld?: boolean;
  /** False: every cluster has 0 for this group, and is not asked. Absent: always asked. */
  applies?(fleet: GroupAtFleet): boolean;
  /**
   * The scores of many clusters at once, by their places in `snapshot.ids`, from `from` to before `to`: as `score` says
   * for one that holds nothing of the group and where the decision has taken nothing yet; the others are asked. Absent:
   * all are asked one by one.
   */
  scoreAll?(fleet: GroupAtFleet, scores: Int16Array, from: number, to: number): void;
  /**
   * Present when `scoreAll` goes by the fleet's figures and descriptions and by this text alone: what it wrote is kept, and
   * only clusters that have changed are scored again. Undefined: not for this group.
   */
  follow?(fleet: GroupAtFleet): string | undefined;
  /** What is followed goes by descriptions alone: figures change nothing of it. */
  readonly isFixed?: boolean;
  score(at: GroupAtCluster): number;
}

/** The replicas of each demand (in the order of `demands`) in one cluster. */
export interface Share {
  slot: number;
  replicas: readonly number[];
}

export type Division =
  | { kind: 'divided'; shares: readonly Share[]; lines: readonly string[] }
  /** `wakeOn`: what could change its mind, besides more room and what the filters name. */
  | { kind: 'refuses'; refusal: Refusal; wakeOn?: readonly FleetChange[] };

/** Candidates in order, as an array would say; sorted no further than they are looked at. */
export interface Ranked extends Iterable<Candidate> {
  readonly length: number;
  slice(start?: number, end?: number): Candidate[];
  filter(keeps: (candidate: Candidate, place: number) => boolean): Candidate[];
  map<T>(of: (candidate: Candidate, place: number) => T): T[];
}

export interface DivisionTask {
  group: GroupRequest;
  demands: readonly Demand[];
  /** Best first. */
  candidates: Ranked;
  snapshot: Snapshot;
  /** What a divider hands out, it takes from here; what it gives up, it gives back (`room.attempt`). */
  room: Room;
  /** Safety on measured use, in thousandths. */
  safetyPermille: number;
  /** What is held is divided as if nobody held it. Absent: it stays where it can. */
  mayMove?: boolean | undefined;
}

/** Says how many replicas each of the admitted clusters gets. */
export interface Divider {
  readonly name: string;
  divide(task: DivisionTask): Division;
}
