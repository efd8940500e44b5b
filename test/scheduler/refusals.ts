import type { ApplicationSpec, PlacementPolicy } from '#domain';
import { type ClusterFixture, component, gibi, type Scenario, spec } from './scenario.js';

const clusters = (set: string, where = 'true') => `UPDATE clusters SET ${set} WHERE ${where}`;
const capacity = (set: string, where = 'true') => `UPDATE cluster_capacity SET ${set} WHERE ${where}`;
const classes = (mcpu: number, differs: object = {}) => {
  const free = { mcpu, memoryBytes: 4 * gibi, pods: 100 };
  return `'${JSON.stringify([{ nodes: 4, free, architecture: 'amd64', taints: [], ...differs }])}'`;
};
const tainted = (...keys: string[]) => keys.map((key) => ({ key, value: '', effect: 'NoSchedule' }));
const taints = (...keys: string[]) => `taints = '${JSON.stringify(tainted(...keys))}'`;
const member = (uid: string, where = 'true') => `UPDATE cluster_agents SET member_uid = '${uid}' WHERE ${where}`;

/** A release that is refused, and what takes the reason away. */
export interface Refused {
  fleet: Record<string, ClusterFixture>;
  /** Before the first decision. */
  given?: string;
  /** What is placed before it, as an earlier revision of the same application. */
  before?: ApplicationSpec;
  asks: ApplicationSpec;
  reason: string;
  /** Changes nothing of the reason, and must not be followed by a decision. */
  useless: string;
  cure: string;
  /** Clusters that the cure is announced for; all of them when not said. */
  heard?: readonly string[];
}

export const web = (policy: Partial<PlacementPolicy> = {}, differs: Parameters<typeof component>[1] = {}) =>
  spec([component('web', differs)], policy);
const one = { north: {} };
const two = { north: {}, south: {} };
const selecting = component('web', {
  workloadExtra: { metadata: {}, spec: {}, podMetadata: {}, podSpec: { nodeSelector: { disk: 'ssd' } } },
});
const withData = (replicas: number) =>
  component('web', {
    kind: 'stateful-service',
    replicas,
    workloadExtra: {
      ...{ metadata: {}, podMetadata: {}, podSpec: {} },
      spec: { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { storageClassName: 'fast' } }] },
    },
  });
const fast = `storage_classes = '${JSON.stringify([{ name: 'fast', provisioner: 'p', isDefault: false, waitsForConsumer: false }])}'`;
const regions = [{ by: 'region', minDomains: 2, maxDomains: 0, maxSkew: 1 }];
const eu = { clusters: [], regions: ['eu'], zones: [], providers: [], labels: {} };
const relabel = clusters(`labels = '{"other": "label"}'`);
const smaller = capacity('allocatable_mcpu = allocatable_mcpu - 100');

