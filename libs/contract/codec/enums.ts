import type {
  ApplicationSpec,
  ClusterConditionType,
  ClusterPhase,
  ClusterVerdict,
  ComponentKind,
  Freshness,
  NodeScoring,
  PlacementPolicy,
  ReleasePhase,
  Role,
  RunPhase,
} from '#domain';
import * as wire from '../wire.js';

/** Tables between words of the domain and enums of the wire. Both sides are exhaustive: a new value breaks the build. */

export const roleToWire = {
  viewer: wire.Role.VIEWER,
  developer: wire.Role.DEVELOPER,
  owner: wire.Role.OWNER,
  operator: wire.Role.OPERATOR,
} as const satisfies Record<Role, wire.Role>;

export const roleFromWire = {
  [wire.Role.UNSPECIFIED]: undefined,
  [wire.Role.VIEWER]: 'viewer',
  [wire.Role.DEVELOPER]: 'developer',
  [wire.Role.OWNER]: 'owner',
  [wire.Role.OPERATOR]: 'operator',
} as const satisfies Record<wire.Role, Role | undefined>;

export const runPhaseToWire = {
  waiting: wire.Phase.WAITING,
  refused: wire.Phase.REFUSED,
  applying: wire.Phase.APPLYING,
  ready: wire.Phase.READY,
  degraded: wire.Phase.DEGRADED,
  failed: wire.Phase.FAILED,
  removing: wire.Phase.REMOVING,
  removed: wire.Phase.REMOVED,
  unknown: wire.Phase.UNKNOWN,
} as const satisfies Record<RunPhase, wire.Phase>;

export const freshnessToWire = {
  fresh: wire.Freshness.FRESH,
  stale: wire.Freshness.STALE,
  unknown: wire.Freshness.UNKNOWN,
} as const satisfies Record<Freshness, wire.Freshness>;

export const releasePhaseToWire = {
  waiting: wire.ReleasePhase.WAITING,
  refused: wire.ReleasePhase.REFUSED,
  placed: wire.ReleasePhase.PLACED,
  superseded: wire.ReleasePhase.SUPERSEDED,
  removing: wire.ReleasePhase.REMOVING,
  removed: wire.ReleasePhase.REMOVED,
} as const satisfies Record<ReleasePhase, wire.ReleasePhase>;

export const clusterConditionTypeToWire = {
  AgentConflict: wire.ClusterConditionType.AGENT_CONFLICT,
  AgentRevoked: wire.ClusterConditionType.AGENT_REVOKED,
  CertificateExpired: wire.ClusterConditionType.CERTIFICATE_EXPIRED,
  ClockSkew: wire.ClusterConditionType.CLOCK_SKEW,
  SameMember: wire.ClusterConditionType.SAME_MEMBER,
} as const satisfies Record<ClusterConditionType, wire.ClusterConditionType>;

export const nodeScoringToWire = {
  'least-allocated': wire.NodeScoring.LEAST_ALLOCATED,
  'most-allocated': wire.NodeScoring.MOST_ALLOCATED,
} as const satisfies Record<NodeScoring, wire.NodeScoring>;

export const nodeScoringFromWire = {
  [wire.NodeScoring.UNSPECIFIED]: undefined,
  [wire.NodeScoring.LEAST_ALLOCATED]: 'least-allocated',
  [wire.NodeScoring.MOST_ALLOCATED]: 'most-allocated',
} as const satisfies Record<wire.NodeScoring, NodeScoring | undefined>;

export const clusterPhaseToWire = {
  pending: wire.ClusterPhase.PENDING,
  ready: wire.ClusterPhase.READY,
  unreachable: wire.ClusterPhase.UNREACHABLE,
  removing: wire.ClusterPhase.REMOVING,
} as const satisfies Record<ClusterPhase, wire.ClusterPhase>;

export const componentKindToWire = {
  service: wire.ComponentKind.SERVICE,
  'stateful-service': wire.ComponentKind.STATEFUL_SERVICE,
  job: wire.ComponentKind.JOB,
  'cron-job': wire.ComponentKind.CRON_JOB,
  daemon: wire.ComponentKind.DAEMON,
} as const satisfies Record<ComponentKind, wire.ComponentKind>;

/** What a caller leaves out is a service. */
export const componentKindFromWire = {
  [wire.ComponentKind.UNSPECIFIED]: 'service',
  [wire.ComponentKind.SERVICE]: 'service',
  [wire.ComponentKind.STATEFUL_SERVICE]: 'stateful-service',
  [wire.ComponentKind.JOB]: 'job',
  [wire.ComponentKind.CRON_JOB]: 'cron-job',
  [wire.ComponentKind.DAEMON]: 'daemon',
} as const satisfies Record<wire.ComponentKind, ComponentKind>;

