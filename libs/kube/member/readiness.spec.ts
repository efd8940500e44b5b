import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue, StatusRule } from '#domain';
import { identityOf } from '../client/objects.js';
import { compileRules } from '../rules/status-rules.js';
import { keepPod } from './pods.js';
import { readinessOf } from './readiness.js';
import { workStatus } from './work-status.js';

const time = '2030-01-01T12:05:00Z';
const object = (apiVersion: string, kind: string, parts: JsonObject): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name: 'x', namespace: 'n', uid: 'u', resourceVersion: '1', generation: 1 },
  ...parts,
});
const seen = (apiVersion: string, kind: string, parts: JsonObject, rules: readonly StatusRule[] = []) =>
  readinessOf(object(apiVersion, kind, parts), { apiVersion, kind }, compileRules(rules));

const condition = (type: string, status: string, reason = '', message = ''): JsonObject => ({
  ...{ type, status, reason, message },
  lastTransitionTime: time,
});

describe('what an object says of itself in a few words', () => {
  const three = { replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 };
  it.each<[string, string, string, JsonObject]>([
    ['3/3 ready', 'apps/v1', 'Deployment', { spec: { replicas: 3 }, status: three }],
    ['1/3 ready', 'apps/v1', 'Deployment', { spec: { replicas: 3 }, status: { ...three, readyReplicas: 1 } }],
    ['0/1 ready', 'apps/v1', 'StatefulSet', { spec: {} }],
    [
      '2/4 ready',
      'apps/v1',
      'DaemonSet',
      { status: { desiredNumberScheduled: 4, numberReady: 2, numberAvailable: 2, updatedNumberScheduled: 4 } },
    ],
    ['1/5 done', 'batch/v1', 'Job', { spec: { completions: 5 }, status: { succeeded: 1, active: 2 } }],
    ['failed', 'batch/v1', 'Job', { status: { failed: 7, conditions: [condition('Failed', 'True')] } }],
    ['not run yet', 'batch/v1', 'CronJob', { spec: { schedule: '5 * * * *' }, status: {} }],
    ['last run 2030-01-01 12:05', 'batch/v1', 'CronJob', { status: { lastScheduleTime: time } }],
    [
      'last run 2030-01-01 12:05, 1 running',
      'batch/v1beta1',
      'CronJob',
      { status: { lastScheduleTime: time, active: [{ kind: 'Job' }] } },
    ],
    ['suspended', 'batch/v1', 'CronJob', { spec: { suspend: true } }],
    ['Bound 1Gi', 'v1', 'PersistentVolumeClaim', { status: { phase: 'Bound', capacity: { storage: '1Gi' } } }],
    ['Pending', 'v1', 'PersistentVolumeClaim', { status: { phase: 'Pending' } }],
    ['10.0.0.7:80,443', 'v1', 'Service', { spec: { clusterIP: '10.0.0.7', ports: [{ port: 80 }, { port: 443 }] } }],
    ['headless:5432', 'v1', 'Service', { spec: { clusterIP: 'None', ports: [{ port: 5432 }] } }],
    ['to db.example', 'v1', 'Service', { spec: { type: 'ExternalName', externalName: 'db.example' } }],
    [
      '203.0.113.9:80',
      'v1',
      'Service',
      {
        spec: { type: 'LoadBalancer', clusterIP: '10.0.0.7', ports: [{ port: 80 }] },
        status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } },
      },
    ],
    [
      '10.0.0.7:80, no load balancer yet',
      'v1',
      'Service',
      { spec: { type: 'LoadBalancer', clusterIP: '10.0.0.7', ports: [{ port: 80 }] }, status: { loadBalancer: {} } },
    ],
    [
      'shop.example at lb.example',
      'networking.k8s.io/v1',
      'Ingress',
      {
        spec: { rules: [{ host: 'shop.example' }] },
        status: { loadBalancer: { ingress: [{ hostname: 'lb.example' }] } },
      },
    ],
    [
      'a.example and 1 more, no address yet',
      'networking.k8s.io/v1beta1',
      'Ingress',
      { spec: { rules: [{ host: 'a.example' }, { host: 'b.example' }] } },
    ],
    ['Running', 'v1', 'Pod', { status: { phase: 'Running', conditions: [condition('Ready', 'True')] } }],
    ['', 'v1', 'ConfigMap', { data: { a: '1' } }],
  ])('%s: %s %s', (summary, apiVersion, kind, parts) => {
    expect(seen(apiVersion, kind, parts).summary).toBe(summary);
  });
});

