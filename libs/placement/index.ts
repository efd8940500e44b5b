export { applyDecision, type Decision, decide, type RefusedGroup } from './decide.js';
export type { Demand } from './dividing/demand.js';
export type { Addition, Room } from './dividing/room.js';
export { faultOf, limits as answerLimits } from './external/answers.js';
export type { EnginePlugin } from './external/plugins.js';
export { type Asking, dominantShare, fairOrder, type Standing } from './fair-share.js';
export type { Batch, ClusterDescription, ClusterState } from './fleet/cluster-state.js';
export { bestEffort, measuredHeadroom } from './fleet/measured-headroom.js';
export { anyNode, type PodRules } from './fleet/node-classes.js';
export type { ResourceName } from './fleet/resources.js';
export { Snapshot } from './fleet/snapshot.js';
export {
  admit,
  admitHeld,
  type Candidate,
  type ClusterFilter,
  type ClusterScorer,
  type Divider,
  type Division,
  type DivisionTask,
  type FleetChange,
  type GroupAtCluster,
  refuse,
  type Share,
  type Verdict,
} from './plugin.js';
export { defaultPolicy, type EnginePolicy, engineVersion, policyHash, withPlugins } from './policy.js';
export {
  hopeful,
  type Preemptible,
  type Preemption,
  planPreemption,
  type Vacancy,
  type VacatedNodes,
} from './preempting/preemption.js';
export { vacatedState } from './preempting/vacated.js';
export { unpackRecord } from './record/pack.js';
export type {
  Allotment,
  DeviceRequest,
  ExpectedUse,
  ExternalAnswers,
  GroupRequest,
  Mismatch,
  Neighbour,
  PlacementRequest,
  RequestedComponent,
} from './request.js';
