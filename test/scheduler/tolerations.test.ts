import { afterEach, beforeEach, expect, it } from 'vitest';
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

const maintenance = { key: 'maintenance', operator: 'Exists', value: '', effect: 'NoExecute' } as const;
const web = (mcpu: number) =>
  spec([component('web', { mcpu })], { tolerations: [{ ...maintenance, tolerationSeconds: 300 }] });

const taint = (...keys: string[]) =>
  database.query('UPDATE clusters SET taints = $1 WHERE id = $2', [
    JSON.stringify(keys.map((key) => ({ key, value: '', effect: 'NoExecute' }))),
    'north',
  ]);
const since = async () =>
  (
    await database.query<{ since: Record<string, number> }>(
      `SELECT taints_since AS since FROM clusters WHERE id = 'north'`,
    )
  )[0]?.since;

it('end so many seconds after the taint came, by the clock of the database', async () => {
  await scenario.cluster('north', { cores: 20 });
  await scenario.cluster('south', { cores: 10 });
  const { placer } = await aPlacer(database, 's1');
  const decide = async (mcpu: number) => {
    await scenario.apply('front', web(mcpu));
    placer.touch('north');
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ placed: 1 });
    const rows = await database.query<{ cluster_id: string }>(
      'SELECT w.cluster_id FROM works w JOIN reservations r ON r.work_id = w.id WHERE w.wanted AND r.replicas > 0',
    );
    return rows.map(({ cluster_id: cluster }) => cluster);
  };
  expect(await decide(500)).toEqual(['north']);
  await taint('maintenance');
  expect(await decide(400)).toEqual(['north']);
  await database.query(
    `UPDATE clusters SET taints_since = jsonb_build_object('maintenance=:NoExecute',
       floor(extract(epoch FROM clock_timestamp() - interval '301 seconds') * 1000)) WHERE id = 'north'`,
  );
  expect(await decide(300)).toEqual(['south']);
});

it('count from when the cluster got the taint, though it gets others since', async () => {
  await scenario.cluster('north');
  await taint('maintenance');
  const first = (await since())?.['maintenance=:NoExecute'];
  expect(first).toBeGreaterThan(0);
  await taint('maintenance', 'flood');
  expect(Object.keys((await since()) ?? {}).sort()).toEqual(['flood=:NoExecute', 'maintenance=:NoExecute']);
  expect((await since())?.['maintenance=:NoExecute']).toBe(first);
  await taint('flood');
  expect(Object.keys((await since()) ?? {})).toEqual(['flood=:NoExecute']);
  await taint('flood', 'maintenance');
  expect((await since())?.['maintenance=:NoExecute']).toBeGreaterThan(first ?? 0);
});
