import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ApplicationSpec, PlacementPolicy } from '#domain';
import { defaultPolicy, type EnginePolicy } from '#placement';
import { updateQuota } from '#store';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer, aReaper, aSweeper } from './placers.js';
import { type ClusterFixture, component, gibi, Scenario, spec } from './scenario.js';

let database: TestDatabase;
let scenario: Scenario;

beforeEach(async () => {
  database = await startTestDatabase();
  scenario = new Scenario(database);
  await scenario.tenancy();
});
afterEach(() => database.close());

/** Filters as they are, and how often the engine asked any of them. */
function countingPolicy(): { policy: EnginePolicy; asked: () => number } {
  let asked = 0;
  const filters = defaultPolicy.filters.map((filter) => ({
    ...filter,
    admits: (at: Parameters<typeof filter.admits>[0]) => {
      asked += 1;
      return filter.admits(at);
    },
  }));
  return { policy: { ...defaultPolicy, filters }, asked: () => asked };
}

const reasonOf = async (application: string): Promise<string | undefined> => {
  const [release] = await database.query<{ reason: string }>(
    `SELECT refusals->0->>'reason' AS reason FROM releases WHERE application_id = $1 ORDER BY number DESC LIMIT 1`,
    [application],
  );
  return release?.reason;
};

const clusters = (set: string, where = 'true') => `UPDATE clusters SET ${set} WHERE ${where}`;
const capacity = (set: string, where = 'true') => `UPDATE cluster_capacity SET ${set} WHERE ${where}`;
const classes = (mcpu: number, differs: object = {}) => {
  const free = { mcpu, memoryBytes: 4 * gibi, pods: 100 };
  return `'${JSON.stringify([{ nodes: 4, free, architecture: 'amd64', taints: [], ...differs }])}'`;
};
const tainted = (...keys: string[]) => keys.map((key) => ({ key, value: '', effect: 'NoSchedule' }));
const taints = (...keys: string[]) => `taints = '${JSON.stringify(tainted(...keys))}'`;
const member = (uid: string, where = 'true') => `UPDATE cluster_agents SET member_uid = '${uid}' WHERE ${where}`;

