import type { JsonObject } from '#domain';
import { at, countAt, listAt, numberAt, textAt } from '../client/objects.js';

/** How an object is: by the rules of kstatus (sigs.k8s.io/cli-utils), its differences are noted at the rules. */
export interface Readiness {
  state: 'ready' | 'progressing' | 'degraded' | 'failed';
  /** Of workloads only. */
  replicas: { desired: number; updated: number; ready: number } | undefined;
  reason: string;
  message: string;
}

type Rule = (object: JsonObject) => Readiness;
type Counts = NonNullable<Readiness['replicas']>;

const readiness = (state: Readiness['state'], reason = '', message = '', replicas?: Counts): Readiness => ({
  state,
  replicas,
  reason,
  message,
});

const condition = (object: JsonObject, type: string): JsonObject | undefined =>
  listAt(object, 'status', 'conditions').find((each) => each.type === type);

const holds = (found: JsonObject | undefined, status: 'True' | 'False', reason?: string): found is JsonObject =>
  found?.status === status && (reason === undefined || found.reason === reason);

const because = (state: Readiness['state'], cause: JsonObject, replicas?: Counts): Readiness =>
  readiness(state, textAt(cause, 'reason'), textAt(cause, 'message'), replicas);

const isUnobserved = (object: JsonObject): boolean => {
  const generation = numberAt(object, 'metadata', 'generation');
  return generation !== undefined && (numberAt(object, 'status', 'observedGeneration') ?? 0) < generation;
};

const rollout = (counts: Counts, steps: readonly (readonly [unmet: boolean, message: string])[]): Readiness => {
  const unmet = steps.find(([isUnmet]) => isUnmet);
  return unmet === undefined ? readiness('ready', '', '', counts) : readiness('progressing', '', unmet[1], counts);
};

const deployment: Rule = (object) => {
  const desired = numberAt(object, 'spec', 'replicas') ?? 1;
  const [all, updated, ready, available] = ['replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas'].map(
    (field) => countAt(object, 'status', field),
  ) as [number, number, number, number];
  const counts = { desired, updated, ready };
  if (isUnobserved(object)) return readiness('progressing', '', 'the new spec is not observed yet', counts);
  const progressing = condition(object, 'Progressing');
  // kstatus says Failed; Berth keeps that word for what cannot recover by itself
  if (holds(progressing, 'False', 'ProgressDeadlineExceeded')) return because('degraded', progressing, counts);
  const failure = condition(object, 'ReplicaFailure');
  if (holds(failure, 'True')) return because('degraded', failure, counts);
  return rollout(counts, [
    [updated < desired, `${updated} of ${desired} replicas are updated`],
    [all > updated, `${all - updated} old replicas are still there`],
    [available < updated, `${available} of ${updated} updated replicas are available`],
    [ready < desired, `${ready} of ${desired} replicas are ready`],
  ]);
};

const statefulSet: Rule = (object) => {
  const desired = numberAt(object, 'spec', 'replicas') ?? 1;
  const partition = countAt(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition');
  const revisions = ['currentRevision', 'updateRevision'].map((field) => textAt(object, 'status', field));
  const isOneRevision = revisions[0] === revisions[1];
  const ready = countAt(object, 'status', 'readyReplicas');
  const updated = isOneRevision ? countAt(object, 'status', 'replicas') : countAt(object, 'status', 'updatedReplicas');
  const counts = { desired, updated, ready };
  if (isUnobserved(object)) return readiness('progressing', '', 'the new spec is not observed yet', counts);
  const wanted = Math.max(0, desired - partition);
  const isOnDelete = textAt(object, 'spec', 'updateStrategy', 'type') === 'OnDelete';
  return rollout(counts, [
    [!isOnDelete && updated < wanted, `${updated} of ${wanted} replicas are updated`],
    [ready < desired, `${ready} of ${desired} replicas are ready`],
    [countAt(object, 'status', 'replicas') > desired, 'replicas beyond those desired are still there'],
    [!isOnDelete && partition === 0 && !isOneRevision, 'the update is not complete'],
  ]);
};

const daemonSet: Rule = (object) => {
  const [desired, updated, ready, available] = [
    'desiredNumberScheduled',
    'updatedNumberScheduled',
    'numberReady',
    'numberAvailable',
  ].map((field) => countAt(object, 'status', field)) as [number, number, number, number];
  const counts = { desired, updated, ready };
  if (isUnobserved(object)) return readiness('progressing', '', 'the new spec is not observed yet', counts);
  return rollout(counts, [
    [updated < desired, `${updated} of ${desired} nodes run the new pod`],
    [available < desired, `${available} of ${desired} pods are available`],
    [ready < desired, `${ready} of ${desired} pods are ready`],
  ]);
};

/** kstatus calls a running job Current; Berth calls one ready when it has done its work, as what waits for it must. */
const job: Rule = (object) => {
  const desired = numberAt(object, 'spec', 'completions') ?? numberAt(object, 'spec', 'parallelism') ?? 1;
  const ready = countAt(object, 'status', 'succeeded');
  const counts = { desired, updated: desired, ready };
  const failed = condition(object, 'Failed');
  if (holds(failed, 'True')) return because('failed', failed, counts);
  if (holds(condition(object, 'Complete'), 'True')) return readiness('ready', '', '', counts);
  return readiness('progressing', '', `${ready} of ${desired} completions`, counts);
};

const claim: Rule = (object) =>
  textAt(object, 'status', 'phase') === 'Bound'
    ? readiness('ready')
    : readiness('progressing', '', 'the volume claim is not bound');

/** A load balancer without address is ready, as in kstatus: its address is the cloud's business. */
const service: Rule = (object) =>
  textAt(object, 'spec', 'type') === 'LoadBalancer' && textAt(object, 'spec', 'clusterIP') === ''
    ? readiness('progressing', '', 'no cluster IP yet')
    : readiness('ready');

const anyOther: Rule = (object) => {
  const observed = numberAt(object, 'status', 'observedGeneration');
  if (observed !== undefined && isUnobserved(object))
    return readiness('progressing', '', 'the new spec is not observed yet');
  const stalled = condition(object, 'Stalled');
  if (holds(stalled, 'True')) return because('degraded', stalled);
  const reconciling = condition(object, 'Reconciling');
  if (holds(reconciling, 'True')) return because('progressing', reconciling);
  const ready = condition(object, 'Ready');
  return holds(ready, 'False') ? because('progressing', ready) : readiness('ready');
};

const rules: Readonly<Record<string, Rule>> = {
  'apps/Deployment': deployment,
  'apps/StatefulSet': statefulSet,
  'apps/DaemonSet': daemonSet,
  'batch/Job': job,
  'v1/PersistentVolumeClaim': claim,
  'v1/Service': service,
};

/** `object` as the server stores it. */
export function readinessOf(object: JsonObject, { apiVersion, kind }: { apiVersion: string; kind: string }): Readiness {
  if (at(object, 'metadata', 'deletionTimestamp') !== undefined) return readiness('progressing', 'Terminating', '');
  const group = apiVersion.split('/')[0] ?? '';
  return (rules[`${group}/${kind}`] ?? anyOther)(object);
}
