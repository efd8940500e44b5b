import {
  type Condition,
  type Fields,
  fieldsAt,
  type KubeObject,
  type Pod,
  type PodTemplate,
  rfc3339,
} from '../objects.js';
import { resourceNamed } from '../resources.js';
import {
  type ControllerContext,
  createUnlessRefused,
  reconcileEach,
  remove,
  withoutZeros,
  writeStatus,
} from './context.js';
import { isActive, isReady, podFrom } from './pods.js';
import { followPods } from './replicaset.js';

interface Job extends KubeObject {
  spec: {
    completions?: number;
    parallelism: number;
    suspend?: boolean;
    completionMode?: string;
    activeDeadlineSeconds?: number;
    ttlSecondsAfterFinished?: number;
    template: PodTemplate;
  };
  status?: Fields;
}

const jobs = resourceNamed('jobs');
const pods = resourceNamed('pods');
const indexNote = 'batch.kubernetes.io/job-completion-index';

/** Runs as many pods at once as the Job allows until enough have succeeded. No pod fails of itself. */
export function startJobs(context: ControllerContext): void {
  const enqueue = reconcileEach<Job>(context, jobs, (job) => reconcile(context, job, () => enqueue(job)));
  followPods(context, 'Job', enqueue);
}

const endOf = (job: Job): Condition | undefined => {
  const { conditions } = fieldsAt(job, 'status') as { conditions?: readonly Condition[] };
  return conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
};

function reconcile(context: ControllerContext, job: Job, again: () => void): void {
  if (job.metadata.deletionTimestamp !== undefined) return;
  if (endOf(job) !== undefined) {
    expireLater(context, job, again);
    return;
  }
  const owned = () => context.owners.controlled<Pod>(job.metadata.uid, 'Pod');
  const succeeded = owned().filter(({ status }) => status?.phase === 'Succeeded').length;
  const enough =
    job.spec.completions === undefined ? succeeded > 0 && !owned().some(isActive) : succeeded >= job.spec.completions;
  if (!enough) step(context, job, owned(), succeeded);
  writeJobStatus(context, job, owned(), { succeeded, enough, again });
}

function step(context: ControllerContext, job: Job, owned: readonly Pod[], succeeded: number): void {
  const active = owned.filter(isActive);
  if (job.spec.suspend === true) {
    for (const pod of active) remove(context, pod);
    return;
  }
  const left =
    job.spec.completions === undefined ? (succeeded > 0 ? 0 : job.spec.parallelism) : job.spec.completions - succeeded;
  const wanted = Math.min(job.spec.parallelism, left);
  const taken = new Set(
    owned
      .filter((pod) => isActive(pod) || pod.status?.phase === 'Succeeded')
      .map((pod) => pod.metadata.annotations?.[indexNote]),
  );
  let index = 0;
  for (let missing = wanted - active.length; missing > 0; missing -= 1) {
    while (taken.has(String(index))) index += 1;
    taken.add(String(index));
    createUnlessRefused(context, pods, job.metadata.namespace ?? '', indexedPod(job, index));
  }
  for (const pod of active.slice(wanted)) remove(context, pod);
}

function indexedPod(job: Job, index: number) {
  if (job.spec.completionMode !== 'Indexed') return podFrom(job, job.spec.template);
  const { metadata } = job.spec.template;
  const annotations = { ...metadata?.annotations, [indexNote]: String(index) };
  const template = { ...job.spec.template, metadata: { ...metadata, annotations } };
  return podFrom(job, template, { labels: { [indexNote]: String(index) } });
}

interface Outcome {
  succeeded: number;
  enough: boolean;
  again: () => void;
}

function writeJobStatus(
  context: ControllerContext,
  job: Job,
  owned: readonly Pod[],
  { succeeded, enough, again }: Outcome,
): void {
  const time = rfc3339(context.api.nowMs);
  const old = fieldsAt(job, 'status');
  const active = owned.filter(isActive);
  const startTime = old.startTime ?? (job.spec.suspend === true ? undefined : time);
  const deadline = deadlineOf(job, startTime);
  const late = !enough && deadline !== undefined && deadline <= context.api.nowMs;
  if (late) for (const pod of active) remove(context, pod);
  else if (deadline !== undefined && old.startTime === undefined)
    context.alarms.after(deadline - context.api.nowMs, again);
  const condition = (type: string, reason: string): Condition => ({
    type,
    status: 'True',
    reason,
    lastTransitionTime: time,
  });
  const conditions = enough
    ? [condition('SuccessCriteriaMet', 'CompletionsReached'), condition('Complete', 'CompletionsReached')]
    : late
      ? [condition('FailureTarget', 'DeadlineExceeded'), condition('Failed', 'DeadlineExceeded')]
      : job.spec.suspend === true
        ? [condition('Suspended', 'JobSuspended')]
        : [];
  const kept =
    conditions.every(({ type }) => JSON.stringify(old.conditions ?? []).includes(`"${type}"`)) && conditions.length > 0;
  writeStatus(context, job, {
    ...withoutZeros({ active: enough || late ? 0 : active.length, succeeded }),
    ready: enough ? 0 : active.filter(isReady).length,
    terminating: owned.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).length,
    uncountedTerminatedPods: {},
    ...(startTime === undefined ? {} : { startTime }),
    ...(enough ? { completionTime: time } : {}),
    ...(conditions.length === 0 ? {} : { conditions: kept ? old.conditions : conditions }),
  });
}

function deadlineOf(job: Job, startTime: unknown): number | undefined {
  const { activeDeadlineSeconds } = job.spec;
  return activeDeadlineSeconds === undefined || startTime === undefined
    ? undefined
    : Date.parse(String(startTime)) + activeDeadlineSeconds * 1000;
}

function expireLater(context: ControllerContext, job: Job, again: () => void): void {
  const { ttlSecondsAfterFinished: ttl } = job.spec;
  const endedAt = fieldsAt(job, 'status').completionTime ?? endOf(job)?.lastTransitionTime;
  if (ttl === undefined || endedAt === undefined) return;
  const leftMs = Date.parse(String(endedAt)) + ttl * 1000 - context.api.nowMs;
  if (leftMs <= 0) remove(context, job, { propagationPolicy: 'Background' });
  else context.alarms.after(leftMs, again);
}