interface Refused {
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

const web = (policy: Partial<PlacementPolicy> = {}, differs: Parameters<typeof component>[1] = {}) =>
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

const refused: Record<string, Refused> = {
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

describe('waking', () => {
  it.each(Object.entries(refused))(
    '%s: places by itself what was refused, when the reason goes and not before',
    async (_, c) => {
      for (const [id, fixture] of Object.entries(c.fleet)) await scenario.cluster(id, fixture);
      if (c.given !== undefined) await database.query(c.given);
      const { placer, count } = await aPlacer(database, 's1');
      await placer.refresh();
      if (c.before !== undefined) {
        await scenario.apply('front', c.before);
        expect(await placer.round()).toMatchObject({ taken: 1, placed: 1 });
      }
      await scenario.apply('front', c.asks);
      expect(await placer.round()).toMatchObject({ taken: 1, refused: 1 });
      const reasons = await database.query<{ reason: string }>(
        `SELECT unnest(x->>'reason' || ARRAY(SELECT jsonb_object_keys(x->'facts'))) AS reason
         FROM releases, jsonb_array_elements(refusals) x`,
      );
      expect(reasons.map(({ reason }) => reason)).toContain(c.reason);
      const all = [...Object.keys(c.fleet), 'south'];
      const follow = async (change: string, heard: readonly string[] = all) => {
        if (/^(UPDATE|DELETE)/.test(change)) await database.query(change);
        else if (change.startsWith('a cluster')) await scenario.cluster('south');
        else {
          await scenario.apply('db', spec([component('store')]));
          expect(await placer.round()).toMatchObject({ taken: 1, placed: 1 });
        }
        for (const id of heard) placer.touch(id);
        await placer.refresh();
        return placer.round();
      };
      expect(await follow(c.useless)).toMatchObject({ taken: 0 });
      expect(await count('berth_scheduler_woken_total')).toBe(0);
      expect(await follow(c.cure, c.heard)).toMatchObject({ taken: 1, placed: 1 });
      expect(await scenario.violations()).toEqual([]);
    },
  );

  it('names every filter of the engine', () => {
    const named = Object.keys(refused).map((name) => name.split(/[ ,]/)[0]);
    for (const { name } of defaultPolicy.filters) expect(named).toContain(name);
  });

  describe('for quota', () => {
    const twice = spec([component('web', { mcpu: 600 })], { division: 'duplicated', minClusters: 2, maxClusters: 2 });
    const tight = { tenant: 'acme', project: 'tight' };

    /** Refused, 200m short of what it needs where it would be placed. */
    async function short() {
      await scenario.tenancy('acme', 'tight', 'production', { mcpu: 1600 });
      await scenario.cluster('north');
      await scenario.cluster('south');
      const tested = await aPlacer(database, 's1');
      await tested.placer.refresh();
      await scenario.apply('other', web({}, { mcpu: 600 }), tight);
      await tested.placer.round();
      await scenario.apply('wide', twice, tight);
      expect(await tested.placer.round()).toMatchObject({ refused: 1 });
      expect(await reasonOf('wide')).toBe('QuotaExceeded');
      await database.query('DELETE FROM outbox');
      return tested.placer;
    }
    const setQuota = async (mcpu: number | undefined) => {
      const gateway = await database.connect('berth_gateway', { poolSize: 2 });
      const quota = { mcpu, memoryBytes: undefined, pods: undefined };
      await gateway.unitOfWork.run({ kind: 'operator', actor: 'test' }, (tx) => updateQuota(tx, tight, quota));
    };
    const announced = () => database.query(`SELECT tenant_id, resource FROM outbox WHERE kind = 'release'`);

    it.each([1800, undefined])(
      'wakes at once what a quota of %s lets in, and a scheduler hears of it',
      async (enough) => {
        const placer = await short();
        await setQuota(1799);
        expect(await announced()).toEqual([]);
        expect(await placer.round()).toMatchObject({ taken: 0 });
        await setQuota(enough);
        expect(await announced()).toEqual([{ tenant_id: 'acme', resource: 'tight/production/2' }]);
        expect(await placer.round()).toMatchObject({ taken: 1, placed: 1 });
      },
    );

    it('wakes what the charge of a removed release makes room for', async () => {
      const placer = await short();
      const reaper = await aReaper(database, 's1');
      await scenario.remove('other');
      const isDone = async () => (await scenario.phases()).other === 'removed';
      for (let round = 0; round < 20 && !(await isDone()); round++) {
        expect(await scenario.phases()).toMatchObject({ wide: 'refused' });
        await reaper.round();
        await scenario.report();
      }
      expect(await scenario.phases()).toMatchObject({ other: 'removed', wide: 'waiting' });
      await placer.refresh();
      expect(await placer.round()).toMatchObject({ taken: 1, placed: 1 });
      expect(await scenario.violations()).toEqual([]);
    });

    it('wakes none of another project', async () => {
      await short();
      const gateway = await database.connect('berth_gateway', { poolSize: 2 });
      const quota = { mcpu: undefined, memoryBytes: undefined, pods: undefined };
      const shop = { tenant: 'acme', project: 'shop' };
      await gateway.unitOfWork.run({ kind: 'operator', actor: 'test' }, (tx) => updateQuota(tx, shop, quota));
      expect(await announced()).toEqual([]);
      expect(await scenario.phases()).toMatchObject({ wide: 'refused' });
    });
  });

  it('asks the engine nothing and reads the backlog alone while 10,000 are refused and nothing changes', async () => {
    await scenario.cluster('north', { cores: 1 });
    await scenario.apply('huge', web({}, { mcpu: 2000 }));
    const { policy, asked } = countingPolicy();
    const { placer, store } = await aPlacer(database, 's1', 50, policy);
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ refused: 1 });
    expect(asked()).toBeGreaterThan(0);
    await database.query(
      `INSERT INTO releases (tenant_id, project_id, environment_id, number, application_id, application_uid, revision,
         config_version, author, phase, refusals, wake_on, deadline)
       SELECT tenant_id, project_id, environment_id, 1000 + i, application_id || i, gen_random_uuid(), revision,
         config_version, author, phase, refusals, wake_on, deadline
       FROM releases CROSS JOIN generate_series(1, 9999) i WHERE application_id = 'huge'`,
    );
    const before = asked();
    const read = vi.spyOn(store.unitOfWork, 'read');
    const run = vi.spyOn(store.unitOfWork, 'run');
    for (let scan = 0; scan < 30; scan++) {
      await placer.refresh(7n);
      expect(await placer.round()).toMatchObject({ taken: 0 });
    }
    expect([asked() - before, run.mock.calls.length, read.mock.calls.length]).toEqual([0, 0, 30]);
    const sweeper = await aSweeper(database, 's1');
    expect(await sweeper.round()).toBe(0);
    // What the deadline of ten minutes costs when all of it falls due at once: bounded batches.
    await database.query(`UPDATE releases SET deadline = clock_timestamp() - interval '1 second'`);
    expect(await sweeper.round()).toBe(500);
    expect(await database.query(`SELECT FROM releases WHERE phase = 'waiting'`)).toHaveLength(500);
  });
});
