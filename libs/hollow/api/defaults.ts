import { type Fields, fieldsAt, isFields, type KubeObject } from '../objects.js';

/** Defaults that a client of a current API server sees. Each takes a spec and gives it completed, sharing the rest. */

const list = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
const mapped = (name: string, value: unknown, each: (item: Fields) => Fields): Fields =>
  Array.isArray(value) ? { [name]: list(value).map(each) } : {};
const nested = (name: string, value: unknown, each: (item: Fields) => Fields): Fields =>
  isFields(value) ? { [name]: each(value) } : {};

function probe(given: Fields): Fields {
  return {
    timeoutSeconds: 1,
    periodSeconds: 10,
    successThreshold: 1,
    failureThreshold: 3,
    ...given,
    ...nested('httpGet', given.httpGet, (get) => ({ path: '/', scheme: 'HTTP', ...get })),
    ...nested('grpc', given.grpc, (grpc) => ({ service: '', ...grpc })),
  };
}

function envVar(given: Fields): Fields {
  const fieldRef = fieldsAt(given, 'valueFrom').fieldRef;
  if (!isFields(fieldRef)) return given;
  return { ...given, valueFrom: { ...fieldsAt(given, 'valueFrom'), fieldRef: { apiVersion: 'v1', ...fieldRef } } };
}

/** A pod (not a template) requests what it is limited to, unless it says otherwise. */
function requested(given: Fields): Fields {
  const resources = fieldsAt(given, 'resources');
  const limits = fieldsAt(resources, 'limits');
  if (Object.keys(limits).length === 0) return given;
  return { ...given, resources: { ...resources, requests: { ...limits, ...fieldsAt(resources, 'requests') } } };
}

function container(given: Fields): Fields {
  const image = String(given.image ?? '');
  const tag = image.includes('@') ? 'digest' : image.slice(image.lastIndexOf('/') + 1).split(':')[1];
  return {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent',
    ...given,
    resources: fieldsAt(given, 'resources'),
    ...mapped('ports', given.ports, (port) => ({ protocol: 'TCP', ...port })),
    ...mapped('env', given.env, envVar),
    ...nested('livenessProbe', given.livenessProbe, probe),
    ...nested('readinessProbe', given.readinessProbe, probe),
    ...nested('startupProbe', given.startupProbe, probe),
  };
}

function volume(given: Fields): Fields {
  const withMode = (source: Fields) => ({ defaultMode: 420, ...source });
  return {
    ...given,
    ...nested('configMap', given.configMap, withMode),
    ...nested('secret', given.secret, withMode),
    ...nested('downwardAPI', given.downwardAPI, withMode),
    ...nested('projected', given.projected, withMode),
    ...nested('hostPath', given.hostPath, (source) => ({ type: '', ...source })),
  };
}

function podSpec(given: Fields): Fields {
  const account = given.serviceAccountName ?? given.serviceAccount;
  return {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    terminationGracePeriodSeconds: 30,
    schedulerName: 'default-scheduler',
    securityContext: {},
    ...given,
    ...(account === undefined ? {} : { serviceAccountName: account, serviceAccount: account }),
    ...mapped('containers', given.containers, container),
    ...mapped('initContainers', given.initContainers, container),
    ...mapped('volumes', given.volumes, volume),
  };
}

function withTemplate(spec: Fields): Fields {
  const template = fieldsAt(spec, 'template');
  return isFields(template.spec) ? { template: { ...template, spec: podSpec(template.spec) } } : {};
}

