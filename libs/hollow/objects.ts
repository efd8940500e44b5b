/** Plain JSON shapes. Objects in the store are never changed in place: a change is a new object that shares the rest. */
export type Fields = Record<string, unknown>;

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ManagedFieldsEntry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion: string;
  time?: string;
  fieldsType: 'FieldsV1';
  fieldsV1: Fields;
  subresource?: string;
}

export interface ObjectMeta {
  name: string;
  generateName?: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: readonly OwnerReference[];
  finalizers?: readonly string[];
  managedFields?: readonly ManagedFieldsEntry[];
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
  lastHeartbeatTime?: string;
}

export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[];
}

export interface Taint {
  key: string;
  value?: string;
  effect: string;
}

export interface Toleration {
  tolerationSeconds?: number;
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
}

interface Container {
  name: string;
  image?: string;
  ports?: readonly { containerPort: number; hostPort?: number; protocol?: string }[];
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
}

interface PodSpec {
  nodeName?: string;
  nodeSelector?: Record<string, string>;
  affinity?: Fields;
  tolerations?: readonly Toleration[];
  containers: readonly Container[];
  initContainers?: readonly Container[];
  restartPolicy?: string;
  terminationGracePeriodSeconds?: number;
}

export interface PodStatus {
  phase?: string;
  conditions?: readonly Condition[];
  [field: string]: unknown;
}

export interface Pod extends KubeObject {
  spec: PodSpec;
  status?: PodStatus;
}

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  spec: PodSpec;
}

export interface Node extends KubeObject {
  spec?: { taints?: readonly Taint[]; unschedulable?: boolean };
  status?: {
    capacity?: Record<string, string>;
    allocatable?: Record<string, string>;
    conditions?: readonly Condition[];
    [field: string]: unknown;
  };
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object at `path`, or an empty one; never null. */
export function fieldsAt(value: unknown, ...path: string[]): Fields {
  let current = value;
  for (const name of path) current = isFields(current) ? current[name] : undefined;
  return isFields(current) ? current : {};
}

export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => sameJson(item, b[index]));
  }
  const left = a as Fields;
  const right = b as Fields;
  const names = Object.keys(left).filter((name) => left[name] !== undefined);
  const rightCount = Object.keys(right).filter((name) => right[name] !== undefined).length;
  return names.length === rightCount && names.every((name) => sameJson(left[name], right[name]));
}

/** Seconds resolution, as the API server writes times. */
export function rfc3339(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

export function conditionIs(conditions: readonly Condition[] | undefined, type: string, status = 'True'): boolean {
  return conditions?.some((condition) => condition.type === type && condition.status === status) ?? false;
}
