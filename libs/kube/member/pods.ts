import { berthLabels, type JsonObject, type ObjectRef, type Resources } from '#domain';
import { at, countAt, listAt, textAt, textsAt } from '../client/objects.js';
import { extendedRequests, podRequests } from './pod-requests.js';

/**
 * `starting`: on its way, nothing wrong yet; `unready`: had been ready; `failing`: something must change first;
 * `succeeded` and `ended`: over, well or not.
 */
export type PodState = 'ready' | 'starting' | 'unready' | 'failing' | 'succeeded' | 'ended';

/** A pod of a work, as far as its status needs it. */
export interface PodView {
  namespace: string;
  name: string;
  uid: string;
  workId: string;
  state: PodState;
  restarts: number;
  deleting: boolean;
  /** It has its node. */
  isBound: boolean;
  /** Zero once it is over. */
  requests: Resources;
  /** Why it is not ready: `ImagePullBackOff`, `Unschedulable` … */
  reasons: readonly { reason: string; message: string }[];
}

/** Any pod of the cluster: what it takes of which node, and its view when it is Berth's. */
export interface KeptPod {
  node: string;
  /** Zero once the pod is over. */
  requests: Resources;
  /** Devices and the like that it holds. */
  extended?: Readonly<Record<string, number>> | undefined;
  view: PodView | undefined;
}

const noneLeft: Resources = { mcpu: 0, memoryBytes: 0, pods: 0 };

const condition = (pod: JsonObject, type: string): JsonObject | undefined =>
  listAt(pod, 'status', 'conditions').find((each) => each.type === type);

/** Waiting reasons that every start passes through. */
const startingReasons: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing', '']);

interface Finding {
  reason: string;
  message: string;
  bad: boolean;
}

function containerFindings(status: JsonObject): Finding[] {
  const waiting = at(status, 'state', 'waiting');
  const ended = at(status, 'state', 'terminated');
  const last = at(status, 'lastState', 'terminated');
  const found: Finding[] = [];
  if (waiting !== undefined) {
    const reason = textAt(waiting, 'reason');
    found.push({ reason, message: textAt(waiting, 'message'), bad: !startingReasons.has(reason) });
  }
  for (const end of [ended, last])
    if (end !== undefined && textAt(end, 'reason') === 'OOMKilled')
      found.push({ reason: 'OOMKilled', message: textAt(end, 'message'), bad: true });
  if (ended !== undefined && countAt(ended, 'exitCode') !== 0 && textAt(ended, 'reason') !== 'OOMKilled')
    found.push({
      reason: textAt(ended, 'reason') || 'Error',
      message: `exit code ${countAt(ended, 'exitCode')}`,
      bad: true,
    });
  return found;
}

function findings(pod: JsonObject): Finding[] {
  const scheduled = condition(pod, 'PodScheduled');
  if (scheduled?.status === 'False')
    return [
      { reason: textAt(scheduled, 'reason') || 'Unschedulable', message: textAt(scheduled, 'message'), bad: true },
    ];
  if (textAt(pod, 'status', 'phase') === 'Failed' && textAt(pod, 'status', 'reason') !== '')
    return [{ reason: textAt(pod, 'status', 'reason'), message: textAt(pod, 'status', 'message'), bad: true }];
  const statuses = [...listAt(pod, 'status', 'initContainerStatuses'), ...listAt(pod, 'status', 'containerStatuses')];
  return statuses.filter((status) => status.ready !== true).flatMap(containerFindings);
}

/** Whether readiness went away after the containers had started: a pod that never was ready has it false from before. */
function hadBeenReady(pod: JsonObject): boolean {
  const since = Date.parse(textAt(condition(pod, 'Ready'), 'lastTransitionTime'));
  const started = listAt(pod, 'status', 'containerStatuses').map((status) =>
    Date.parse(textAt(status, 'state', 'running', 'startedAt')),
  );
  return Number.isFinite(since) && started.length > 0 && started.every((start) => start < since);
}

function stateOf(pod: JsonObject, found: readonly Finding[]): PodState {
  const phase = textAt(pod, 'status', 'phase');
  if (phase === 'Succeeded') return 'succeeded';
  if (phase === 'Failed') return 'ended';
  if (condition(pod, 'Ready')?.status === 'True') return 'ready';
  if (found.some((each) => each.bad)) return 'failing';
  return hadBeenReady(pod) ? 'unready' : 'starting';
}

const mostRestarts = 2 ** 31 - 1;

function restartsOf(pod: JsonObject): number {
  const counts = listAt(pod, 'status', 'containerStatuses').map((each) => countAt(each, 'restartCount'));
  const sum = counts.reduce((total, count) => total + Math.max(0, Math.trunc(count)), 0);
  return Math.min(mostRestarts, sum);
}

function viewOf(pod: JsonObject, id: ObjectRef & { uid: string }, workId: string, requests: Resources): PodView {
  const found = findings(pod);
  const state = stateOf(pod, found);
  const named = found.filter((each) => each.reason !== '').map(({ reason, message }) => ({ reason, message }));
  const lost = { reason: textAt(condition(pod, 'Ready'), 'reason') || 'NotReady', message: 'was ready before' };
  return {
    namespace: id.namespace,
    name: id.name,
    uid: id.uid,
    workId,
    state,
    restarts: restartsOf(pod),
    deleting: at(pod, 'metadata', 'deletionTimestamp') !== undefined,
    isBound: textAt(pod, 'spec', 'nodeName') !== '',
    requests,
    reasons: state === 'ready' || state === 'succeeded' ? [] : state === 'unready' ? [lost, ...named] : named,
  };
}

/** The bounded part of a pod that the agent keeps. */
export function keepPod(
  pod: JsonObject,
  id: ObjectRef & { uid: string },
  workId: string = textsAt(pod, 'metadata', 'labels')[berthLabels.work] ?? '',
): KeptPod {
  const phase = textAt(pod, 'status', 'phase');
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const extended = isOver ? undefined : extendedRequests(pod);
  const requests = isOver ? noneLeft : podRequests(pod);
  return {
    node: textAt(pod, 'spec', 'nodeName'),
    requests,
    ...(extended === undefined ? {} : { extended }),
    view: workId === '' ? undefined : viewOf(pod, id, workId, requests),
  };
}
