export type { Batch, ClusterDescription, ClusterState } from './cluster-state.js';
export { applyDecision, type Decision, decide, type RefusedGroup } from './decide.js';
export { type Asking, dominantShare, fairOrder, type Standing } from './fair-share.js';
export { anyNode, type PodRules, type ResourceName } from './node-classes.js';
export { unpackRecord } from './pack.js';
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
export { defaultPolicy, type EnginePolicy, engineVersion, policyHash } from './policy.js';
export type {
  Allotment,
  DeviceRequest,
  GroupRequest,
  Mismatch,
  Neighbour,
  PlacementRequest,
  RequestedComponent,
} from './request.js';
export type { Addition, Demand, Room } from './room.js';
export { Snapshot } from './snapshot.js';
