import type { ObjectRef } from '#domain';

const crds = ['CustomResourceDefinition'];
const config = [
  ...['ServiceAccount', 'ConfigMap', 'Secret', 'PersistentVolumeClaim', 'PersistentVolume', 'StorageClass'],
  ...['Role', 'ClusterRole', 'RoleBinding', 'ClusterRoleBinding', 'NetworkPolicy', 'PriorityClass'],
];
const workloads = ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Pod', 'Job', 'CronJob'];
const routes = ['Service', 'Ingress', 'IngressClass', 'HorizontalPodAutoscaler', 'PodDisruptionBudget'];

/** Kinds in the order in which they are applied; those of a CRD go with the workloads. */
const ranks = new Map(
  [['Namespace'], crds, config, workloads, routes].flatMap((kinds, rank) => kinds.map((kind) => [kind, rank])),
);
const rankOfOthers = 3;

const rankOf = ({ kind }: Pick<ObjectRef, 'kind'>): number => ranks.get(kind) ?? rankOfOthers;

/** What others stand on first; within a rank as the broker ordered. */
export const inOrder = <T extends { ref: ObjectRef }>(objects: readonly T[]): T[] =>
  [...objects].sort((a, b) => rankOf(a.ref) - rankOf(b.ref));

export const isDefinition = ({ apiVersion, kind }: ObjectRef): boolean =>
  kind === 'CustomResourceDefinition' && apiVersion.startsWith('apiextensions.k8s.io/');
