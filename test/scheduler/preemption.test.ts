import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlacementPolicy } from '#domain';
import type { Placer } from '../../apps/scheduler/placing.js';
import type { Reaper } from '../../apps/scheduler/reaping/reaper.js';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer, aReaper, aSweeper } from './placers.js';
import { component, Scenario, spec } from './scenario.js';

let database: TestDatabase;
let scenario: Scenario;

beforeEach(async () => {
  database = await startTestDatabase();
  scenario = new Scenario(database);
  await scenario.tenancy();
});
afterEach(() => database.close());

/** One component of one replica, named after its application: two of them share a namespace. */
const web = (
  name: string,
  priority: number,
  { mcpu = 1000, replicas = 1, never = false, policy = {} as Partial<PlacementPolicy> } = {},
) => ({
  ...spec([component(`web-${name}`, { mcpu, replicas })], policy),
  priority,
  ...(never ? { preemption: 'never' as const } : {}),
});

const reasonsOf = async (application: string) => {
  const [release] = await database.query<{ reasons: string[]; message: string }>(
    `SELECT ARRAY(SELECT x->>'reason' FROM jsonb_array_elements(refusals) x) AS reasons, refusals->0->>'message' AS message
     FROM releases WHERE application_id = $1 ORDER BY number DESC LIMIT 1`,
    [application],
  );
  return release;
};

/** Reserved, and kept for those whose victims leave, beside the limit: never above it. */
const expectSound = async () => {
  expect(await scenario.violations()).toEqual([]);
  const over = await database.query(
    `SELECT k.cluster_id FROM cluster_capacity k JOIN fleet_nominations n ON n.cluster_id = k.cluster_id
     WHERE k.reserved_mcpu + n.mcpu > k.allocatable_mcpu - k.foreign_mcpu
       OR k.reserved_memory_bytes + n.memory_bytes > k.allocatable_memory_bytes - k.foreign_memory_bytes
       OR k.reserved_pods + n.pods > k.allocatable_pods - k.foreign_pods`,
  );
  expect(over).toEqual([]);
};

/** Rounds until nothing is left to decide now. */
async function settle(placer: Placer): Promise<void> {
  placer.touchAll();
  await placer.refresh();
  for (let round = 0; round < 20; round++) {
    const { taken } = await placer.round();
    await expectSound();
    if (taken === 0) return;
  }
  throw new Error('it does not come to rest');
}

/** Agents report and obey, and what they say is gone is freed, until nothing moves. */
async function leave(reaper: Reaper): Promise<void> {
  for (let round = 0; round < 6; round++) {
    await scenario.report();
    await reaper.round();
    await expectSound();
  }
}

