import { type Condition, controllerOf, type KubeObject, rfc3339 } from '../objects.js';
import { resourceNamed } from '../resources.js';
import {
  type ControllerContext,
  createUnlessRefused,
  current,
  ownerReference,
  reconcileEach,
  remove,
  withoutZeros,
  write,
  writeStatus,
} from './context.js';
import { templateHash } from './pods.js';
import type { ReplicaSet } from './replicaset.js';
import { type Deployment, rollingLimits, rolloutStep } from './rollout.js';

const deployments = resourceNamed('deployments');
const replicaSets = resourceNamed('replicasets');
const revisionNote = 'deployment.kubernetes.io/revision';
const hashLabel = 'pod-template-hash';

export function startDeployments(context: ControllerContext): void {
  const enqueue = reconcileEach<Deployment>(context, deployments, (deployment) =>
    reconcile(context, deployment, () => enqueue(deployment)),
  );
  context.store.listen(replicaSets, ({ object }) => {
    const owner = controllerOf(object);
    const found = owner === undefined ? undefined : context.owners.object(owner.uid);
    if (found?.kind === 'Deployment') enqueue(found);
  });
}

const setsOf = (context: ControllerContext, { metadata }: Deployment) =>
  context.owners.controlled<ReplicaSet>(metadata.uid, 'ReplicaSet');

const revisionOf = ({ metadata }: KubeObject): number => Number(metadata.annotations?.[revisionNote] ?? 0);

function reconcile(context: ControllerContext, deployment: Deployment, again: () => void): void {
  if (deployment.metadata.deletionTimestamp === undefined) {
    const fresh = currentSet(context, deployment);
    const sets = setsOf(context, deployment);
    const old = sets.filter((set) => set.metadata.uid !== fresh?.metadata.uid);
    for (const { set, replicas } of rolloutStep(deployment, fresh, old)) scale(context, set, replicas);
    dropHistory(context, deployment, old);
  }
  writeDeploymentStatus(context, deployment, again);
}

/** The set of the present template; made, or brought back from history, when the rollout is not paused. */
function currentSet(context: ControllerContext, deployment: Deployment): ReplicaSet | undefined {
  const hash = templateHash(deployment.spec.template);
  const sets = setsOf(context, deployment);
  const found = sets.find(({ metadata }) => metadata.labels?.[hashLabel] === hash);
  if (found === undefined && deployment.spec.paused === true) return undefined;
  const newest = Math.max(0, ...sets.filter((set) => set !== found).map(revisionOf));
  if (found !== undefined && revisionOf(found) > newest) {
    noteRevision(context, deployment, revisionOf(found));
    return found;
  }
  const made =
    found === undefined ? createSet(context, deployment, hash, newest + 1) : noteRevision(context, found, newest + 1);
  noteRevision(context, deployment, newest + 1);
  return made;
}

function noteRevision<T extends KubeObject>(context: ControllerContext, object: T, revision: number): T {
  const live = current(context, object);
  if (live === undefined || revisionOf(live) === revision) return live ?? object;
  const annotations = { ...live.metadata.annotations, [revisionNote]: String(revision) };
  return write(context, { ...live, metadata: { ...live.metadata, annotations } });
}

function createSet(context: ControllerContext, deployment: Deployment, hash: string, revision: number) {
  const { name, namespace = '', annotations = {} } = deployment.metadata;
  const { selector, template, minReadySeconds } = deployment.spec;
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const { 'kubectl.kubernetes.io/last-applied-configuration': _, ...carried } = annotations;
  return createUnlessRefused(context, replicaSets, namespace, {
    metadata: {
      name: `${name}-${hash}`,
      labels,
      annotations: { ...carried, [revisionNote]: String(revision) },
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas: 0,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  }) as ReplicaSet | undefined;
}

function scale(context: ControllerContext, set: ReplicaSet, replicas: number): void {
  const live = current(context, set);
  if (live !== undefined && live.spec.replicas !== replicas)
    write(context, { ...live, spec: { ...live.spec, replicas } });
}

function dropHistory(context: ControllerContext, deployment: Deployment, old: readonly ReplicaSet[]): void {
  const ended = old.filter((set) => set.spec.replicas === 0 && (set.status?.replicas ?? 0) === 0);
  const surplus = ended.length - (deployment.spec.revisionHistoryLimit ?? 10);
  if (surplus <= 0) return;
  for (const set of [...ended].sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, surplus)) remove(context, set);
}