describe('why an object is not as it should be', () => {
  const pulling = {
    phase: 'Pending',
    conditions: [condition('PodScheduled', 'True'), condition('Ready', 'False', 'ContainersNotReady')],
    containerStatuses: [{ ready: false, state: { waiting: { reason: 'ErrImagePull', message: 'not found' } } }],
  };
  it.each<[string, string, string, string, JsonObject]>([
    [
      'ProgressDeadlineExceeded',
      'degraded',
      'apps/v1',
      'Deployment',
      {
        status: { observedGeneration: 1, conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded')] },
      },
    ],
    [
      'FailedCreate',
      'degraded',
      'apps/v1',
      'Deployment',
      { status: { observedGeneration: 1, conditions: [condition('ReplicaFailure', 'True', 'FailedCreate', 'quota')] } },
    ],
    [
      'BackoffLimitExceeded',
      'failed',
      'batch/v1',
      'Job',
      { status: { conditions: [condition('Failed', 'True', 'BackoffLimitExceeded')] } },
    ],
    [
      'DeadlineExceeded',
      'failed',
      'batch/v1',
      'Job',
      { status: { conditions: [condition('Failed', 'True', 'DeadlineExceeded')] } },
    ],
    ['Suspended', 'progressing', 'batch/v1', 'Job', { spec: { suspend: true } }],
    ['VolumePending', 'progressing', 'v1', 'PersistentVolumeClaim', { status: { phase: 'Pending' } }],
    ['VolumeLost', 'degraded', 'v1', 'PersistentVolumeClaim', { status: { phase: 'Lost' } }],
    ['LoadBalancerPending', 'ready', 'v1', 'Service', { spec: { type: 'LoadBalancer', clusterIP: '10.0.0.7' } }],
    ['ErrImagePull', 'degraded', 'v1', 'Pod', { status: pulling }],
    ['Evicted', 'failed', 'v1', 'Pod', { status: { phase: 'Failed', reason: 'Evicted', message: 'low on memory' } }],
    [
      'Unschedulable',
      'degraded',
      'v1',
      'Pod',
      { status: { phase: 'Pending', conditions: [condition('PodScheduled', 'False', 'Unschedulable')] } },
    ],
    ['Terminating', 'progressing', 'v1', 'Service', { metadata: { name: 'x', deletionTimestamp: time } }],
  ])('%s is %s: %s %s', (reason, state, apiVersion, kind, parts) => {
    expect(seen(apiVersion, kind, parts)).toMatchObject({ reason, state });
  });
});

describe('a declared rule', () => {
  const rule: StatusRule = {
    apiVersion: 'example.org/v1',
    kind: 'Database',
    ready: 'object.status.phase == "Running"',
    failed: 'object.status.phase == "Broken"',
    message: 'has(object.status.message) ? object.status.message : ""',
  };
  const database = (status: JsonObject | undefined) =>
    seen('example.org/v1', 'Database', status === undefined ? {} : { status }, [rule]);

  it('says ready, failed, and not yet, with its message', () => {
    expect(database({ phase: 'Running' })).toMatchObject({ state: 'ready', reason: '', summary: 'ready' });
    expect(database({ phase: 'Broken', message: 'disk gone' })).toMatchObject({
      state: 'failed',
      reason: 'DeclaredFailed',
      message: 'disk gone',
    });
    expect(database({ phase: 'Starting', message: '1 of 3 members' })).toMatchObject({
      state: 'progressing',
      reason: 'NotReady',
      summary: '1 of 3 members',
    });
  });

  it('names the expression that cannot be judged, and never calls such an object ready', () => {
    expect(database(undefined)).toMatchObject({
      state: 'progressing',
      reason: 'StatusRuleFailed',
      message: expect.stringContaining('ready: object.status.phase == "Running"'),
    });
    const cut = { ...rule, ready: 'object.status.phase.size()' };
    expect(seen('example.org/v1', 'Database', { status: { phase: 'x' } }, [cut])).toMatchObject({
      state: 'progressing',
      reason: 'StatusRuleFailed',
    });
  });

  it('leaves the counts of a workload as they are', () => {
    const always: StatusRule = { apiVersion: 'apps/v1', kind: 'Deployment', ready: 'true' };
    const parts = { spec: { replicas: 3 }, status: { observedGeneration: 1, updatedReplicas: 2, readyReplicas: 1 } };
    expect(seen('apps/v1', 'Deployment', parts, [always])).toMatchObject({
      state: 'ready',
      replicas: { desired: 3, updated: 2, ready: 1 },
    });
  });

  it('comes before what Berth knows of a kind, and holds for that kind only', () => {
    const strict: StatusRule = { apiVersion: 'v1', kind: 'Service', ready: 'false' };
    expect(seen('v1', 'Service', { spec: {} }, [strict]).state).toBe('progressing');
    expect(seen('v1', 'ConfigMap', {}, [strict]).state).toBe('ready');
  });
});

describe('whatever a cluster answers', () => {
  const key = fc.constantFrom(
    ...'status spec metadata conditions type reason message replicas readyReplicas updatedReplicas phase containerStatuses state waiting terminated lastState restartCount ready exitCode loadBalancer ingress ip ports port generation observedGeneration deletionTimestamp lastScheduleTime active capacity storage __proto__ constructor'.split(
      ' ',
    ),
  );
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom<JsonValue>('True', 'False', 'Ready', 'Failed', time, '', null, true, -1, 1.5, 1e300, 3),
      fc.string(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 8 }),
    ) as fc.Arbitrary<JsonValue>,
  }));
  const kinds = [
    ...['Deployment', 'StatefulSet', 'DaemonSet'].map((kind) => ({ apiVersion: 'apps/v1', kind })),
    ...['Job', 'CronJob'].map((kind) => ({ apiVersion: 'batch/v1', kind })),
    ...['Service', 'Pod', 'PersistentVolumeClaim', 'ConfigMap'].map((kind) => ({ apiVersion: 'v1', kind })),
    { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' },
    { apiVersion: 'example.org/v1', kind: 'Database' },
  ];

  const nasty = fc.constantFrom<JsonValue>(-1, 1.5, 1e300, -1e300, 2 ** 31, null, '3', true, 3);
  const counts = fc.record(
    {
      ...{ replicas: nasty, updatedReplicas: nasty, readyReplicas: nasty, availableReplicas: nasty },
      ...{ desiredNumberScheduled: nasty, updatedNumberScheduled: nasty, numberReady: nasty, succeeded: nasty },
      containerStatuses: fc.array(fc.record({ restartCount: nasty, state: value, lastState: value }), { maxLength: 3 }),
      conditions: value,
    },
    { requiredKeys: [] },
  );
  const shape = fc.record({ spec: fc.record({ replicas: nasty, completions: nasty }), status: counts });
  const anyObject = fc.oneof(fc.dictionary(key, value, { maxKeys: 6 }), shape);

  it('its status can be told: nothing throws, counts are counts, texts are short', () => {
    fc.assert(
      fc.property(anyObject, fc.constantFrom(...kinds), (found, kind) => {
        const parts = found as JsonObject;
        const id = { ...identityOf(parts, kind), uid: 'u' };
        const readiness = readinessOf(parts, kind);
        const { view } = keepPod(parts, id, 'w');
        const owned = {
          ...id,
          ...{ workId: 'w', component: '', generation: '', digest: '', deleting: false, adopted: false, readiness },
        };
        const status = workStatus([owned], view === undefined ? [] : [view]);
        for (const count of Object.values(status.replicas)) {
          expect(Number.isSafeInteger(count)).toBe(true);
          expect(count).toBeGreaterThanOrEqual(0);
          expect(count).toBeLessThan(2 ** 31);
        }
        for (const { reason, message } of status.reasons) {
          expect(reason.length).toBeLessThanOrEqual(100);
          expect(message.length).toBeLessThanOrEqual(500);
        }
        expect(status.objects[0]?.summary.length).toBeLessThanOrEqual(120);
      }),
      { numRuns: 500 },
    );
  });
});
