import { describe, expect, it } from 'vitest';
import { berthLabels, type JsonObject } from '#domain';
import { identityOf } from '../client/objects.js';
import { keepPod, type PodView } from './pods.js';
import type { OwnedObject } from './port.js';
import { readinessOf } from './readiness.js';
import { workStatus } from './work-status.js';

const seen = (object: JsonObject): OwnedObject => {
  const id = identityOf(object);
  return {
    ...id,
    workId: 'w',
    component: 'web',
    generation: '1',
    digest: '',
    deleting: false,
    adopted: false,
    readiness: readinessOf(object, id),
  };
};

const deployment = (status: JsonObject, spec: JsonObject = { replicas: 3 }): OwnedObject =>
  seen({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'a', uid: 'u', resourceVersion: '1', generation: 2 },
    spec,
    status: { observedGeneration: 2, ...status },
  });

const allReady = { replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 };

const podAt = '2030-01-01T00:00:00Z';
const later = '2030-01-01T01:00:00Z';

const pod = (status: JsonObject): PodView => {
  const metadata = { name: 'web-1', namespace: 'a', uid: 'p1', labels: { [berthLabels.work]: 'w' } };
  const object: JsonObject = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: 'n' }, status };
  const { view } = keepPod(object, identityOf(object));
  if (view === undefined) throw new Error('the pod has no work');
  return view;
};

const notReady = (since = podAt): JsonObject[] => [
  { type: 'PodScheduled', status: 'True' },
  { type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: since },
];

const waiting = (reason: string, more: JsonObject = {}): PodView =>
  pod({
    phase: 'Pending',
    conditions: notReady(),
    containerStatuses: [
      { ready: false, restartCount: 0, state: { waiting: { reason, message: `${reason}!` } }, ...more },
    ],
  });