/** Every kind of refusal, by the filter that refuses or what else does. */
export const refused: Record<string, Refused> = {
  ClusterReady: {
    fleet: { north: { phase: 'unreachable' } },
    asks: web(),
    reason: 'ClusterNotReady',
    useless: relabel,
    cure: clusters(`phase = 'ready'`),
  },
  Cordon: {
    fleet: { north: { cordoned: true } },
    asks: web(),
    reason: 'Cordoned',
    useless: relabel,
    cure: clusters('cordoned = false'),
  },
  'SameMember, another one since': {
    fleet: two,
    given: member('twin'),
    asks: web({ clusters: ['south'] }),
    reason: 'SameMember',
    useless: relabel,
    cure: member('other', `cluster_id = 'south'`),
  },
  'SameMember, the first removed': {
    fleet: two,
    given: member('twin'),
    asks: web({ clusters: ['south'] }),
    reason: 'SameMember',
    useless: clusters(taints('full'), `id = 'north'`),
    cure: `DELETE FROM clusters WHERE id = 'north'`,
    heard: ['north'],
  },
  Names: {
    fleet: one,
    asks: web({ clusters: ['south'] }),
    reason: 'NotNamed',
    useless: relabel,
    cure: 'a cluster "south" is registered',
  },
  Fields: {
    fleet: one,
    asks: web({ regions: ['us'] }),
    reason: 'FieldMismatch',
    useless: capacity('allocatable_mcpu = 20000'),
    cure: clusters(`region = 'us'`),
  },
  Labels: {
    fleet: one,
    asks: web({ labels: { tier: 'gold' } }),
    reason: 'LabelMismatch',
    useless: clusters(taints('full')),
    cure: clusters(`labels = '{"tier": "gold"}', taints = '[]'`),
  },
  Residency: {
    fleet: one,
    asks: web({ residency: ['eu'] }),
    reason: 'NotResident',
    useless: smaller,
    cure: clusters(`jurisdictions = '{eu}'`),
  },
  'Price unknown': {
    fleet: one,
    asks: web({ maxPriceMicros: 20_000 }),
    reason: 'NoPrice',
    useless: smaller,
    cure: clusters('core_hour_micros = 1000, gib_hour_micros = 1000'),
  },
  'Price too high': {
    fleet: one,
    given: clusters('core_hour_micros = 900000, gib_hour_micros = 0'),
    asks: web({ maxPriceMicros: 20_000 }),
    reason: 'TooExpensive',
    useless: smaller,
    cure: clusters('core_hour_micros = 30000'),
  },
  Groups: {
    fleet: { north: { region: 'us' } },
    asks: web({ clusterGroups: [eu] }),
    reason: 'InNoGroup',
    useless: smaller,
    cure: clusters(`region = 'eu'`),
  },
  Domains: {
    fleet: { north: { region: '' } },
    asks: web({ spread: [{ by: 'region', minDomains: 1, maxDomains: 0, maxSkew: 1 }] }),
    reason: 'NoDomain',
    useless: smaller,
    cure: clusters(`region = 'eu'`),
  },
  Taints: {
    fleet: one,
    given: clusters(taints('full')),
    asks: web(),
    reason: 'UntoleratedTaint',
    useless: clusters(taints('full', 'old')),
    cure: clusters(taints()),
  },
  'ApiSupport, kind': {
    fleet: one,
    given: capacity(`kinds = '{v1/Namespace}'`),
    asks: web(),
    reason: 'KindNotServed',
    useless: relabel,
    cure: capacity(`kinds = '{v1/Namespace,apps/v1/Deployment}'`),
  },
  'ApiSupport, field': {
    fleet: { north: { schema: { digest: 'old', content: { 'apps/v1/Deployment': { spec: { replicas: true } } } } } },
    asks: web(),
    reason: 'SchemaMismatch',
    useless: relabel,
    cure: capacity(`schema_digest = ''`),
  },
  StorageClasses: {
    fleet: one,
    asks: spec([withData(1)]),
    reason: 'NoStorageClass',
    useless: relabel,
    cure: capacity(fast),
  },
  VolumeData: {
    fleet: { north: { cores: 1 }, south: {} },
    given: capacity(fast),
    before: spec([withData(1)], { clusters: ['north'] }),
    asks: spec([withData(4)]),
    reason: 'VolumeData',
    useless: relabel,
    cure: capacity('allocatable_mcpu = 4000', `cluster_id = 'north'`),
  },
  Affinity: {
    fleet: two,
    asks: web({ affinity: [{ application: 'db', component: '', by: 'cluster', apart: false, preferred: false }] }),
    reason: 'NotNear',
    useless: smaller,
    cure: 'an application "db" is placed',
  },
  'NodeLabels, no such node': {
    fleet: { north: { nodes: 4 } },
    given: capacity(`classes = ${classes(2500, { labels: { disk: 'tape' } })}, label_keys = '{disk}'`),
    asks: spec([selecting]),
    reason: 'NoNodeMatches',
    useless: relabel,
    cure: capacity(`classes = ${classes(2500, { labels: { disk: 'ssd' } })}`),
  },
  'NodeLabels, not told': {
    fleet: { north: { nodes: 4 } },
    given: capacity(`label_keys = '{}'`),
    asks: spec([selecting]),
    reason: 'NodeLabelsUnknown',
    useless: relabel,
    cure: capacity(`classes = ${classes(2500, { labels: { disk: 'ssd' } })}, label_keys = '{disk}'`),
  },
  'MeasuredHeadroom, none left': {
    fleet: { north: { cores: 4 } },
    given: capacity('measured_mcpu = 3000, measured_memory_bytes = 1, measured_at = clock_timestamp()'),
    asks: { ...web({}, { mcpu: 2000 }), tier: 'best-effort' },
    reason: 'NoMeasuredHeadroom',
    useless: capacity('measured_mcpu = 3100'),
    cure: capacity('measured_mcpu = 1000'),
  },
  'MeasuredHeadroom, stale': {
    fleet: { north: { cores: 4 } },
    given: capacity(
      `measured_mcpu = 1, measured_memory_bytes = 1, measured_at = clock_timestamp() - interval '1 hour'`,
    ),
    asks: { ...web({}, { mcpu: 2000 }), tier: 'best-effort' },
    reason: 'NoMeasuredHeadroom',
    useless: smaller,
    cure: capacity('measured_at = clock_timestamp()'),
  },
  'Capacity by sum': {
    fleet: { north: { cores: 1 } },
    asks: web({}, { mcpu: 2000 }),
    reason: 'NotEnoughCapacity',
    useless: smaller,
    cure: capacity('allocatable_mcpu = 4000'),
  },
  'Capacity by sum, over-subscribed': {
    fleet: { north: { cores: 1 } },
    asks: web({}, { mcpu: 2000 }),
    reason: 'NotEnoughCapacity',
    useless: relabel,
    cure: clusters('oversubscribe_mcpu_permille = 2500'),
  },
  'Capacity by node': {
    fleet: { north: { cores: 4, nodes: 4 } },
    asks: web({}, { mcpu: 2000 }),
    reason: 'NoNodeFits',
    useless: capacity(`classes = ${classes(900)}`),
    cure: capacity(`classes = ${classes(2500)}, allocatable_mcpu = 10000`),
  },
  'Capacity by node, tainted': {
    fleet: { north: { cores: 10, nodes: 4 } },
    given: capacity(`classes = ${classes(2500, { taints: tainted('gpu') })}`),
    asks: web(),
    reason: 'NoNodeFits',
    useless: relabel,
    cure: capacity(`classes = ${classes(2500)}`),
  },
  TooFewClusters: {
    fleet: { north: {}, south: { cordoned: true } },
    asks: web({ minClusters: 2 }, { replicas: 2 }),
    reason: 'TooFewClusters',
    useless: relabel,
    cure: clusters('cordoned = false'),
  },
  TooFewDomains: {
    fleet: two,
    asks: web({ spread: regions }, { replicas: 2 }),
    reason: 'TooFewDomains',
    useless: smaller,
    cure: clusters(`region = 'us'`, `id = 'south'`),
  },
  SpreadNotMet: {
    fleet: { north: {}, south: { region: 'us', cores: 1 } },
    asks: web({ spread: regions }, { replicas: 4, mcpu: 900 }),
    reason: 'SpreadNotMet',
    useless: smaller,
    cure: capacity('allocatable_mcpu = 4000', `cluster_id = 'south'`),
  },
  'all replicas': {
    fleet: { north: { cores: 2 } },
    asks: web({}, { replicas: 4, mcpu: 1000 }),
    reason: 'NotEnoughCapacity',
    useless: relabel,
    cure: capacity('allocatable_mcpu = 4000'),
  },
  PlacedTogether: {
    fleet: one,
    asks: spec([component('web'), component('huge', { mcpu: 20_000 })]),
    reason: 'NotEnoughCapacity',
    useless: relabel,
    cure: capacity('allocatable_mcpu = 40000'),
  },
};

/** Changes the fleet as operators, agents and other tenants do, and announces it for these clusters. */
export async function follow(scenario: Scenario, change: string, heard: readonly string[]): Promise<void> {
  if (change.startsWith('a cluster')) await scenario.cluster('south');
  else if (change.startsWith('an application')) await scenario.apply('db', spec([component('store')]));
  else {
    await scenario.database.query(change);
    for (const id of heard) await scenario.announce('cluster', id);
  }
}

/** Takes the reason away. */
export const cure = (scenario: Scenario, { cure: change, fleet, heard = Object.keys(fleet) }: Refused): Promise<void> =>
  follow(scenario, change, heard);
