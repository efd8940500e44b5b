import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer, type TestPlacer } from './placers.js';
import { component, Scenario, spec } from './scenario.js';

let database: TestDatabase;
let scenario: Scenario;

beforeEach(async () => {
  database = await startTestDatabase();
  scenario = new Scenario(database);
  await scenario.tenancy();
});
afterEach(() => database.close());

const sum = async (placers: readonly TestPlacer[], counter: string): Promise<number> =>
  (await Promise.all(placers.map((each) => each.count(counter)))).reduce((total, each) => total + each, 0);

describe('four schedulers on one hot cluster', () => {
  it('never over-commit it, leave no gap in its sequence, and decide everything exactly once', async () => {
    const applications = 96;
    await scenario.cluster('hot', { cores: 2, nodes: 64 });
    for (let index = 0; index < applications; index++) {
      // A project each: nothing but the cluster's row stands between the schedulers.
      await scenario.tenancy('acme', `p${index}`);
      const content = spec([component(`web-${index}`, { mcpu: 500 })]);
      await scenario.apply(`app-${index}`, content, { project: `p${index}` });
    }
    const placers = await Promise.all(['s1', 's2', 's3', 's4'].map((name) => aPlacer(database, name, 3)));
    let placed = 0;
    for (let growth = 0; placed < applications; growth++) {
      expect(growth).toBeLessThan(60);
      // A little room appears; all four see the same of it and all four want it.
      await database.query(
        `UPDATE cluster_capacity SET allocatable_mcpu = allocatable_mcpu + 2000, foreign_mcpu = 0,
           classes = '[{"nodes": 64, "free": {"mcpu": 4000, "memoryBytes": 600000000, "pods": 20}, "architecture": "amd64", "taints": []}]'`,
      );
      for (const { placer } of placers) {
        placer.touch('hot');
        await placer.refresh();
      }
      for (let round = 0; round < 2; round++)
        for (const outcome of await Promise.all(placers.map(({ placer }) => placer.round()))) placed += outcome.placed;
      expect(await scenario.violations()).toEqual([]);
      expect(await sum(placers, 'berth_scheduler_failures_total')).toBe(0);
    }
    const commits = await sum(placers, 'berth_scheduler_commits_total');
    const conflicts = await sum(placers, 'berth_scheduler_conflicts_total');
    const percent = Math.round((100 * conflicts) / commits);
    process.stderr.write(
      `four schedulers, one hot cluster: ${conflicts} conflicts in ${commits} commits (${percent} %)\n`,
    );
    expect(percent).toBeGreaterThanOrEqual(20);

    expect(placed).toBe(applications);
    const sequences = await database.query<{ sequence: number }>('SELECT sequence::int FROM works ORDER BY sequence');
    expect(sequences.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: applications }, (_, index) => index + 1),
    );
    const [once] =
      await database.query(`SELECT count(*)::int AS works, count(DISTINCT application_uid)::int AS applications,
      (SELECT count(*)::int FROM decisions WHERE placed) AS decisions, (SELECT count(*)::int FROM audit WHERE action = 'placement.commit') AS audited,
      (SELECT count(*)::int FROM reservations) AS reservations FROM works`);
    expect(once).toEqual({
      works: applications,
      applications,
      decisions: applications,
      audited: applications,
      reservations: applications,
    });
  }, 60_000);

  it('commit in one order on many clusters without a deadlock', async () => {
    const ids = Array.from({ length: 8 }, (_, index) => `c${index}`);
    for (const id of ids) await scenario.cluster(id, { cores: 100 });
    for (let index = 0; index < 40; index++) {
      const clusters = [ids[index % 8] ?? '', ids[(index * 3 + 1) % 8] ?? ''];
      await scenario.apply(`app-${index}`, spec([component(`web-${index}`)], { clusters, division: 'duplicated' }));
    }
    const placers = await Promise.all(['s1', 's2', 's3', 's4'].map((name) => aPlacer(database, name, 5)));
    await Promise.all(
      placers.map(async ({ placer }) => {
        await placer.refresh();
        for (let round = 0; round < 40; round++) await placer.round();
      }),
    );
    expect(new Set(Object.values(await scenario.phases()))).toEqual(new Set(['placed']));
    expect(await scenario.violations()).toEqual([]);
  }, 60_000);

  it('takes back a whole decision when the connection dies between its statements', async () => {
    await scenario.cluster('hot');
    for (let index = 0; index < 5; index++) await scenario.apply(`app-${index}`, spec([component(`web-${index}`)]));
    // The last statements of a commit meet a server that ends their session.
    await database.query(`CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
      PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$`);
    for (const table of [
      'works',
      'reservations',
      'placements',
      'decisions',
      'audit',
      'outbox',
      'cluster_capacity',
      'work_objects',
    ]) {
      const event = table === 'cluster_capacity' ? 'UPDATE' : 'INSERT';
      await database.query(`CREATE TRIGGER die AFTER ${event} ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION die()`);
      const { placer } = await aPlacer(database, `dies at ${table}`);
      await placer.refresh();
      await expect(placer.round()).rejects.toThrow('the database does not answer');
      await database.query(`DROP TRIGGER die ON ${table}`);
      expect(new Set(Object.values(await scenario.phases()))).toEqual(new Set(['waiting']));
      const [left] =
        await database.query(`SELECT (SELECT count(*)::int FROM works) AS works, (SELECT count(*)::int FROM reservations) AS reservations,
        (SELECT count(*)::int FROM placements) AS placements, (SELECT count(*)::int FROM decisions) AS decisions, (SELECT count(*)::int FROM audit) AS audit,
        (SELECT work_sequence::int FROM cluster_capacity) AS sequence, (SELECT reserved_mcpu::int FROM cluster_capacity) AS mcpu`);
      expect(left).toEqual({ works: 0, reservations: 0, placements: 0, decisions: 0, audit: 0, sequence: 0, mcpu: 0 });
    }
    const { placer } = await aPlacer(database, 'lives');
    await placer.refresh();
    // Those that died are still connected, and a round may leave them their part.
    let placed = 0;
    for (let round = 0; round < 5 && placed < 5; round++) placed += (await placer.round()).placed;
    expect(placed).toBe(5);
    expect(await scenario.violations()).toEqual([]);
  }, 60_000);
});
