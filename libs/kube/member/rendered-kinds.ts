import type { Discovery } from '../client/discovery.js';
import { type KindRef, kindKey } from '../client/objects.js';

/** A kind that Berth applies, in the versions in which it can come, the one to watch first. */
interface RenderedKind {
  kind: string;
  versions: readonly string[];
  /** Nothing but its metadata says how it is. */
  metadataOnly: boolean;
}

const full = (kind: string, ...versions: readonly string[]): RenderedKind => ({ kind, versions, metadataOnly: false });
const bare = (kind: string, ...versions: readonly string[]): RenderedKind => ({ kind, versions, metadataOnly: true });

const renderedKinds: readonly RenderedKind[] = [
  full('Deployment', 'apps/v1'),
  full('StatefulSet', 'apps/v1'),
  full('DaemonSet', 'apps/v1'),
  full('Job', 'batch/v1'),
  full('CronJob', 'batch/v1', 'batch/v1beta1'),
  full('Service', 'v1'),
  full('PersistentVolumeClaim', 'v1'),
  bare('ConfigMap', 'v1'),
  bare('ServiceAccount', 'v1'),
  bare('Namespace', 'v1'),
  full('Ingress', 'networking.k8s.io/v1', 'networking.k8s.io/v1beta1', 'extensions/v1beta1'),
  bare('NetworkPolicy', 'networking.k8s.io/v1'),
  bare('Role', 'rbac.authorization.k8s.io/v1', 'rbac.authorization.k8s.io/v1beta1'),
  bare('RoleBinding', 'rbac.authorization.k8s.io/v1', 'rbac.authorization.k8s.io/v1beta1'),
  bare('HorizontalPodAutoscaler', 'autoscaling/v2', 'autoscaling/v2beta2', 'autoscaling/v2beta1', 'autoscaling/v1'),
  bare('PodDisruptionBudget', 'policy/v1', 'policy/v1beta1'),
];

/** Every rendered kind under its first version: what an agent watches, and what it may be asked to write. */
export const everyRenderedKind = (): KindRef[] =>
  renderedKinds.map(({ kind, versions: [apiVersion = 'v1'] }) => ({ apiVersion, kind }));

/** Every version of every rendered kind that the server serves. */
export const servedVersions = ({ kinds }: Discovery): KindRef[] =>
  renderedKinds
    .flatMap(({ kind, versions }) => versions.map((apiVersion) => ({ apiVersion, kind })))
    .filter((each) => kinds.has(kindKey(each)));

/** One served version of each rendered kind: the same objects are seen through all of them. */
export const kindsToWatch = ({ kinds }: Discovery): (KindRef & { metadataOnly: boolean })[] =>
  renderedKinds.flatMap(({ kind, versions, metadataOnly }) => {
    const apiVersion = versions.find((version) => kinds.has(kindKey({ apiVersion: version, kind })));
    return apiVersion === undefined ? [] : [{ apiVersion, kind, metadataOnly }];
  });
