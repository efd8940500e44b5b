import type { ComponentKind, JsonObject, JsonValue } from '#domain';

/** How a component of each kind is written as a Kubernetes workload. */
export interface WorkloadForm {
  apiVersion: string;
  kind: string;
  /** Where in `spec` the pod template is. */
  template: readonly string[];
  /** Whether `spec.replicas` exists, and whether `spec.selector` is required. */
  scaled: boolean;
  selected: boolean;
}

export const workloadForms = {
  service: { apiVersion: 'apps/v1', kind: 'Deployment', template: ['template'], scaled: true, selected: true },
  'stateful-service': {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    template: ['template'],
    scaled: true,
    selected: true,
  },
  daemon: { apiVersion: 'apps/v1', kind: 'DaemonSet', template: ['template'], scaled: false, selected: true },
  job: { apiVersion: 'batch/v1', kind: 'Job', template: ['template'], scaled: false, selected: false },
  'cron-job': {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    template: ['jobTemplate', 'spec', 'template'],
    scaled: false,
    selected: false,
  },
} as const satisfies Record<ComponentKind, WorkloadForm>;

const workloadKinds: ReadonlyMap<string, ComponentKind> = new Map([
  ['apps/v1/Deployment', 'service'],
  ['apps/v1/StatefulSet', 'stateful-service'],
  ['apps/v1/DaemonSet', 'daemon'],
  ['batch/v1/Job', 'job'],
  ['batch/v1/CronJob', 'cron-job'],
  // The same fields under the name it had before Kubernetes 1.21; rendered as batch/v1.
  ['batch/v1beta1/CronJob', 'cron-job'],
]);

/** Kinds that belong to a component: their API group, and their place in the order of applying (the workload is at 50). */
const attachedKinds: ReadonlyMap<string, { groups: readonly string[]; rank: number }> = new Map([
  ['ServiceAccount', { groups: [''], rank: 10 }],
  ['Role', { groups: ['rbac.authorization.k8s.io'], rank: 12 }],
  ['RoleBinding', { groups: ['rbac.authorization.k8s.io'], rank: 13 }],
  ['ConfigMap', { groups: [''], rank: 20 }],
  ['PersistentVolumeClaim', { groups: [''], rank: 22 }],
  ['NetworkPolicy', { groups: ['networking.k8s.io'], rank: 25 }],
  ['Service', { groups: [''], rank: 30 }],
  ['Ingress', { groups: ['networking.k8s.io', 'extensions'], rank: 60 }],
  ['HorizontalPodAutoscaler', { groups: ['autoscaling'], rank: 62 }],
  ['PodDisruptionBudget', { groups: ['policy'], rank: 64 }],
]);

const workloadRank = 50;

const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';

/** The component kind that a manifest of this type becomes; undefined if it is no workload. */
export const componentKindOf = (apiVersion: string, kind: string): ComponentKind | undefined =>
  workloadKinds.get(`${apiVersion}/${kind}`);

/** Groups of Kubernetes' own: `apps`, `networking.k8s.io`. What others define has a domain of theirs. */
const isOwnGroup = (group: string): boolean => !group.includes('.') || /(^|\.)(k8s|kubernetes)\.io$/.test(group);

/** Whether a kind is defined by its cluster, by a CustomResourceDefinition or another API server. */
export const isCustom = (apiVersion: string): boolean => !isOwnGroup(groupOf(apiVersion));

/**
 * Whether a manifest of this type may stand beside a component. Custom kinds may: whether the cluster serves them decides
 * the placement, and whether the agent may write them its role there.
 */
export const isAttachable = (apiVersion: string, kind: string): boolean =>
  isCustom(apiVersion) || (attachedKinds.get(kind)?.groups.includes(groupOf(apiVersion)) ?? false);

/** Lower is applied first: what pods refer to, then the workload, then what refers to the workload. */
export const rankOf = (object: JsonObject): number =>
  (typeof object.kind === 'string' && !(typeof object.apiVersion === 'string' && isCustom(object.apiVersion))
    ? attachedKinds.get(object.kind)?.rank
    : undefined) ?? workloadRank;

export const allowedKinds: string = [
  ...new Set([...workloadKinds.keys()].map((each) => each.slice(each.lastIndexOf('/') + 1))),
  ...attachedKinds.keys(),
  'custom kinds',
].join(', ');

export const allowedWorkloads: string = [...workloadKinds.keys()].join(', ');

/** Metadata that a server writes and nobody may send. */
export const serverOwned = [
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generation',
  'managedFields',
  'ownerReferences',
  'resourceVersion',
  'selfLink',
  'uid',
] as const;

interface Metadata extends JsonObject {
  name: string;
}

/** A manifest that has what every Kubernetes object has. */
export interface KubernetesObject extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

export const titleOf = (object: { kind: string; metadata: { name: JsonValue } }): string =>
  `${object.kind} "${object.metadata.name}"`;
