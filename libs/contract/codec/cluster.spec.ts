import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import { InvalidRequest, noOverSubscription } from '#domain';
import * as wire from '../wire.js';
import { type ClusterView, clusterSettingsFromWire, clusterToWire } from './cluster.js';

const nothing = { mcpu: 0, memoryBytes: 0, pods: 0 };
const quiet: ClusterView = {
  ...{ id: 'alpha', region: 'eu', zone: '', provider: '', labels: {}, taints: [], cordoned: false, version: 1n },
  ...{ overSubscription: noOverSubscription, phase: 'ready', createdAt: '2030-01-01T00:00:00Z', serverVersion: 'v1' },
  ...{ nodes: 1, readyNodes: 1, allocatable: nothing, foreignRequests: nothing, reserved: nothing },
  ...{
    measured: undefined,
    classes: [],
    storageClasses: [],
    kinds: 0,
    servedKinds: [],
    unreflectedWorks: 0,
    reportedAt: null,
  },
  ...{ workSequence: 0n, agent: undefined, conditions: [] },
};
const overTheWire = (view: ClusterView) =>
  fromBinary(wire.ClusterSchema, toBinary(wire.ClusterSchema, clusterToWire(view)));

it('carries what an operator should see to, with its reason and since when', () => {
  const since = '2030-01-02T03:04:05.678Z';
  const { conditions } = overTheWire({
    ...quiet,
    conditions: [
      { type: 'AgentConflict', reason: 'AnotherAgentWaits', message: 'two agents run', since },
      { type: 'SameMember', reason: 'MemberUidShared', message: 'as beta, too', since: new Date(since) },
    ],
  });
  expect(conditions.map(({ type, reason, message }) => ({ type, reason, message }))).toEqual([
    { type: wire.ClusterConditionType.AGENT_CONFLICT, reason: 'AnotherAgentWaits', message: 'two agents run' },
    { type: wire.ClusterConditionType.SAME_MEMBER, reason: 'MemberUidShared', message: 'as beta, too' },
  ]);
  expect(conditions.map(({ sinceTime }) => sinceTime && timestampDate(sinceTime).toISOString())).toEqual([
    since,
    since,
  ]);
  expect(overTheWire(quiet).conditions).toEqual([]);
});

it('carries what a cluster costs, and where its data lies', () => {
  const costs = {
    price: { coreHourMicros: 31_000, gibHourMicros: 0 },
    carbonIntensity: 0,
    jurisdictions: ['ch', 'eu'],
  };
  expect(clusterSettingsFromWire(overTheWire({ ...quiet, ...costs }))).toMatchObject(costs);
  expect(Object.keys(clusterSettingsFromWire(overTheWire(quiet)))).not.toContain('price');
});

it.each([
  [{ price: { coreHourMicros: -1n, gibHourMicros: 0n } }, 'cluster.price.core_hour_micros'],
  [{ price: { coreHourMicros: 0n, gibHourMicros: 2n ** 62n } }, 'cluster.price.gib_hour_micros'],
  [{ carbonIntensity: -5 }, 'cluster.carbon_intensity'],
  [{ jurisdictions: ['eu', ''] }, 'cluster.jurisdictions[1]'],
  [{ jurisdictions: Array.from({ length: 33 }, (_, at) => `j${at}`) }, 'cluster.jurisdictions'],
])('refuses %o by its field', (wrong, field) => {
  try {
    clusterSettingsFromWire(create(wire.ClusterSchema, wrong));
    expect.fail('was taken');
  } catch (error) {
    if (!(error instanceof InvalidRequest)) throw error;
    expect(error.fieldViolations.map((each) => each.field)).toEqual([field]);
  }
});

it('says where the agent runs and when it was heard', () => {
  const agent = {
    ...{ epoch: 3n, version: '1', connected: true, leaseExpiresAt: null, certificateExpiresAt: null },
    ...{ appliedWorkSequence: 0n, heardAt: '2030-01-01T00:00:09Z', hostName: 'rack-1' },
  };
  const read = overTheWire({ ...quiet, agent }).agent;
  expect(read?.hostName).toBe('rack-1');
  expect(read?.heardTime && timestampDate(read.heardTime).toISOString()).toBe('2030-01-01T00:00:09.000Z');
});
