import { type Fields, fieldsAt, type KubeObject, sameJson } from '../objects.js';
import type { ResourceKind } from '../resources.js';
import { omit } from './object-parts.js';

const generational = new Set([
  'Pod',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'Ingress',
  'NetworkPolicy',
  'PodDisruptionBudget',
  'CustomResourceDefinition',
]);

export const hasGeneration = (resource: ResourceKind): boolean =>
  resource.schema !== undefined || generational.has(resource.builtIn);

/** Whether a change is one of what is asked for; of a custom kind that is all but metadata and status. */
export function startsGeneration(resource: ResourceKind, before: KubeObject, after: KubeObject): boolean {
  if (resource.schema === undefined) return hasGeneration(resource) && !sameJson(before.spec, after.spec);
  const apart = ['metadata', ...(resource.subresources.includes('status') ? ['status'] : [])];
  return !sameJson(omit(before, apart), omit(after, apart));
}

/** A new object's status. Only a Node may bring one: its kubelet registers it so. */
export function initialStatus(resource: ResourceKind, given: KubeObject): unknown {
  const hasStatus = resource.subresources.includes('status');
  if (resource.schema !== undefined) return hasStatus ? undefined : given.status;
  switch (resource.builtIn) {
    case 'Node':
      return fieldsAt(given, 'status');
    case 'Pod':
      return { phase: 'Pending', qosClass: qosClass(fieldsAt(given, 'spec')) };
    case 'Namespace':
      return { phase: 'Active' };
    case 'PersistentVolumeClaim':
      return { phase: 'Pending' };
    case 'Service':
    case 'Ingress':
      return { loadBalancer: {} };
    default:
      return hasStatus ? {} : undefined;
  }
}

function qosClass(podSpec: Fields): string {
  const containers = Array.isArray(podSpec.containers) ? podSpec.containers : [];
  const shares = containers.map((container) => ({
    requests: fieldsAt(container, 'resources', 'requests'),
    limits: fieldsAt(container, 'resources', 'limits'),
  }));
  if (shares.every(({ requests, limits }) => Object.keys({ ...requests, ...limits }).length === 0)) return 'BestEffort';
  const guaranteed = shares.every(({ requests, limits }) =>
    ['cpu', 'memory'].every((name) => limits[name] !== undefined && (requests[name] ?? limits[name]) === limits[name]),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** What creation alone decides: a Job's own selector, a Namespace's name label. */
export function prepared({ builtIn }: ResourceKind, object: KubeObject): KubeObject {
  if (builtIn === 'Namespace') {
    const labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name };
    return { ...object, metadata: { ...object.metadata, labels } };
  }
  return builtIn === 'Job' && fieldsAt(object, 'spec').manualSelector !== true ? withJobSelector(object) : object;
}

function withJobSelector(job: KubeObject): KubeObject {
  const { uid, name } = job.metadata;
  const spec = fieldsAt(job, 'spec');
  const template = fieldsAt(spec, 'template');
  const labels: Record<string, string> = {
    ...(fieldsAt(template, 'metadata', 'labels') as Record<string, string>),
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  const { metadata } = job;
  return {
    ...job,
    metadata: metadata.labels === undefined ? { ...metadata, labels } : metadata,
    spec: {
      ...spec,
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
      template: { ...template, metadata: { ...fieldsAt(template, 'metadata'), labels } },
    },
  };
}
