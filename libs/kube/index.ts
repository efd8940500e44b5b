export {
  type ApplyOptions,
  type ConnectOptions,
  connectCluster,
  type DeleteOptions,
  type KubeClient,
  type ListPage,
  type ListQuery,
} from './client/client.js';
export { AccessUnusable, type ClusterAccess } from './client/credentials.js';
export type { Discovery, ServedKind } from './client/discovery.js';
export * from './client/errors.js';
export type { ObjectChange } from './client/kept-objects.js';
export { identityOf, type KindRef, kindKey, type ObjectIdentity } from './client/objects.js';
export { type ReflectOptions, type Reflector, reflect } from './client/reflector.js';
export { systemTiming, type Timing } from './client/timing.js';
export { changedAt, type Hold, type LostField } from './member/hold.js';
export { kubeMember } from './member/kube-member.js';
export * from './member/pod-access.js';
export type { PodState, PodView } from './member/pods.js';
export * from './member/port.js';
export type { Readiness } from './member/readiness.js';
export { withoutTemplateMarks } from './member/template-marks.js';
export { type ObservedStatus, objectStatus, workStatus } from './member/work-status.js';
export { checkSpec } from './model/check.js';
export { type ClaimedStorage, claimedStorage } from './model/claims.js';
export { importManifests } from './model/import.js';
export type { KubernetesObject } from './model/kinds.js';
export { parseManifests } from './model/manifests.js';
export { podNodeSelector } from './model/node-selection.js';
export { objectRefsOf, type RenderContext, renderComponent, renderNamespace } from './model/render.js';
export { podRequests } from './model/requests.js';
export { type SchemaMismatch, schemaMismatches } from './model/schema.js';
export { refuseSecrets } from './model/secrets.js';
export { asRun, type ExpectedUse, expectedUse } from './model/tier.js';
export { type FieldPath, valueAt, withoutFields } from './ownership/field-path.js';
export type { FieldHolder } from './ownership/managed-fields.js';
export { type AgentDuties, agentAccess, agentRules, type RoleRule, usualDuties } from './rbac/agent-role.js';
export { statusRuleViolations } from './rules/status-rules.js';
