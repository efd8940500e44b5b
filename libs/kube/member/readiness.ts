import type { JsonObject } from '#domain';
import { at, type KindRef, listAt, numberAt, textAt } from '../client/objects.js';
import { type CompiledRule, groupOf } from '../rules/status-rules.js';
import { keepPod } from './pods.js';
import { brief, hasAddress, summaryOf } from './summaries.js';

/** How an object is: by the rules of kstatus (sigs.k8s.io/cli-utils), its differences are noted at the rules. */
export interface Readiness {
  state: 'ready' | 'progressing' | 'degraded' | 'failed';
  /** Of workloads only. */
  replicas: { desired: number; updated: number; ready: number } | undefined;
  reason: string;
  message: string;
  /** In a few words, as `3/3 ready`; empty when there is nothing to say. */
  summary: string;
}

type Rule = (object: JsonObject) => Readiness;
type Counts = NonNullable<Readiness['replicas']>;

const readiness = (state: Readiness['state'], reason = '', message = '', replicas?: Counts): Readiness => ({
  state,
  replicas,
  reason,
  message,
  summary: replicas === undefined ? '' : `${replicas.ready}/${replicas.desired} ready`,
});

const mostReplicas = 2 ** 31 - 1;

/** What the server says, as a count that can be sent: whole and not negative. */
const countIn = (object: JsonObject, ...path: readonly string[]): number | undefined => {
  const found = numberAt(object, ...path);
  return found === undefined ? undefined : Math.min(mostReplicas, Math.max(0, Math.trunc(found)));
};

const countAt = (object: JsonObject, ...path: readonly string[]): number => countIn(object, ...path) ?? 0;

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
  const desired = countIn(object, 'spec', 'replicas') ?? 1;
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
  const desired = countIn(object, 'spec', 'replicas') ?? 1;
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
  const desired = countIn(object, 'spec', 'completions') ?? countIn(object, 'spec', 'parallelism') ?? 1;
  const ready = countAt(object, 'status', 'succeeded');
  const counts = { desired, updated: desired, ready };
  const failed = condition(object, 'Failed');
  if (holds(failed, 'True')) return because('failed', failed, counts);
  if (holds(condition(object, 'Complete'), 'True')) return readiness('ready', '', '', counts);
  if (at(object, 'spec', 'suspend') === true)
    return readiness('progressing', 'Suspended', 'the job is suspended', counts);
  return readiness('progressing', '', `${ready} of ${desired} completions`, counts);
};

const jobSummary = ({ state, replicas }: Readiness): string =>
  state === 'failed' ? 'failed' : `${replicas?.ready ?? 0}/${replicas?.desired ?? 0} done`;

const claim: Rule = (object) => {
  const phase = textAt(object, 'status', 'phase');
  if (phase === 'Bound') return readiness('ready');
  if (phase === 'Lost') return readiness('degraded', 'VolumeLost', 'the volume that the claim was bound to is gone');
  return readiness('progressing', 'VolumePending', 'the volume claim is not bound');
};

/** A load balancer without address is ready, as in kstatus: its address is the cloud's business. The reason tells. */
const service: Rule = (object) => {
  if (textAt(object, 'spec', 'type') !== 'LoadBalancer') return readiness('ready');
  if (textAt(object, 'spec', 'clusterIP') === '') return readiness('progressing', '', 'no cluster IP yet');
  if (hasAddress(object)) return readiness('ready');
  return readiness('ready', 'LoadBalancerPending', 'no load balancer has given it an address yet');
};

const pod: Rule = (object) => {
  const found = keepPod(object, { apiVersion: 'v1', kind: 'Pod', namespace: '', name: '', uid: '' }, 'any').view;
  const [first] = found?.reasons ?? [];
  const states = {
    ready: 'ready',
    succeeded: 'ready',
    ended: 'failed',
    failing: 'degraded',
    unready: 'degraded',
  } as const;
  const state = found === undefined || found.state === 'starting' ? 'progressing' : states[found.state];
  return readiness(state, first?.reason ?? '', first?.message ?? '');
};

/** Shared by the many objects of which there is nothing else to say. */
const plainlyReady: Readiness = Object.freeze(readiness('ready'));

const anyOther: Rule = (object) => {
  const observed = numberAt(object, 'status', 'observedGeneration');
  if (observed !== undefined && isUnobserved(object))
    return readiness('progressing', '', 'the new spec is not observed yet');
  const stalled = condition(object, 'Stalled');
  if (holds(stalled, 'True')) return because('degraded', stalled);
  const reconciling = condition(object, 'Reconciling');
  if (holds(reconciling, 'True')) return because('progressing', reconciling);
  const ready = condition(object, 'Ready');
  return holds(ready, 'False') ? because('progressing', ready) : plainlyReady;
};

const rules: Readonly<Record<string, Rule>> = {
  'apps/Deployment': deployment,
  'apps/StatefulSet': statefulSet,
  'apps/DaemonSet': daemonSet,
  'batch/Job': job,
  'v1/PersistentVolumeClaim': claim,
  'v1/Service': service,
  'v1/Pod': pod,
};

/** By what its component declares, in words that the declaration gives; how many there are is counted as ever. */
function declared(object: JsonObject, rule: CompiledRule, { replicas }: Readiness): Readiness {
  const { kind, message } = rule.judge(object);
  const summary = kind === 'broken' ? 'its status rule failed' : brief(message, 80) || kind.replace('-', ' ');
  const said = { replicas, message, summary };
  switch (kind) {
    case 'ready':
      return { state: 'ready', reason: '', ...said };
    case 'failed':
      return { state: 'failed', reason: 'DeclaredFailed', ...said };
    case 'not-yet':
      return { state: 'progressing', reason: message === '' ? '' : 'NotReady', ...said };
    case 'broken':
      return { state: 'progressing', reason: 'StatusRuleFailed', ...said };
  }
}

/** `object` as the server stores it. A rule of its component comes before what Berth knows of the kind. */
export function readinessOf(object: JsonObject, kind: KindRef, declaredRules: readonly CompiledRule[] = []): Readiness {
  const group = groupOf(kind);
  if (at(object, 'metadata', 'deletionTimestamp') !== undefined)
    return { ...readiness('progressing', 'Terminating'), summary: 'terminating' };
  const groupKind = `${group === '' ? 'v1' : group}/${kind.kind}`;
  const found = (rules[groupKind] ?? anyOther)(object);
  const own = declaredRules.find((rule) => rule.group === group && rule.kind === kind.kind);
  if (own !== undefined) return declared(object, own, found);
  const summary = groupKind === 'batch/Job' ? jobSummary(found) : found.summary || summaryOf(object, groupKind);
  return found.summary === summary ? found : { ...found, summary };
}
