import type { Fields } from './objects.js';
import { type StructRef, structRef } from './schema/schema.js';

/** One served resource: where it is found in the API, and what may be done with it. */
export interface ResourceKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly subresources: readonly string[];
  readonly type: StructRef;
  /** The kind, where it is Kubernetes' own: those the server completes and checks by hand. '' for custom kinds. */
  readonly builtIn: string;
  /** A custom kind's structural schema. */
  readonly schema: Fields | undefined;
}

const rows = `
  core/v1 Namespace namespaces cluster ns status,finalize
  core/v1 Node nodes cluster no status
  core/v1 Pod pods namespaced po status,eviction,log,exec,portforward
  core/v1 Service services namespaced svc status
  core/v1 ConfigMap configmaps namespaced cm -
  core/v1 ServiceAccount serviceaccounts namespaced sa -
  core/v1 PersistentVolumeClaim persistentvolumeclaims namespaced pvc status
  core/v1 Event events namespaced ev -
  apps/v1 Deployment deployments namespaced deploy status,scale
  apps/v1 ReplicaSet replicasets namespaced rs status,scale
  apps/v1 StatefulSet statefulsets namespaced sts status,scale
  apps/v1 DaemonSet daemonsets namespaced ds status
  apps/v1 ControllerRevision controllerrevisions namespaced - -
  batch/v1 Job jobs namespaced - status
  batch/v1 CronJob cronjobs namespaced cj status
  networking.k8s.io/v1 Ingress ingresses namespaced ing status
  networking.k8s.io/v1 NetworkPolicy networkpolicies namespaced netpol -
  policy/v1 PodDisruptionBudget poddisruptionbudgets namespaced pdb status
  autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers namespaced hpa status
  coordination.k8s.io/v1 Lease leases namespaced - -
  rbac.authorization.k8s.io/v1 Role roles namespaced - -
  rbac.authorization.k8s.io/v1 RoleBinding rolebindings namespaced - -
  storage.k8s.io/v1 StorageClass storageclasses cluster sc -
  apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions cluster crd,crds status
`;

function parseRow(row: string): ResourceKind {
  const [groupVersion = '', kind = '', plural = '', scope, shortNames = '-', subresources = '-'] = row.split(/\s+/);
  const [group = '', version = ''] = groupVersion.split('/');
  const names = (text: string) => (text === '-' ? [] : text.split(','));
  return {
    group: group === 'core' ? '' : group,
    version,
    kind,
    builtIn: kind,
    schema: undefined,
    plural,
    singular: kind.toLowerCase(),
    namespaced: scope === 'namespaced',
    shortNames: names(shortNames),
    subresources: names(subresources),
    type: structRef(`${group.split('.')[0]}.${kind}`),
  };
}

export const resources: readonly ResourceKind[] = rows
  .trim()
  .split('\n')
  .map((row) => parseRow(row.trim()));

const byPlural = new Map(resources.map((resource) => [resource.plural, resource]));

/** A resource that the table above must hold; for the cluster's own controllers. All clusters share it. */
export function resourceNamed(plural: string): ResourceKind {
  const found = byPlural.get(plural);
  if (found === undefined) throw new Error(`no resource ${plural} in the table`);
  return found;
}

export const apiVersionOf = ({ group, version }: ResourceKind): string =>
  group === '' ? version : `${group}/${version}`;