type Division = PlacementPolicy['division'];

export const divisionToWire = {
  duplicated: wire.Division.DUPLICATED,
  divided: wire.Division.DIVIDED,
  packed: wire.Division.PACKED,
  weighted: wire.Division.WEIGHTED,
} as const satisfies Record<Division, wire.Division>;

/** What a caller leaves out is divided by free capacity. */
export const divisionFromWire = {
  [wire.Division.UNSPECIFIED]: 'divided',
  [wire.Division.DUPLICATED]: 'duplicated',
  [wire.Division.DIVIDED]: 'divided',
  [wire.Division.PACKED]: 'packed',
  [wire.Division.WEIGHTED]: 'weighted',
} as const satisfies Record<wire.Division, Division>;

type Strategy = NonNullable<PlacementPolicy['strategy']>;

export const strategyToWire = {
  headroom: wire.Strategy.HEADROOM,
  packing: wire.Strategy.PACKING,
  balance: wire.Strategy.BALANCE,
} as const satisfies Record<Strategy, wire.Strategy>;

export const strategyFromWire = {
  [wire.Strategy.UNSPECIFIED]: undefined,
  [wire.Strategy.HEADROOM]: 'headroom',
  [wire.Strategy.PACKING]: 'packing',
  [wire.Strategy.BALANCE]: 'balance',
} as const satisfies Record<wire.Strategy, Strategy | undefined>;

type Preemption = NonNullable<ApplicationSpec['preemption']>;

export const preemptionToWire = {
  'lower-priority': wire.Preemption.LOWER_PRIORITY,
  never: wire.Preemption.NEVER,
} as const satisfies Record<Preemption, wire.Preemption>;

export const preemptionFromWire = {
  [wire.Preemption.UNSPECIFIED]: undefined,
  [wire.Preemption.LOWER_PRIORITY]: 'lower-priority',
  [wire.Preemption.NEVER]: 'never',
} as const satisfies Record<wire.Preemption, Preemption | undefined>;

type Tier = NonNullable<ApplicationSpec['tier']>;

export const tierToWire = {
  requested: wire.Tier.REQUESTED,
  'best-effort': wire.Tier.BEST_EFFORT,
} as const satisfies Record<Tier, wire.Tier>;

export const tierFromWire = {
  [wire.Tier.UNSPECIFIED]: undefined,
  [wire.Tier.REQUESTED]: 'requested',
  [wire.Tier.BEST_EFFORT]: 'best-effort',
} as const satisfies Record<wire.Tier, Tier | undefined>;

type RemainderMethod = NonNullable<PlacementPolicy['remainderMethod']>;

export const remainderMethodToWire = {
  'largest-remainder': wire.RemainderMethod.LARGEST_REMAINDER,
  webster: wire.RemainderMethod.WEBSTER,
} as const satisfies Record<RemainderMethod, wire.RemainderMethod>;

export const remainderMethodFromWire = {
  [wire.RemainderMethod.UNSPECIFIED]: undefined,
  [wire.RemainderMethod.LARGEST_REMAINDER]: 'largest-remainder',
  [wire.RemainderMethod.WEBSTER]: 'webster',
} as const satisfies Record<wire.RemainderMethod, RemainderMethod | undefined>;

type ClusterGroupMode = NonNullable<PlacementPolicy['clusterGroupMode']>;

export const clusterGroupModeToWire = {
  fallback: wire.ClusterGroupMode.FALLBACK,
  overflow: wire.ClusterGroupMode.OVERFLOW,
} as const satisfies Record<ClusterGroupMode, wire.ClusterGroupMode>;

export const clusterGroupModeFromWire = {
  [wire.ClusterGroupMode.UNSPECIFIED]: undefined,
  [wire.ClusterGroupMode.FALLBACK]: 'fallback',
  [wire.ClusterGroupMode.OVERFLOW]: 'overflow',
} as const satisfies Record<wire.ClusterGroupMode, ClusterGroupMode | undefined>;

export const outcomeToWire = {
  chosen: wire.ClusterVerdict_Outcome.CHOSEN,
  eligible: wire.ClusterVerdict_Outcome.ELIGIBLE,
  refused: wire.ClusterVerdict_Outcome.REFUSED,
} as const satisfies Record<ClusterVerdict['outcome'], wire.ClusterVerdict_Outcome>;