describe('preemption', () => {
  it('lets a lower one give way, keeps its room meanwhile, and places both again as there is room', async () => {
    await scenario.cluster('small', { cores: 3 });
    const { placer, count } = await aPlacer(database, 's1');
    const reaper = await aReaper(database, 'r1');
    await scenario.apply('low', web('low', 1, { mcpu: 2000 }));
    await scenario.apply('mid', web('mid', 2));
    await settle(placer);
    await scenario.report();
    await scenario.apply('high', web('high', 5, { mcpu: 1500 }));
    await settle(placer);
    expect(await scenario.phases()).toEqual({ low: 'refused', mid: 'placed', high: 'refused' });
    expect(await reasonsOf('low')).toMatchObject({
      reasons: ['Preempted'],
      message:
        'gave way to high (priority 5): its own priority is 1; it is placed again when it has left and there is room',
    });
    expect(await reasonsOf('high')).toMatchObject({ reasons: ['Preempting', 'NotEnoughCapacity'] });
    expect([await count('berth_scheduler_preemptions_total'), await count('berth_scheduler_preempted_total')]).toEqual([
      1, 1,
    ]);
    expect(await database.query('SELECT wanted, count(*)::int FROM works GROUP BY 1 ORDER BY 1')).toEqual([
      { wanted: false, count: 1 },
      { wanted: true, count: 1 },
    ]);
    // The victim's pods are there as long as its agent says so; nobody is placed in their room, nor is it free after.
    await scenario.tenancy('other', 'stall');
    await scenario.apply('thief', web('thief', 0, { mcpu: 600 }), { tenant: 'other', project: 'stall' });
    await scenario.apply('fits', web('fits', 0, { mcpu: 500 }), { tenant: 'other', project: 'stall' });
    await settle(placer);
    await leave(reaper);
    const [kept] = await database.query('SELECT mcpu::int FROM fleet_nominations');
    expect(kept).toEqual({ mcpu: 1500 });
    await settle(placer);
    expect(await scenario.phases()).toMatchObject({ high: 'placed', thief: 'refused', fits: 'placed', low: 'refused' });
    expect(await reasonsOf('low')).toMatchObject({ reasons: ['NotEnoughCapacity', 'Preempted'] });
    expect(await database.query('SELECT * FROM nominations')).toEqual([]);
    expect(await database.query('SELECT * FROM preempted_works')).toEqual([]);
    // It comes back by itself, and takes nothing from anybody.
    await database.query(`UPDATE cluster_capacity SET allocatable_mcpu = 6000`);
    await settle(placer);
    expect(await scenario.phases()).toMatchObject({ high: 'placed', low: 'placed', mid: 'placed' });
    expect(await count('berth_scheduler_preemptions_total')).toBe(1);
    const audited = await database.query(
      `SELECT action, target FROM audit WHERE action LIKE 'placement.preempt%' ORDER BY action`,
    );
    expect(audited).toEqual([
      { action: 'placement.preempt', target: 'projects/shop/environments/production/releases/3' },
      { action: 'placement.preempted', target: 'projects/shop/environments/production/releases/1' },
    ]);
  });

  it.each([
    ['of equal priority', web('high', 1)],
    ['of higher priority', web('high', 0)],
    ['for one that never preempts', web('high', 9, { never: true })],
    ['for one that would not fit then', web('high', 9, { mcpu: 4000 })],
    ['for one whose labels no cluster has', web('high', 9, { policy: { labels: { tier: 'gold' } } })],
  ])('takes nothing from what is placed, %s', async (_, content) => {
    await scenario.cluster('small', { cores: 3 });
    const { placer } = await aPlacer(database, 's1');
    for (const name of ['a', 'b', 'c']) await scenario.apply(name, web(name, 1));
    await settle(placer);
    await scenario.apply('high', content);
    await settle(placer);
    expect(await scenario.phases()).toEqual({ a: 'placed', b: 'placed', c: 'placed', high: 'refused' });
    expect(await database.query('SELECT * FROM nominations')).toEqual([]);
  });

  it('leaves alone what keeps data in volumes, and what took objects over', async () => {
    await scenario.cluster('small', { cores: 3 });
    await database.query(`UPDATE cluster_capacity SET kinds = kinds || '{v1/PersistentVolumeClaim}'`);
    const { placer } = await aPlacer(database, 's1');
    const claims = { spec: { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { storageClassName: '' } }] } };
    const extra = { metadata: {}, podMetadata: {}, podSpec: {}, ...claims };
    const data = { kind: 'stateful-service' as const, mcpu: 1000, workloadExtra: extra };
    await scenario.apply('data', { ...spec([component('store', data)]), priority: 1 });
    const unbound = { spec: { storageClassName: '' } };
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'files' }, ...unbound };
    await scenario.apply('files', { ...spec([component('files', { mcpu: 1000, objects: [claim] })]), priority: 1 });
    await scenario.apply('adopted', web('adopted', 1));
    await settle(placer);
    await scenario.report();
    const adopt = (is: boolean) =>
      database.query(
        `UPDATE work_status s SET objects = jsonb_set(objects, '{0,adopted}', '${is}') FROM works w
         WHERE w.id = s.work_id AND w.application_id = 'adopted'`,
      );
    await adopt(true);
    await scenario.apply('high', web('high', 5));
    await settle(placer);
    expect(await scenario.phases()).toEqual({
      ...{ data: 'placed', files: 'placed', adopted: 'placed' },
      high: 'refused',
    });
    await adopt(false);
    await scenario.apply('high', web('high', 6));
    await settle(placer);
    expect(await scenario.phases()).toMatchObject({ data: 'placed', files: 'placed', adopted: 'refused' });
  });

  it('takes nothing from another tenant', async () => {
    await scenario.cluster('small', { cores: 2 });
    await scenario.tenancy('other', 'stall');
    const { placer } = await aPlacer(database, 's1');
    await scenario.apply('theirs', web('theirs', -9), { tenant: 'other', project: 'stall' });
    await scenario.apply('ours', web('ours', 3));
    await settle(placer);
    await scenario.apply('high', web('high', 9, { mcpu: 2000 }));
    await settle(placer);
    expect(await scenario.phases()).toEqual({ theirs: 'placed', ours: 'placed', high: 'refused' });
    await scenario.apply('higher', web('higher', 9));
    await settle(placer);
    expect(await scenario.phases()).toMatchObject({ theirs: 'placed', ours: 'refused' });
  });

  it('takes no more than it needs, whole applications, the newest of the lowest first', async () => {
    await scenario.cluster('north', { cores: 4, nodes: 2 });
    await scenario.cluster('south', { cores: 4, nodes: 2 });
    const { placer } = await aPlacer(database, 's1');
    const reaper = await aReaper(database, 'r1');
    for (const [name, priority] of Object.entries({ a: 2, b: 1, c: 1, d: 1 })) {
      await scenario.apply(name, web(name, priority, { replicas: 2, policy: { division: 'duplicated' } }));
      await settle(placer);
    }
    expect(await scenario.phases()).toEqual({ a: 'placed', b: 'placed', c: 'refused', d: 'refused' });
    await scenario.apply('high', web('high', 5, { replicas: 2, policy: { clusters: ['south'] } }));
    await settle(placer);
    expect(await scenario.phases()).toMatchObject({ a: 'placed', b: 'refused', high: 'refused' });
    await leave(reaper);
    await database.query('UPDATE cluster_capacity SET work_sequence = work_sequence');
    await settle(placer);
    expect(await scenario.phases()).toMatchObject({ a: 'placed', high: 'placed' });
    await expectSound();
  });

  it('gives up what it keeps when the release asks no longer, or for too long', async () => {
    await scenario.cluster('small', { cores: 2 });
    const { placer } = await aPlacer(database, 's1');
    const reaper = await aReaper(database, 'r1');
    await scenario.apply('low', web('low', 1, { mcpu: 2000 }));
    await settle(placer);
    await scenario.report();
    await scenario.apply('high', web('high', 5, { mcpu: 2000 }));
    await settle(placer);
    await database.query(`UPDATE nominations SET expires_at = clock_timestamp() - interval '1 second'`);
    await reaper.round();
    expect(await database.query('SELECT * FROM nominations')).toEqual([]);
    expect(await scenario.phases()).toMatchObject({ high: 'waiting' });
    // Those who left cannot leave for it again.
    await settle(placer);
    expect(await scenario.phases()).toMatchObject({ high: 'refused' });
    expect(await database.query('SELECT * FROM nominations')).toEqual([]);
    await leave(reaper);
    await settle(placer);
    expect(await scenario.phases()).toMatchObject({ high: 'placed', low: 'refused' });
    await scenario.apply('higher', web('higher', 6, { mcpu: 2000 }));
    await settle(placer);
    expect(await database.query('SELECT * FROM nominations')).toHaveLength(1);
    await scenario.apply('higher', web('higher', 6, { mcpu: 9000 }));
    await reaper.round();
    expect(await database.query('SELECT * FROM nominations')).toEqual([]);
    await expectSound();
  });

  it('ends a victim of which a newer release asks, with its charge', async () => {
    await scenario.cluster('small', { cores: 2 });
    const { placer } = await aPlacer(database, 's1');
    const reaper = await aReaper(database, 'r1');
    await scenario.apply('low', web('low', 1, { mcpu: 2000 }));
    await settle(placer);
    await scenario.report();
    await scenario.apply('low', web('low', 1, { mcpu: 1500, replicas: 2 }));
    await settle(placer);
    await scenario.apply('high', web('high', 5, { mcpu: 1000 }));
    await settle(placer);
    expect(
      await database.query(
        `SELECT number::int, phase, charged_mcpu::int FROM releases WHERE application_id = 'low' ORDER BY 1`,
      ),
    ).toEqual([
      { number: 1, phase: 'superseded', charged_mcpu: 0 },
      { number: 2, phase: 'refused', charged_mcpu: 3000 },
    ]);
    const [project] = await database.query('SELECT used_mcpu::int FROM projects');
    expect(project).toEqual({ used_mcpu: 4000 });
    await leave(reaper);
    await settle(placer);
    expect(await scenario.phases()).toEqual({ low: 'refused', high: 'placed' });
  });

  it('goes down from priority to priority and comes to rest', async () => {
    await scenario.cluster('small', { cores: 2 });
    const { placer, count } = await aPlacer(database, 's1');
    const reaper = await aReaper(database, 'r1');
    for (const priority of [1, 2, 3, 4]) {
      await scenario.apply(`p${priority}`, web(`p${priority}`, priority));
      for (let round = 0; round < 3; round++) {
        await settle(placer);
        await leave(reaper);
      }
      await settle(placer);
    }
    expect(await scenario.phases()).toEqual({ p1: 'refused', p2: 'refused', p3: 'placed', p4: 'placed' });
    expect(await count('berth_scheduler_preemptions_total')).toBe(2);
    const sweeper = await aSweeper(database, 'w1');
    await database.query(
      `UPDATE releases SET deadline = clock_timestamp() - interval '1 second' WHERE phase = 'refused'`,
    );
    await sweeper.round();
    await settle(placer);
    expect(await scenario.phases()).toEqual({ p1: 'refused', p2: 'refused', p3: 'placed', p4: 'placed' });
  });

  it('is taken back whole when the connection dies between its statements', async () => {
    await scenario.cluster('small', { cores: 2 });
    const { placer } = await aPlacer(database, 's1');
    await scenario.apply('low', web('low', 1, { mcpu: 2000 }));
    await settle(placer);
    await scenario.apply('high', web('high', 5, { mcpu: 2000 }));
    await database.query(`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
      PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$`);
    const tables = ['nominations', 'preempted_works', 'preemptions', 'works', 'decisions', 'audit', 'outbox'];
    for (const table of tables) {
      await database.query(`CREATE TRIGGER die AFTER INSERT ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION die()`);
      const { placer: dying } = await aPlacer(database, `dies at ${table}`);
      await dying.refresh();
      await expect(dying.round()).rejects.toThrow('the database does not answer');
      await database.query(`DROP TRIGGER die ON ${table}`);
      expect(await scenario.phases()).toEqual({ low: 'placed', high: 'waiting' });
      const [left] = await database.query(`SELECT (SELECT count(*)::int FROM nominations) AS kept,
        (SELECT count(*)::int FROM preemptions) AS told, (SELECT count(*)::int FROM works WHERE wanted) AS works,
        (SELECT count(*)::int FROM reservations WHERE state = 'held') AS held`);
      expect(left).toEqual({ kept: 0, told: 0, works: 1, held: 1 });
      await expectSound();
    }
    const { placer: living } = await aPlacer(database, 'lives');
    // Those that died are still connected, and a round may leave them their part.
    for (let round = 0; round < 5 && (await scenario.phases()).high === 'waiting'; round++) {
      await living.refresh();
      await living.round();
    }
    expect(await scenario.phases()).toEqual({ low: 'refused', high: 'refused' });
    await expectSound();
  });

  it('lets each victim give way once, whoever of several schedulers is first', async () => {
    await scenario.cluster('north', { cores: 8 });
    const placers = await Promise.all(['s1', 's2', 's3'].map((name) => aPlacer(database, name, 4)));
    const reapers = await Promise.all(['r1', 'r2'].map((name) => aReaper(database, name)));
    const [first] = placers;
    for (let n = 0; n < 8; n++) await scenario.apply(`low${n}`, web(`low${n}`, n % 2));
    if (first !== undefined) await settle(first.placer);
    await scenario.report();
    for (let n = 0; n < 6; n++) await scenario.apply(`high${n}`, web(`high${n}`, 5 + (n % 2)));
    for (let round = 0; round < 12; round++) {
      await Promise.all(
        placers.map(async ({ placer }) => {
          placer.touchAll();
          await placer.refresh();
          await placer.round();
        }),
      );
      await expectSound();
      await scenario.report();
      await Promise.all(reapers.map((reaper) => reaper.round()));
      await expectSound();
    }
    const phases = await scenario.phases();
    const placed = Object.keys(phases).filter((name) => phases[name] === 'placed');
    expect(placed.filter((name) => name.startsWith('high'))).toHaveLength(6);
    expect(placed).toHaveLength(8);
    const gone = await database.query<{ victims: number; releases: number }>(
      'SELECT count(*)::int AS victims, count(DISTINCT release_number)::int AS releases FROM preemptions',
    );
    expect(gone).toEqual([{ victims: 6, releases: 6 }]);
    for (const { count } of placers) expect(await count('berth_scheduler_failures_total')).toBe(0);
  });
});
