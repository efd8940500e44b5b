import { describe, expect, it } from 'vitest';
import { noOverSubscription, noResources } from '#domain';
import type { ClusterState, FleetChange } from '#placement';
import { changesBetween } from './changes.js';

const state = (differs: Partial<ClusterState> = {}): ClusterState => ({
  id: 'north',
  region: 'eu',
  zone: '',
  provider: '',
  labels: {},
  taints: [],
  cordoned: false,
  phase: 'ready',
  serverVersion: '1.34.0',
  nodes: 3,
  allocatable: { mcpu: 1000, memoryBytes: 1000, pods: 10 },
  foreignRequests: noResources,
  reserved: noResources,
  overSubscription: noOverSubscription,
  measured: undefined,
  measureFresh: false,
  classes: [{ nodes: 3, free: { mcpu: 300, memoryBytes: 300, pods: 3 }, architecture: 'amd64', taints: [] }],
  kinds: ['apps/v1/Deployment'],
  schemaId: 's',
  version: 0n,
  ...differs,
});
const shape = { free: { mcpu: 300, memoryBytes: 300, pods: 3 }, architecture: 'amd64', taints: [] };
const small = { perReplica: { mcpu: 100, memoryBytes: 100, pods: 1 }, replicas: 1 };
const taint = { key: 'k', value: 'v', effect: 'NoSchedule' as const };

describe('changesBetween', () => {
  const cases: [string, Partial<ClusterState>, Partial<ClusterState>, FleetChange[]][] = [
    ['nothing', {}, {}, []],
    ['a label', {}, { labels: { tier: 'gold' } }, ['cluster.relabelled']],
    ['a region', {}, { region: 'us' }, ['cluster.relabelled']],
    ['labels of nodes told', {}, { labelKeys: ['disk'] }, ['cluster.capacity']],
    ['fewer labels told', { labelKeys: ['disk', 'rack'] }, { labelKeys: ['disk'] }, []],
    [
      'a node with another label',
      {},
      { classes: [{ ...shape, nodes: 3, labels: { disk: 'tape' } }] },
      ['cluster.capacity'],
    ],
    ['a taint gone', { taints: [taint] }, {}, ['cluster.tainted']],
    ['one taint more', {}, { taints: [taint] }, []],
    ['uncordoned', { cordoned: true }, {}, ['cluster.uncordoned']],
    ['no double any more', { sameMemberAs: 'south' }, {}, ['cluster.uncordoned']],
    ['a double', {}, { sameMemberAs: 'south' }, []],
    ['cordoned', {}, { cordoned: true }, []],
    ['ready again', { phase: 'unreachable' }, {}, ['cluster.ready']],
    ['no longer ready', {}, { phase: 'unreachable' }, []],
    ['more to allocate', {}, { allocatable: { mcpu: 2000, memoryBytes: 1000, pods: 10 } }, ['cluster.capacity']],
    ['less to allocate', {}, { allocatable: { mcpu: 500, memoryBytes: 1000, pods: 10 } }, []],
    ['less reserved', { reserved: { mcpu: 100, memoryBytes: 0, pods: 1 } }, {}, ['cluster.capacity']],
    ['more reserved', {}, { reserved: { mcpu: 100, memoryBytes: 0, pods: 1 } }, []],
    [
      'another over-subscription',
      {},
      { overSubscription: { mcpuPermille: 1500, memoryPermille: 1000 } },
      ['cluster.capacity'],
    ],
    [
      'an emptier node',
      {},
      {
        classes: [
          { ...shape, nodes: 2 },
          { ...shape, nodes: 1, free: { mcpu: 900, memoryBytes: 300, pods: 3 } },
        ],
      },
      ['cluster.capacity'],
    ],
    [
      'a node that filled up',
      {},
      {
        classes: [
          { ...shape, nodes: 2 },
          { ...shape, nodes: 1, free: { mcpu: 200, memoryBytes: 300, pods: 2 } },
        ],
      },
      [],
    ],
    ['fewer such nodes', {}, { classes: [{ ...shape, nodes: 2 }] }, []],
    ['fewer pods on their way', { unreflected: [small] }, {}, ['cluster.capacity']],
    ['more pods on their way', {}, { unreflected: [small] }, []],
    ['another kind', {}, { kinds: ['apps/v1/Deployment', 'batch/v1/Job'] }, ['cluster.schema']],
    ['a measure', {}, { measured: { mcpu: 1, memoryBytes: 1 }, measureFresh: true }, ['cluster.headroom']],
    [
      'a higher measure',
      { measured: { mcpu: 1, memoryBytes: 1 }, measureFresh: true },
      { measured: { mcpu: 9, memoryBytes: 1 }, measureFresh: true },
      [],
    ],
  ];
  it.each(cases)('%s', (_, before, after, expected) => {
    expect(changesBetween(state(before), state(after))).toEqual(expected);
  });

  it('tells a new cluster, and whether it can be used', () => {
    expect(changesBetween(undefined, state())).toEqual(['cluster.registered', 'cluster.ready']);
    expect(changesBetween(undefined, state({ phase: 'pending' }))).toEqual(['cluster.registered']);
  });
});
