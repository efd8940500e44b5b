import { type Condition, type Pod, type PodStatus, rfc3339 } from '../objects.js';

/** Pod statuses as a kubelet writes them. */

export type Fate = 'running' | 'succeeded' | 'image-missing' | 'not-ready';

export interface StatusFacts {
  nowMs: number;
  podIp: string;
  hostIp: string;
}

function conditionsOf(pod: Pod, wanted: Record<string, [status: string, reason?: string]>, time: string): Condition[] {
  const old = pod.status?.conditions ?? [];
  const kept = old.filter(({ type }) => wanted[type] === undefined);
  const set = Object.entries(wanted).map(([type, [status, reason]]): Condition => {
    const before = old.find((condition) => condition.type === type);
    const since = before?.status === status ? before.lastTransitionTime : undefined;
    return { type, status, lastTransitionTime: since ?? time, ...(reason === undefined ? {} : { reason }) };
  });
  return [...kept, ...set];
}

const phases: Record<Fate, string> = {
  running: 'Running',
  'not-ready': 'Running',
  succeeded: 'Succeeded',
  'image-missing': 'Pending',
};

function stateOf(fate: Fate, image: string, startedAt: string, time: string) {
  if (fate === 'image-missing')
    return { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } };
  if (fate === 'succeeded') return { terminated: { exitCode: 0, reason: 'Completed', startedAt, finishedAt: time } };
  return { running: { startedAt } };
}

/** The whole status of a pod that has met its fate. */
export function podStatus(pod: Pod, fate: Fate, { nowMs, podIp, hostIp }: StatusFacts): PodStatus {
  const time = rfc3339(nowMs);
  const ready = fate === 'running';
  const reason = fate === 'succeeded' ? 'PodCompleted' : 'ContainersNotReady';
  const readiness: [string, string?] = ready ? ['True'] : ['False', reason];
  const startTime = String(pod.status?.startTime ?? time);
  const conditions = conditionsOf(
    pod,
    { PodScheduled: ['True'], Initialized: ['True'], ContainersReady: readiness, Ready: readiness },
    time,
  );
  const hasRun = fate !== 'image-missing';
  return {
    ...pod.status,
    phase: phases[fate],
    conditions,
    hostIP: hostIp,
    ...(hasRun ? { podIP: podIp, podIPs: [{ ip: podIp }] } : {}),
    startTime,
    containerStatuses: pod.spec.containers.map(({ name, image = '' }) => ({
      name,
      image,
      imageID: hasRun ? `hollow://${image}` : '',
      ...(hasRun ? { containerID: `hollow://${pod.metadata.uid}/${name}` } : {}),
      lastState: {},
      ready,
      restartCount: 0,
      started: ready || fate === 'not-ready',
      state: stateOf(fate, image, startTime, time),
    })),
  };
}
