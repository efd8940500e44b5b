import { describe, expect, it } from 'vitest';
import type { Refusal } from '#domain';
import { decide } from '../decide.js';
import type { ClusterState } from '../fleet/cluster-state.js';
import { admit, type ClusterFilter, refuse } from '../plugin.js';
import { defaultPolicy } from '../policy.js';
import type { GroupRequest } from '../request.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, room } from '../testing/fleet.fixture.js';

type Case = [string, Partial<ClusterState>, GroupRequest, Refusal, Partial<ClusterState>];

const web = [aComponent('web')];
const infra = { key: 'infra', value: 'yes', effect: 'NoSchedule' as const };
const soft = { key: 'soft', value: '', effect: 'PreferNoSchedule' as const };
const grpcProbe = { component: 'web', path: 'spec.containers[0].livenessProbe.grpc', kind: 'apps/v1/Deployment' };

const cases: Case[] = [
  ['phase', { phase: 'unreachable' }, aGroup(web), { reason: 'ClusterNotReady', facts: { phase: 'unreachable' } }, {}],
  ['cordon', { cordoned: true }, aGroup(web), { reason: 'Cordoned', facts: {} }, {}],
  ['same member', { sameMemberAs: 'b' }, aGroup(web), { reason: 'SameMember', facts: { cluster: 'b' } }, {}],
  ['name', {}, aGroup(web, { clusters: ['b', 'c'] }), { reason: 'NotNamed', facts: { allowed: 'b, c' } }, {}],
  [
    'region',
    { region: 'us' },
    aGroup(web, { regions: ['eu'] }),
    { reason: 'FieldMismatch', facts: { field: 'region', found: 'us', allowed: 'eu' } },
    { region: 'eu' },
  ],
  [
    'label',
    { labels: { tier: 'iron' } },
    aGroup(web, { labels: { tier: 'gold' } }),
    { reason: 'LabelMismatch', facts: { label: 'tier', wanted: 'gold', found: 'iron' } },
    { labels: { tier: 'gold' } },
  ],
  [
    'taint',
    { taints: [{ key: 'gpu', value: 'a100', effect: 'NoSchedule' }] },
    aGroup(web, { tolerations: [{ key: 'gpu', operator: 'Equal', value: 'h100', effect: '' }] }),
    { reason: 'UntoleratedTaint', facts: { key: 'gpu', value: 'a100', effect: 'NoSchedule' } },
    { taints: [{ key: 'gpu', value: 'h100', effect: 'NoSchedule' }] },
  ],
  [
    'kind',
    { kinds: [] },
    aGroup(web, {}, { kinds: ['apps/v1/Deployment'] }),
    { reason: 'KindNotServed', facts: { kind: 'apps/v1/Deployment', serverVersion: '1.34.0' } },
    {},
  ],
  [
    'schema',
    { schemaId: 'old', serverVersion: '1.20.2' },
    aGroup(web, {}, { mismatches: new Map([['old', [grpcProbe]]]) }),
    { reason: 'SchemaMismatch', facts: { ...grpcProbe, serverVersion: '1.20.2' } },
    {},
  ],
  [
    'sum',
    { reserved: { mcpu: 9500, memoryBytes: 0, pods: 0 } },
    aGroup(web),
    { reason: 'NotEnoughCapacity', facts: { component: 'web', resource: 'mcpu', asked: '1', free: '500m' } },
    {},
  ],
  [
    'node',
    { classes: [{ nodes: 20, free: aPod(500, 2048), architecture: 'amd64', taints: [] }] },
    aGroup(web),
    { reason: 'NoNodeFits', facts: { component: 'web', replicas: '1', askedMcpu: '1', askedMemory: '1Gi' } },
    { classes: [{ nodes: 1, free: aPod(1000, 2048), architecture: 'amd64', taints: [] }] },
  ],
  [
    'node taint',
    {
      classes: [
        { nodes: 1, free: aPod(8000, 8192), architecture: 'amd64', taints: [infra, soft] },
        { nodes: 1, free: aPod(100, 100), architecture: 'amd64', taints: [{ ...infra, key: 'full' }] },
      ],
    },
    aGroup(web),
    {
      reason: 'NoNodeFits',
      facts: { component: 'web', replicas: '1', askedMcpu: '1', askedMemory: '1Gi', taints: 'infra=yes:NoSchedule' },
    },
    {},
  ],
];

