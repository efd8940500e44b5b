import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requestOf } from '#decision';
import { decide, Snapshot } from '#placement';
import { placementStore } from '#store';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer } from './placers.js';
import { component, Scenario, spec } from './scenario.js';

let database: TestDatabase;
let scenario: Scenario;

beforeEach(async () => {
  database = await startTestDatabase();
  scenario = new Scenario(database);
  await scenario.tenancy();
});
afterEach(() => database.close());

describe('placing', () => {
  it('places every component in a cluster, with reservation, work, record, audit and announcement', async () => {
    await scenario.cluster('north');
    await scenario.apply('front', spec([component('web', { replicas: 3 })]));
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ taken: 1, placed: 1, stale: 0 });
    expect(await scenario.phases()).toEqual({ front: 'placed' });
    const [work] = await database.query<{ kinds: string[]; sequence: string; generation: string }>(
      `SELECT sequence::text, generation::text, ARRAY(SELECT x->>'kind' FROM jsonb_array_elements(manifests) x) AS kinds FROM works`,
    );
    expect(work).toEqual({ sequence: '1', generation: '1', kinds: ['Namespace', 'Deployment'] });
    expect(
      await database.query('SELECT reserved_mcpu::int AS mcpu, reserved_pods::int AS pods FROM cluster_capacity'),
    ).toEqual([{ mcpu: 1500, pods: 3 }]);
    const [counts] = await database.query(`SELECT (SELECT count(*)::int FROM decisions) AS decisions,
      (SELECT count(*)::int FROM audit WHERE action = 'placement.commit') AS audit,
      (SELECT count(*)::int FROM outbox WHERE kind IN ('work', 'application')) AS outbox`);
    expect(counts).toEqual({ decisions: 1, audit: 1, outbox: 2 });
    expect(await scenario.violations()).toEqual([]);
  });

  it('refuses what fits nowhere, says why for each cluster, and takes no other with it', async () => {
    await scenario.cluster('north', { cores: 1 });
    await scenario.cluster('south', { cores: 1 });
    await scenario.cluster('west', { cordoned: true });
    await scenario.apply('huge', spec([component('web', { replicas: 3, mcpu: 2000 })]));
    await scenario.apply('small', spec([component('api', { mcpu: 100 })]));
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ taken: 2, placed: 1, refused: 1 });
    expect(await scenario.phases()).toEqual({ huge: 'refused', small: 'placed' });
    const [refused] = await database.query<{
      refusals: { message: string; reason: string; component: string }[];
      wake_on: string[];
    }>(`SELECT refusals, wake_on FROM releases WHERE application_id = 'huge'`);
    expect(refused?.refusals[0]).toMatchObject({ component: 'web', reason: 'NoClusterFits' });
    expect(refused?.refusals[0]?.message).toBe('no cluster fits 3 × web: 2 lack cpu (web needs 2), 1 is cordoned');
    expect(refused?.wake_on).toContain('cluster.capacity');
  });

  it('wakes a refused release for a change that could help it, and for no other', async () => {
    await scenario.cluster('north', { cores: 1 });
    await scenario.apply('huge', spec([component('web', { mcpu: 2000 })]));
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    await placer.round();
    await database.query(`UPDATE clusters SET labels = '{"tier": "gold"}'`);
    placer.touch('north');
    await placer.refresh();
    expect(await scenario.phases()).toEqual({ huge: 'refused' });
    await database.query('UPDATE cluster_capacity SET allocatable_mcpu = 4000');
    placer.touch('north');
    await placer.refresh();
    expect(await scenario.phases()).toEqual({ huge: 'waiting' });
    await placer.round();
    expect(await scenario.phases()).toEqual({ huge: 'placed' });
  });

  it('places nothing new on a member that was registered before under another name, until that one is gone', async () => {
    await scenario.cluster('second', { cores: 100 });
    await scenario.cluster('first', { cordoned: true });
    await database.query(`UPDATE clusters SET created_at = clock_timestamp() - interval '1 hour' WHERE id = 'first'`);
    await database.query(
      `INSERT INTO cluster_agents (cluster_id, member_uid) VALUES ('first', 'one-uid'), ('second', 'one-uid')
       ON CONFLICT (cluster_id) DO UPDATE SET member_uid = excluded.member_uid`,
    );
    await scenario.apply('front', spec([component('web')]));
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ taken: 1, refused: 1 });
    const [refused] = await database.query<{ message: string }>(
      `SELECT refusals->0->>'message' AS message FROM releases`,
    );
    expect(refused?.message).toContain('1 is the same Kubernetes cluster as first, which was registered earlier');
    await database.query(`DELETE FROM clusters WHERE id = 'first'`);
    placer.touch('first');
    placer.touch('second');
    await placer.refresh();
    expect((await placer.round()).placed).toBe(1);
    expect(await scenario.phases()).toEqual({ front: 'placed' });
  });

  it('wakes what waits for a price, a law or a region as soon as the operator says so', async () => {
    await scenario.cluster('north', { region: 'eu' });
    await scenario.cluster('south', { region: '' });
    const spread = [{ by: 'region', minDomains: 2, maxDomains: 0, maxSkew: 1 }];
    await scenario.apply('cheap', spec([component('web')], { maxPriceMicros: 20_000 }));
    await scenario.apply('lawful', spec([component('web')], { residency: ['eu'] }));
    await scenario.apply('wide', spec([component('web', { replicas: 2 })], { spread }));
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ taken: 3, placed: 0, refused: 3 });
    const refused = await database.query<{ message: string }>(
      `SELECT refusals->0->>'message' AS message FROM releases ORDER BY application_id`,
    );
    expect(refused.map(({ message }) => message)).toEqual([
      'no cluster fits 1 × web: 2 have no price that is known',
      'no cluster fits 1 × web: 2 are of no jurisdiction that is known (allowed: eu)',
      '2 × web cannot be placed: 2 domains by region are needed, 1 could take it (eu); 1 cluster is eligible; of the others 1 has no region to be spread by',
    ]);
    for (const [application, change] of [
      ['cheap', `core_hour_micros = 30000, gib_hour_micros = 4000`],
      ['lawful', `jurisdictions = '{eu}'`],
      ['wide', `region = 'us'`],
    ] as const) {
      await database.query(`UPDATE clusters SET ${change} WHERE id = 'south'`);
      placer.touch('south');
      await placer.refresh();
      expect((await placer.round()).placed).toBe(1);
      expect((await scenario.phases())[application]).toBe('placed');
    }
    expect(await scenario.violations()).toEqual([]);
  });

  it('keeps a component where it is, in the same work one generation on, and drops what the new release leaves out', async () => {
    await scenario.cluster('north');
    await scenario.cluster('south');
    await scenario.apply('front', spec([component('web', { replicas: 2 }), component('old')]));
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    await placer.round();
    const before = await database.query<{ id: string; cluster_id: string }>(
      `SELECT id, cluster_id FROM works WHERE component = 'web' ORDER BY cluster_id`,
    );
    await scenario.apply('front', spec([component('web', { replicas: 2, mcpu: 600 })]));
    await placer.round();
    expect(await scenario.phases()).toEqual({ front: 'placed' });
    expect(
      await database.query(
        `SELECT id, cluster_id FROM works WHERE component = 'web' AND wanted AND generation = 2 ORDER BY cluster_id`,
      ),
    ).toEqual(before);
    expect(
      await database.query(`SELECT w.wanted, w.manifests, r.state, (SELECT count(*)::int FROM work_objects o WHERE o.work_id = w.id AND o.dropped_generation = 2) AS dropped
        FROM works w JOIN reservations r ON r.work_id = w.id WHERE component = 'old'`),
    ).toEqual([{ wanted: false, manifests: [], state: 'releasing', dropped: 2 }]);
    expect(await database.query(`SELECT phase, charged_mcpu::int AS charged FROM releases ORDER BY number`)).toEqual([
      { phase: 'superseded', charged: 0 },
      { phase: 'placed', charged: 1200 },
    ]);
    expect(await database.query('SELECT used_mcpu::int AS used FROM projects')).toEqual([{ used: 1200 }]);
    expect(await scenario.violations()).toEqual([]);
  });

  it('charges what duplication adds, and refuses it when the quota does not carry it', async () => {
    await scenario.tenancy('acme', 'tight', 'production', { mcpu: 1000 });
    await scenario.cluster('north');
    await scenario.cluster('south');
    const twice = spec([component('web', { mcpu: 600 })], { division: 'duplicated', minClusters: 2, maxClusters: 2 });
    await scenario.apply('wide', twice, { project: 'tight' });
    await scenario.apply('free', twice);
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ placed: 1, refused: 1 });
    expect(await scenario.phases()).toEqual({ wide: 'refused', free: 'placed' });
    expect(await database.query(`SELECT id, used_mcpu::int AS used FROM projects ORDER BY id`)).toEqual([
      { id: 'shop', used: 1200 },
      { id: 'tight', used: 600 },
    ]);
    const [release] = await database.query<{ refusals: unknown }>(
      `SELECT refusals FROM releases WHERE application_id = 'wide'`,
    );
    expect(release?.refusals).toMatchObject([{ reason: 'QuotaExceeded', facts: { asked: '600', left: '400' } }]);
  });

  it('finds a field that a cluster does not know before it is applied', async () => {
    const content = { 'apps/v1/Deployment': { spec: { replicas: true, selector: true } } };
    await scenario.cluster('north', { schema: { digest: 'old', content } });
    await scenario.apply('front', spec([component('web')]));
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    await placer.round();
    const [release] = await database.query<{ refusals: { message: string }[] }>('SELECT refusals FROM releases');
    expect(release?.refusals[0]?.message).toBe(
      'no cluster fits 1 × web: 1 does not know spec.template of web (Kubernetes 1.34.0)',
    );
  });

  it('replays a stored decision bit for bit from the same picture', async () => {
    for (const id of ['north', 'south', 'west']) await scenario.cluster(id, { nodes: 4 });
    for (const name of ['one', 'two', 'three']) await scenario.apply(name, spec([component('web', { replicas: 4 })]));
    const { placer, store } = await aPlacer(database, 's1', 1);
    await placer.refresh(7n);
    for (let round = 0; round < 3; round++) {
      const replayed = new Snapshot();
      for (const state of [...placer.picture.states.values()].reverse()) replayed.upsert(state);
      replayed.feedPosition = 7n;
      const [release] = await placementStore.readWaiting(
        (sql, parameters) => store.unitOfWork.read({ kind: 'system', actor: 'test' }, sql, parameters),
        1,
        's1',
      );
      if (release === undefined) throw new Error('nothing waits');
      await placer.round();
      const [stored] = await database.query<{ record: Buffer }>(
        'SELECT record FROM decisions WHERE release_number = $1',
        [release.number],
      );
      const again = decide(requestOf(release, placer.picture.schemas), replayed);
      expect(Buffer.from(again.packed).equals(stored?.record ?? Buffer.alloc(0))).toBe(true);
    }
  });

  it('keeps what is wrong with one release to that one: the others of its batch are placed', async () => {
    await scenario.cluster('north');
    for (const name of ['one', 'broken', 'two', 'unwritable'])
      await scenario.apply(name, spec([component(`web-${name}`)]));
    await database.query(
      `UPDATE revisions SET spec = '{"components": 7}' WHERE application_uid = (SELECT uid FROM applications WHERE id = 'broken')`,
    );
    await database.query(`ALTER TABLE placements ADD CHECK (component <> 'web-unwritable')`);
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ taken: 4, placed: 2, refused: 2 });
    expect(await scenario.phases()).toEqual({ one: 'placed', two: 'placed', broken: 'refused', unwritable: 'refused' });
    const refused = await database.query<{ refusals: { reason: string }[] }>(
      `SELECT refusals FROM releases WHERE phase = 'refused'`,
    );
    expect(refused.map(({ refusals }) => refusals[0]?.reason)).toEqual(['DecisionFailed', 'DecisionFailed']);
    expect(await database.query(`SELECT FROM audit WHERE action = 'placement.refuse'`)).toHaveLength(2);
    expect(
      await database.query('SELECT reserved_mcpu::int AS mcpu, work_sequence::int AS sequence FROM cluster_capacity'),
    ).toEqual([{ mcpu: 1000, sequence: 2 }]);
    expect(await scenario.violations()).toEqual([]);
  });

  it('hears of room that another scheduler freed while it was committing', async () => {
    await scenario.cluster('north', { cores: 2 });
    await scenario.apply('big', spec([component('big', { mcpu: 1500 })]));
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    await placer.round();
    await scenario.apply('next', spec([component('next', { mcpu: 1500 })]));
    await placer.round();
    expect(await scenario.phases()).toMatchObject({ next: 'refused' });
    await database.query('UPDATE cluster_capacity SET allocatable_mcpu = 9000');
    // Not told: it finds out as it commits something else.
    await scenario.apply('small', spec([component('small', { mcpu: 100 })]));
    await placer.round();
    expect(await scenario.phases()).toMatchObject({ small: 'placed', next: 'waiting' });
  });
});
