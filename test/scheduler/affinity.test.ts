import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Affinity } from '#domain';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer, aReaper, type TestPlacer } from './placers.js';
import { component, Scenario, spec } from './scenario.js';

let database: TestDatabase;
let scenario: Scenario;
let tested: TestPlacer;

beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

beforeEach(async () => {
  await database.query('TRUNCATE tenants, clusters, outbox, feed, audit, decisions CASCADE');
  await database.query('TRUNCATE releases, works, reservations, tombstones, placements CASCADE');
  scenario = new Scenario(database);
  await scenario.tenancy();
  await database.query(
    `INSERT INTO environments (tenant_id, project_id, id, namespace) VALUES ('acme', 'shop', 'staging', 'berth-staging')`,
  );
  for (const cluster of ['north', 'south']) await scenario.cluster(cluster);
  tested = await aPlacer(database, 's1');
  await tested.placer.refresh();
});

const beside = (application: string, apart: boolean): Affinity => ({
  ...{ application, component: '', by: 'cluster', apart, preferred: false },
});
const web = (...affinity: Affinity[]) => spec([component('web')], { affinity, maxClusters: 1 });
const db = spec([component('store')], { maxClusters: 1, clusters: ['south'] });

async function places(application: string): Promise<string[]> {
  const rows = await database.query<{ cluster_id: string }>(
    `SELECT p.cluster_id FROM placements p JOIN applications a ON a.uid = p.application_uid WHERE a.id = $1`,
    [application],
  );
  return rows.map(({ cluster_id }) => cluster_id);
}

describe('affinity between applications', () => {
  it('goes by where the other one is', async () => {
    await scenario.apply('db', db);
    await tested.placer.round();
    await scenario.apply('near', web(beside('db', false)));
    await scenario.apply('far', web(beside('db', true)));
    expect(await tested.placer.round()).toMatchObject({ taken: 2, placed: 2 });
    expect([await places('near'), await places('far')]).toEqual([['south'], ['north']]);
    expect(await scenario.violations()).toEqual([]);
  });

  it('goes by where the other one comes to be in the same batch', async () => {
    await scenario.apply('db', db);
    await scenario.apply('far', web(beside('db', true)));
    await scenario.apply('near', web(beside('db', false)));
    expect(await tested.placer.round()).toMatchObject({ taken: 3, placed: 3 });
    expect([await places('near'), await places('far')]).toEqual([['south'], ['north']]);
  });

  it('does not look beyond the environment', async () => {
    await scenario.apply('db', db, { environment: 'staging' });
    await tested.placer.round();
    await scenario.apply('near', web(beside('db', false)));
    expect(await tested.placer.round()).toMatchObject({ refused: 1 });
    await scenario.apply('db2', db, { environment: 'staging' });
    await tested.placer.round();
    expect(await scenario.phases()).toMatchObject({ near: 'refused' });
  });

  it('wakes who is to be apart when the other one has gone, and says why it waited', async () => {
    const everywhere = spec([component('store', { replicas: 2 })], { minClusters: 2 });
    await scenario.apply('db', everywhere);
    await tested.placer.round();
    await scenario.apply('far', web(beside('db', true)));
    expect(await tested.placer.round()).toMatchObject({ refused: 1 });
    const [why] = await database.query<{ message: string }>(
      `SELECT refusals->0->>'message' AS message FROM releases WHERE application_id = 'far'`,
    );
    expect(why?.message).toBe('no cluster fits 1 × web: 2 are not apart from db (by cluster)');
    const reaper = await aReaper(database, 's1');
    await scenario.remove('db');
    await vi.waitFor(
      async () => {
        await reaper.round();
        await scenario.report();
        await tested.placer.refresh();
        await tested.placer.round();
        expect(await scenario.phases()).toMatchObject({ db: 'removed', far: 'placed' });
      },
      { timeout: 10_000, interval: 10 },
    );
    expect(await scenario.violations()).toEqual([]);
  });
});