describe('a cluster is turned away', () => {
  it.each(cases)('for its %s, and the next one is taken', (_, differs, group, refusal, good) => {
    const { record, placed } = decide(aRequest([group]), fleetOf(aCluster('a', differs), aCluster('b', good)));
    expect(placed).toBe(true);
    const [a, b] = record.groups[0]?.clusters ?? [];
    expect(a).toMatchObject({ outcome: 'refused', refusal });
    expect(b).toMatchObject({ outcome: 'chosen', allotments: { web: 1 } });
  });

  it('by a plug-in through the same interface', () => {
    const residency: ClusterFilter = {
      name: 'DataResidency',
      wakeOn: ['cluster.relabelled'],
      admits: ({ cluster }) => (cluster.region === 'eu' ? admit : refuse('Residency', { allowed: 'eu' })),
    };
    const policy = { ...defaultPolicy, filters: [...defaultPolicy.filters, residency] };
    const decision = decide(aRequest([aGroup(web)]), fleetOf(aCluster('a', { region: 'us' })), policy);
    expect(decision.refused).toEqual([
      {
        components: ['web'],
        refusal: { reason: 'NoClusterFits', facts: { DataResidency: '1' } },
        wakeOn: ['cluster.ready', 'cluster.relabelled'],
      },
    ]);
    expect(decision.record.policyHash).not.toBe(decide(aRequest([]), fleetOf()).record.policyHash);
  });
});

describe('over-subscription', () => {
  it('admits half as much again where that is declared', () => {
    const group = aGroup([aComponent('web', { replicas: 15 })]);
    const overSubscription = { mcpuPermille: 1500, memoryPermille: 1000 };
    expect(decide(aRequest([group]), fleetOf(aCluster('a'))).placed).toBe(false);
    expect(decide(aRequest([group]), fleetOf(aCluster('a', { overSubscription }))).placed).toBe(true);
  });
});

describe('a scorer that answers nonsense', () => {
  it('is held to 0 to 1000', () => {
    const scorers = [Number.NaN, 1e9, -5].map((answer, at) => ({ name: `s${at}`, weight: 1, score: () => answer }));
    const { record } = decide(aRequest([aGroup(web)]), fleetOf(aCluster('a')), { ...defaultPolicy, scorers });
    expect(record.groups[0]?.clusters[0]?.scores.map(({ score }) => score)).toEqual([0, 1000, 0]);
  });
});

describe('tolerations for so many seconds', () => {
  const noon = 1_700_000_000_000;
  const tainted = fleetOf(
    aCluster('a', { taints: [{ key: 'maintenance', value: 'now', effect: 'NoExecute', since: noon }] }),
    aCluster('b', { reserved: room(8, 8, 8) }),
  );
  const web = aComponent('web', { replicas: 2 });
  const toleration = { key: 'maintenance', operator: 'Exists', value: '', effect: 'NoExecute' } as const;

  function place(seconds: number | undefined, afterMs: number, held: readonly string[], replicas = 2) {
    const tolerations = [seconds === undefined ? toleration : { ...toleration, tolerationSeconds: seconds }];
    const component = { ...web, replicas };
    const previous = held.map((cluster) => ({ component: 'web', cluster, replicas: 2, perReplica: web.perReplica }));
    const request = aRequest([aGroup([component], { tolerations })], previous);
    const decision = decide({ ...request, now: noon + afterMs }, tainted);
    const verdict = decision.record.groups[0]?.clusters[0]?.refusal;
    return { at: decision.allotments.map(({ cluster, replicas: count }) => [cluster, count]), refused: verdict?.facts };
  }

  it('let what is there stay as long as they last, and then no longer', () => {
    expect(place(300, 299_999, ['a']).at).toEqual([['a', 2]]);
    expect(place(300, 300_000, ['a'])).toEqual({
      at: [['b', 2]],
      refused: { key: 'maintenance', value: 'now', effect: 'NoExecute', seconds: '300' },
    });
    expect(place(0, 0, ['a']).at).toEqual([['b', 2]]);
  });

  it('bring nothing new there', () => {
    expect(place(300, 0, []).at).toEqual([['b', 2]]);
    expect(place(300, 0, ['a'], 3).at).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
  });

  it('count by the least that matches, though another is for longer or for good', () => {
    const among = (...others: { key: string; tolerationSeconds?: number }[]) => {
      const tolerations = others.map((each) => ({ ...toleration, ...each }));
      const previous = [{ component: 'web', cluster: 'a', replicas: 2, perReplica: web.perReplica }];
      const request = aRequest([aGroup([web], { tolerations })], previous);
      return decide({ ...request, now: noon + 60_000 }, tainted).allotments.map(({ cluster }) => cluster);
    };
    const short = { key: 'maintenance', tolerationSeconds: 10 };
    expect(among(short, { key: 'maintenance', tolerationSeconds: 300 })).toEqual(['b']);
    expect(among({ key: 'maintenance' }, short)).toEqual(['b']);
    expect(among({ key: 'maintenance' }, { key: 'flood', tolerationSeconds: 10 })).toEqual(['a']);
  });

  it('without seconds are for good', () => {
    expect(place(undefined, 10 ** 9, ['a'], 3).at).toEqual([['a', 3]]);
    expect(place(undefined, 0, []).at).toEqual([['a', 2]]);
  });
});
