import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '#platform';
import { migrateQueue } from '#queue';
import { type RunningScheduler, schedulerDefaults, startScheduler } from '../../apps/scheduler/index.js';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { component, Scenario, spec, until } from '../scheduler/scenario.js';
import { emptyQueue } from './empty.js';

let database: TestDatabase;
let scenario: Scenario;
const schedulers: RunningScheduler[] = [];

beforeAll(async () => {
  database = await startTestDatabase();
  scenario = new Scenario(database);
  await migrateQueue(database.ownerUrl, ['berth_scheduler']);
  await scenario.tenancy();
  await scenario.cluster('north', { cores: 6, nodes: 4 });
  await scenario.cluster('south', { cores: 6, nodes: 4 });
  const url = database.urlFor('berth_scheduler');
  for (const name of ['one', 'two'])
    schedulers.push(
      await startScheduler(
        { ...schedulerDefaults, databaseUrl: url, queueUrl: url, batchSize: 4, poolSize: 3 },
        { log: silentLogger(), name },
      ),
    );
});
afterAll(async () => {
  await Promise.all(schedulers.map((scheduler) => scheduler.close()));
  await database.close();
});

describe('a queue that is emptied at random moments', () => {
  it('loses nothing and doubles nothing: everything is placed, ready and gone, once', async () => {
    const script =
      fc.sample(fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }), { seed: 20261122, numRuns: 1 })[0] ?? [];
    const names = script.map((_, index) => `app-${index}`);
    let emptied = 0;
    // More than fits at first: some wait, refused, until a cluster grows.
    for (const [index, now] of script.entries()) {
      await scenario.apply(`app-${index}`, spec([component(`web-${index}`, { replicas: 2, mcpu: 300 })]));
      if (!now) continue;
      await emptyQueue(database);
      emptied++;
    }
    await emptyQueue(database);
    await until('some are refused', async () => Object.values(await scenario.phases()).includes('refused'));
    await database.query('UPDATE cluster_capacity SET allocatable_mcpu = 30000');
    await database.query(
      `UPDATE cluster_capacity SET classes = '[{"nodes": 4, "free": {"mcpu": 7000, "memoryBytes": 8000000000, "pods": 100}, "architecture": "amd64", "taints": []}]'`,
    );
    for (const cluster of ['north', 'south']) await scenario.announce('cluster', cluster);
    await emptyQueue(database);
    await until('all are placed', async () => {
      await emptyQueue(database);
      return Object.values(await scenario.phases()).every((phase) => phase === 'placed');
    });
    expect(await scenario.violations()).toEqual([]);
    expect(
      await database.query(
        `SELECT application_uid FROM works GROUP BY application_uid, component, cluster_id HAVING count(*) > 1`,
      ),
    ).toEqual([]);
    const [totals] = await database.query(
      'SELECT sum(replicas)::int AS replicas, sum(mcpu)::int AS mcpu FROM reservations',
    );
    expect(totals).toEqual({ replicas: 48, mcpu: 14_400 });
    for (const name of names) await scenario.remove(name);
    await until('all are gone', async () => {
      await emptyQueue(database);
      await scenario.report();
      return (await database.query('SELECT FROM applications')).length === 0;
    });
    expect(await database.query('SELECT FROM works')).toEqual([]);
    expect(await database.query('SELECT reserved_mcpu::int AS mcpu FROM cluster_capacity')).toEqual([
      { mcpu: 0 },
      { mcpu: 0 },
    ]);
    expect(emptied).toBeGreaterThan(5);
  }, 90_000);
});
