import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer, aReaper } from './placers.js';
import { component, Scenario, spec } from './scenario.js';

let database: TestDatabase;
let scenario: Scenario;

beforeEach(async () => {
  database = await startTestDatabase();
  scenario = new Scenario(database);
  await scenario.cluster('small', { cores: 4 });
  await scenario.tenancy('acme', 'shop');
  await scenario.tenancy('globex', 'mill');
});
afterEach(() => database.close());

/** A core each. */
const wanting = (priority = 0) => ({ ...spec([component('web', { mcpu: 1000 })]), priority });

/** Six of the one, and then six of the other: in the order in which they came the first would take everything. */
async function bothAsk(priority = 0): Promise<void> {
  await askOf('acme', priority);
  await askOf('globex');
}

async function askOf(tenant: 'acme' | 'globex', priority = 0): Promise<void> {
  const project = { acme: 'shop', globex: 'mill' }[tenant];
  for (let index = 0; index < 6; index++)
    await scenario.apply(`${tenant[0]}${index}`, wanting(priority), { tenant, project });
}

const weigh = (tenant: string, weight: number) =>
  database.query('UPDATE tenants SET weight = $2 WHERE id = $1', [tenant, weight]);

async function placed(): Promise<Record<string, number>> {
  const rows = await database.query<{ tenant_id: string; count: number }>(
    `SELECT tenant_id, count(*)::int AS count FROM releases WHERE phase = 'placed' GROUP BY tenant_id`,
  );
  return Object.fromEntries(rows.map(({ tenant_id, count }) => [tenant_id, count]));
}

describe('fair share', () => {
  it.each([
    ['alike', 1, 1, { acme: 2, globex: 2 }],
    ['three to one', 3, 1, { acme: 3, globex: 1 }],
    ['one to three', 1, 3, { acme: 1, globex: 3 }],
  ])('divides a full cluster by the weights of two tenants: %s', async (_, acme, globex, expected) => {
    await weigh('acme', acme);
    await weigh('globex', globex);
    await bothAsk();
    for (const batchSize of [1, 2, 50]) {
      const { placer } = await aPlacer(database, `takes ${batchSize}`, batchSize);
      await placer.refresh();
      for (let round = 0; round < 3; round++) await placer.round();
    }
    expect(await placed()).toEqual(expected);
    expect(await scenario.violations()).toEqual([]);
  });

  it('lets no tenant take everything by calling it important', async () => {
    await bothAsk(1_000_000);
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    await placer.round();
    expect(await placed()).toEqual({ acme: 2, globex: 2 });
  });

  it('gives what becomes free to who holds less', async () => {
    const { placer } = await aPlacer(database, 's1');
    await placer.refresh();
    await askOf('acme');
    await placer.round();
    expect(await placed()).toEqual({ acme: 4 });
    await askOf('globex');
    await scenario.remove('a0');
    const reaper = await aReaper(database, 'r1');
    await expect
      .poll(
        async () => {
          await scenario.report();
          await reaper.round();
          placer.touchAll();
          await placer.refresh();
          await placer.round();
          return await placed();
        },
        { timeout: 10_000 },
      )
      .toEqual({ acme: 3, globex: 1 });
    expect(await scenario.violations()).toEqual([]);
  });

  it('leaves each of four schedulers its part of what several tenants want while there is plenty for all', async () => {
    await scenario.cluster('large', { cores: 1000, memoryGibi: 4000 });
    const tenants = [
      { tenant: 'acme', project: 'shop' },
      { tenant: 'globex', project: 'mill' },
    ];
    for (let index = 0; index < 80; index++)
      for (const at of tenants) await scenario.apply(`${at.tenant}-${index}`, wanting(), at);
    const placers = await Promise.all(['s1', 's2', 's3', 's4'].map((name) => aPlacer(database, `kin/${name}`, 10)));
    await Promise.all(placers.map(({ placer }) => placer.refresh()));
    let [decided, lost] = [0, 0];
    for (let round = 0; round < 20 && decided < 160; round++)
      for (const outcome of await Promise.all(placers.map(({ placer }) => placer.round()))) {
        decided += outcome.placed;
        lost += outcome.lost;
      }
    expect(await placed()).toEqual({ acme: 80, globex: 80 });
    expect(lost).toBeLessThan(120); // several hundred when each takes the head of the queue
    expect(await scenario.violations()).toEqual([]);
  });

  it.each([
    ['a tenant that had nothing waiting', 'initech', 0],
    ['what is more important', 'acme', 10],
  ])('serves %s before the batches that it has looked ahead to', async (_, tenant, priority) => {
    await scenario.cluster('large', { cores: 1000, memoryGibi: 4000 });
    const project = tenant === 'acme' ? 'shop' : 'office';
    if (tenant !== 'acme') await scenario.tenancy(tenant, project);
    await askOf('acme');
    await askOf('globex');
    const { placer } = await aPlacer(database, 's1', 2);
    await placer.refresh();
    expect((await placer.round()).placed).toBe(2);
    expect((await placer.round()).placed).toBe(2);
    await scenario.apply('urgent', wanting(priority), { tenant, project });
    await placer.round();
    const phases = await database.query("SELECT phase FROM releases WHERE application_id = 'urgent'");
    expect(phases).toEqual([{ phase: 'placed' }]);
  });
});
