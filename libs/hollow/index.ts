export type { Clock } from './alarms.js';
export { type HollowCluster, type HollowLoad, type HollowOptions, startHollowCluster } from './cluster.js';
export type { AuditEntry } from './http/audit.js';
export type { NodeGroup, NodeShape } from './kubelet/node.js';
export { type PretendKubeletOptions, type RunningKubelet, startPretendKubelet } from './kubelet/pretend.js';
export type { KubeObject, ManagedFieldsEntry, ObjectMeta } from './objects.js';
export type { PretendLogs } from './pods/logs.js';
export type { ForeignPods } from './seed.js';