function writeDeploymentStatus(context: ControllerContext, given: Deployment, again: () => void): void {
  const deployment = current(context, given);
  if (deployment === undefined) return;
  const sets = setsOf(context, deployment);
  const hash = templateHash(deployment.spec.template);
  const fresh = sets.find(({ metadata }) => metadata.labels?.[hashLabel] === hash);
  const sum = (count: (set: ReplicaSet) => number | undefined) =>
    sets.reduce((total, set) => total + (count(set) ?? 0), 0);
  const replicas = sum((set) => set.status?.replicas);
  const available = sum((set) => set.status?.availableReplicas);
  const counts = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas,
    updatedReplicas: fresh?.status?.replicas ?? 0,
    readyReplicas: sum((set) => set.status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, deployment.spec.replicas - available),
  };
  const conditions = [
    availableCondition(deployment, available),
    progressing(context, deployment, counts, fresh, again),
  ];
  const nowText = rfc3339(context.api.nowMs);
  const kept = conditions.map((condition) => stamped(deployment, condition, nowText));
  writeStatus(context, deployment, { ...withoutZeros(counts), conditions: kept });
}

/** Keeps the times of a condition that did not change. */
function stamped(deployment: Deployment, condition: Condition, nowText: string): Condition {
  const old = deployment.status?.conditions?.find(({ type }) => type === condition.type);
  if (old?.status === condition.status && old.reason === condition.reason && old.message === condition.message)
    return old;
  const since = old?.status === condition.status ? old.lastTransitionTime : undefined;
  return { ...condition, lastUpdateTime: nowText, lastTransitionTime: since ?? nowText };
}

function availableCondition(deployment: Deployment, available: number): Condition {
  const enough = available >= deployment.spec.replicas - rollingLimits(deployment).unavailable;
  return enough
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
}

interface Progress {
  replicas: number;
  updatedReplicas: number;
  availableReplicas: number;
}

function progressing(
  context: ControllerContext,
  deployment: Deployment,
  { replicas, updatedReplicas, availableReplicas }: Progress,
  fresh: ReplicaSet | undefined,
  again: () => void,
): Condition {
  const wanted = deployment.spec.replicas;
  const name = fresh?.metadata.name ?? '';
  const type = 'Progressing';
  if (updatedReplicas === wanted && replicas === wanted && availableReplicas >= wanted)
    return {
      type,
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: `ReplicaSet "${name}" has successfully progressed.`,
    };
  const old = deployment.status?.conditions?.find((condition) => condition.type === type);
  const moved =
    updatedReplicas !== (deployment.status?.updatedReplicas ?? 0) ||
    availableReplicas !== (deployment.status?.availableReplicas ?? 0);
  const restarted =
    old?.reason === 'NewReplicaSetAvailable' ||
    deployment.status?.observedGeneration !== deployment.metadata.generation;
  const sinceMs =
    old?.lastUpdateTime === undefined || restarted || moved ? context.api.nowMs : Date.parse(old.lastUpdateTime);
  const dueMs = sinceMs + (deployment.spec.progressDeadlineSeconds ?? 600) * 1000;
  if (dueMs <= context.api.nowMs || (old?.reason === 'ProgressDeadlineExceeded' && !moved && !restarted))
    return {
      type,
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: `ReplicaSet "${name}" has timed out progressing.`,
    };
  if (old?.reason !== 'ReplicaSetUpdated' || moved || restarted)
    context.alarms.after(dueMs - context.api.nowMs + 1000, again);
  return { type, status: 'True', reason: 'ReplicaSetUpdated', message: `ReplicaSet "${name}" is progressing.` };
}