function pod(given: Fields): Fields {
  const notReady = ['not-ready', 'unreachable'].map((what) => ({
    key: `node.kubernetes.io/${what}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  }));
  const tolerations = list(given.tolerations);
  const missing = notReady.filter(({ key }) => !tolerations.some((toleration) => toleration.key === key));
  const spec = podSpec(given);
  return {
    serviceAccountName: 'default',
    serviceAccount: 'default',
    enableServiceLinks: true,
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
    ...spec,
    ...mapped('containers', spec.containers, requested),
    ...mapped('initContainers', spec.initContainers, requested),
    tolerations: [...tolerations, ...missing],
  };
}

function deployment(spec: Fields): Fields {
  const strategy = { type: 'RollingUpdate', ...fieldsAt(spec, 'strategy') } as Fields;
  const rollingUpdate = { maxUnavailable: '25%', maxSurge: '25%', ...fieldsAt(strategy, 'rollingUpdate') };
  return {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    ...spec,
    strategy: strategy.type === 'RollingUpdate' ? { ...strategy, rollingUpdate } : strategy,
    ...withTemplate(spec),
  };
}

function statefulSet(spec: Fields): Fields {
  const update = { type: 'RollingUpdate', ...fieldsAt(spec, 'updateStrategy') } as Fields;
  const rollingUpdate = { partition: 0, ...fieldsAt(update, 'rollingUpdate') };
  return {
    replicas: 1,
    podManagementPolicy: 'OrderedReady',
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    ...spec,
    updateStrategy: update.type === 'RollingUpdate' ? { ...update, rollingUpdate } : update,
    ...withTemplate(spec),
  };
}

function daemonSet(spec: Fields): Fields {
  const update = { type: 'RollingUpdate', ...fieldsAt(spec, 'updateStrategy') } as Fields;
  const rollingUpdate = { maxSurge: 0, maxUnavailable: 1, ...fieldsAt(update, 'rollingUpdate') };
  return {
    revisionHistoryLimit: 10,
    ...spec,
    updateStrategy: update.type === 'RollingUpdate' ? { ...update, rollingUpdate } : update,
    ...withTemplate(spec),
  };
}

function job(spec: Fields): Fields {
  const counts = spec.completions === undefined && spec.parallelism === undefined ? { completions: 1 } : {};
  return {
    ...counts,
    parallelism: 1,
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: 'TerminatingOrFailed',
    ...spec,
    ...withTemplate(spec),
  };
}

function cronJob(spec: Fields): Fields {
  const template = fieldsAt(spec, 'jobTemplate');
  const jobSpec = fieldsAt(template, 'spec');
  return {
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
    ...spec,
    jobTemplate: { ...template, spec: { ...jobSpec, ...withTemplate(jobSpec) } },
  };
}

function service(spec: Fields): Fields {
  const port = (given: Fields) => ({ protocol: 'TCP', targetPort: given.port, ...given });
  const outside = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  return {
    type: 'ClusterIP',
    sessionAffinity: 'None',
    ...(spec.type === 'ExternalName' ? {} : { internalTrafficPolicy: 'Cluster', ipFamilyPolicy: 'SingleStack' }),
    ...(outside ? { externalTrafficPolicy: 'Cluster' } : {}),
    ...(spec.type === 'LoadBalancer' ? { allocateLoadBalancerNodePorts: true } : {}),
    ...spec,
    ...mapped('ports', spec.ports, port),
  };
}

function autoscaler(spec: Fields): Fields {
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };
  return { minReplicas: 1, metrics: [cpu], ...spec };
}

function networkPolicy(spec: Fields): Fields {
  return { policyTypes: spec.egress === undefined ? ['Ingress'] : ['Ingress', 'Egress'], ...spec };
}

function definition(spec: Fields): Fields {
  const names = fieldsAt(spec, 'names');
  const kind = String(names.kind ?? '');
  return {
    conversion: { strategy: 'None' },
    ...spec,
    names: { singular: kind.toLowerCase(), listKind: `${kind}List`, ...names },
  };
}

const bySpecKind: Record<string, (spec: Fields) => Fields> = {
  Pod: pod,
  Deployment: deployment,
  ReplicaSet: (spec) => ({ replicas: 1, ...spec, ...withTemplate(spec) }),
  StatefulSet: statefulSet,
  DaemonSet: daemonSet,
  Job: job,
  CronJob: cronJob,
  Service: service,
  NetworkPolicy: networkPolicy,
  HorizontalPodAutoscaler: autoscaler,
  PersistentVolumeClaim: (spec) => ({ volumeMode: 'Filesystem', ...spec }),
  CustomResourceDefinition: definition,
  Namespace: (spec) => ({ finalizers: ['kubernetes'], ...spec }),
};

/** The object with the server's defaults for its kind. */
export function withDefaults(object: KubeObject): KubeObject {
  const complete = bySpecKind[object.kind];
  return complete === undefined ? object : { ...object, spec: complete(fieldsAt(object, 'spec')) };
}