describe('the status of a work', () => {
  it('is pending without objects', () => {
    expect(workStatus([], []).phase).toBe('pending');
  });

  it('is ready when all replicas are updated and available', () => {
    const status = workStatus([deployment(allReady)], []);
    expect(status).toMatchObject({
      phase: 'ready',
      replicas: { desired: 3, updated: 3, ready: 3, unavailable: 0 },
      reasons: [],
    });
  });

  it('is applying while the controller has not seen the new spec, however good the old figures', () => {
    expect(workStatus([deployment({ ...allReady, observedGeneration: 1 })], []).phase).toBe('applying');
  });

  it.each([
    ['old replicas are still there', { ...allReady, replicas: 4 }],
    ['not all are updated', { ...allReady, updatedReplicas: 2 }],
    ['not all are available', { ...allReady, availableReplicas: 2 }],
  ])('is applying while %s', (_, status) => {
    expect(workStatus([deployment(status)], []).phase).toBe('applying');
  });

  it('is degraded when the rollout passed its deadline', () => {
    const conditions = [
      { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out' },
    ];
    const status = workStatus([deployment({ ...allReady, readyReplicas: 1, conditions })], []);
    expect(status).toMatchObject({
      phase: 'degraded',
      reasons: [{ reason: 'ProgressDeadlineExceeded', message: 'timed out' }],
    });
  });

  it('is degraded when replicas cannot be made at all', () => {
    const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' }];
    expect(workStatus([deployment({ conditions })], [])).toMatchObject({
      phase: 'degraded',
      reasons: [{ reason: 'FailedCreate', message: 'exceeded quota', count: 1 }],
    });
  });

  it('stays applying while pods only start', () => {
    const status = workStatus([deployment({ ...allReady, readyReplicas: 2 })], [waiting('ContainerCreating')]);
    expect(status).toMatchObject({ phase: 'applying', reasons: [{ reason: 'ContainerCreating', count: 1 }] });
  });

  it.each(['ImagePullBackOff', 'ErrImagePull', 'CrashLoopBackOff', 'CreateContainerConfigError'])(
    'is degraded by %s, counted over pods',
    (reason) => {
      const status = workStatus([deployment({ ...allReady, readyReplicas: 1 })], [waiting(reason), waiting(reason)]);
      expect(status).toMatchObject({ phase: 'degraded', reasons: [{ reason, message: `${reason}!`, count: 2 }] });
    },
  );

  it('tells of memory that ran out, from the container before this one', () => {
    const lastState = { terminated: { reason: 'OOMKilled', exitCode: 137 } };
    const status = workStatus([deployment({})], [waiting('CrashLoopBackOff', { lastState, restartCount: 4 })]);
    expect(status.reasons.map((each) => each.reason)).toEqual(['CrashLoopBackOff', 'OOMKilled']);
    expect(status.replicas.restarts).toBe(4);
  });

  it.each<[string, string, JsonObject]>([
    [
      'OOMKilled',
      'exit code 137 of the container itself',
      { containerStatuses: [{ ready: false, state: { terminated: { reason: 'OOMKilled', exitCode: 137 } } }] },
    ],
    [
      'Error',
      'an init container that ends badly',
      {
        initContainerStatuses: [{ ready: false, state: { terminated: { reason: 'Error', exitCode: 1 } } }],
        containerStatuses: [{ ready: false, state: { waiting: { reason: 'PodInitializing' } } }],
      },
    ],
    [
      'Unschedulable',
      'no node',
      {
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' },
        ],
      },
    ],
    ['Evicted', 'a node low on memory', { phase: 'Failed', reason: 'Evicted', message: 'low on memory' }],
    ['DeadlineExceeded', 'activeDeadlineSeconds', { phase: 'Failed', reason: 'DeadlineExceeded' }],
    [
      'RunContainerError',
      'what the runtime refuses',
      {
        containerStatuses: [{ ready: false, state: { waiting: { reason: 'RunContainerError', message: 'no exec' } } }],
      },
    ],
    [
      'NodeStatusUnknown',
      'a node that went silent',
      {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', lastTransitionTime: later }],
        containerStatuses: [{ ready: false, state: { running: { startedAt: podAt } } }],
      },
    ],
  ])('names %s: %s', (reason, _, status) => {
    const hurt = pod({ phase: 'Pending', conditions: notReady(), ...status });
    const { reasons } = workStatus([deployment({ ...allReady, readyReplicas: 2, availableReplicas: 2 })], [hurt]);
    expect(reasons.map((each) => each.reason)).toContain(reason);
  });

  it('is degraded when a pod that had been ready is not any more', () => {
    const running = [{ ready: false, restartCount: 0, state: { running: { startedAt: podAt } } }];
    const lost = pod({ phase: 'Running', conditions: notReady(later), containerStatuses: running });
    expect(workStatus([deployment({ ...allReady, readyReplicas: 2 })], [lost])).toMatchObject({
      phase: 'degraded',
      reasons: [{ reason: 'ContainersNotReady' }],
    });
    const fresh = pod({ phase: 'Running', conditions: notReady(podAt), containerStatuses: running });
    expect(workStatus([deployment({ ...allReady, readyReplicas: 2 })], [fresh]).phase).toBe('applying');
  });

  it('does not count what a leaving pod says', () => {
    const leaving = { ...waiting('CrashLoopBackOff'), deleting: true };
    expect(workStatus([deployment({ ...allReady, replicas: 4 })], [leaving])).toMatchObject({
      phase: 'applying',
      reasons: [],
    });
  });

  it('is failed when a job has given up, ready when it has done its work', () => {
    const job = (type: string, more: JsonObject = {}) =>
      seen({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'once', namespace: 'a', uid: 'j', resourceVersion: '1', generation: 1 },
        spec: { completions: 1 },
        status: { conditions: [{ type, status: 'True', reason: 'BackoffLimitExceeded' }], ...more },
      });
    expect(workStatus([job('Failed')], [])).toMatchObject({
      phase: 'failed',
      reasons: [{ reason: 'BackoffLimitExceeded' }],
    });
    expect(workStatus([job('Complete', { succeeded: 1 })], [])).toMatchObject({
      phase: 'ready',
      replicas: { ready: 1 },
    });
    expect(workStatus([job('Suspended')], []).phase).toBe('applying');
  });

  it('follows a StatefulSet to its last revision', () => {
    const set = (status: JsonObject) =>
      seen({
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'db', namespace: 'a', uid: 's', resourceVersion: '1', generation: 1 },
        spec: { replicas: 2 },
        status: { observedGeneration: 1, replicas: 2, readyReplicas: 2, ...status },
      });
    const updating = { currentRevision: 'a', updateRevision: 'b', updatedReplicas: 1 };
    expect(workStatus([set(updating)], []).phase).toBe('applying');
    expect(workStatus([set({ currentRevision: 'b', updateRevision: 'b' })], []).phase).toBe('ready');
    expect(workStatus([set({ currentRevision: 'b', updateRevision: 'b', readyReplicas: 1 })], []).phase).toBe(
      'applying',
    );
  });

  it('names a Terminating object, and that it is not ready', () => {
    const object = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'a', uid: 'x', resourceVersion: '1', deletionTimestamp: podAt },
    };
    expect(workStatus([seen(object)], [])).toMatchObject({
      phase: 'applying',
      objects: [{ kind: 'Service', ready: false }],
    });
  });
});
