import { afterEach, beforeEach, expect, it } from 'vitest';
import { anywhere } from '#domain';
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

/** By application: how many of its components have a work, a reservation, a placement. */
async function parts(): Promise<Record<string, number[]>> {
  const rows = await database.query<{ id: string; counts: number[] }>(
    `SELECT a.id, ARRAY[
       (SELECT count(DISTINCT w.component) FROM works w WHERE w.application_uid = a.uid),
       (SELECT count(DISTINCT w.component) FROM works w JOIN reservations r ON r.work_id = w.id WHERE w.application_uid = a.uid),
       (SELECT count(DISTINCT p.component) FROM placements p WHERE p.application_uid = a.uid)]::int[] AS counts
     FROM applications a`,
  );
  return Object.fromEntries(rows.map(({ id, counts }) => [id, counts]));
}

it('reserves applications whole or not at all while four schedulers race for the last room', async () => {
  // Room for 10 of 24 applications: there is plenty in the one cluster, and each needs a part in the other.
  await scenario.cluster('north', { cores: 30 });
  await scenario.cluster('south', { cores: 10 });
  const homes = { web: 'north', api: 'south', store: 'north' };
  const three = Object.entries(homes).map(([name, home]) =>
    component(name, { mcpu: 1000, placement: { ...anywhere, clusters: [home] } }),
  );
  for (let index = 0; index < 24; index++) {
    await scenario.tenancy('acme', `p${index}`);
    await scenario.apply(`app-${index}`, spec(three), { project: `p${index}` });
  }
  const placers = await Promise.all(['s1', 's2', 's3', 's4'].map((name) => aPlacer(database, name, 5)));
  await Promise.all(placers.map(({ placer }) => placer.refresh()));
  let stale = 0;
  for (let round = 0; round < 20; round++) {
    for (const outcome of await Promise.all(placers.map(({ placer }) => placer.round()))) stale += outcome.stale;
    const phases = await scenario.phases();
    for (const [id, counts] of Object.entries(await parts()))
      expect(counts, id).toEqual(phases[id] === 'placed' ? [3, 3, 3] : [0, 0, 0]);
    expect(await scenario.violations()).toEqual([]);
    if (!Object.values(phases).includes('waiting')) break;
    for (const { placer } of placers) {
      placer.touchAll();
      await placer.refresh();
    }
  }
  expect(stale, 'some were decided on figures that another had changed').toBeGreaterThan(0);
  const phases = Object.values(await scenario.phases());
  expect(phases.filter((phase) => phase === 'placed')).toHaveLength(10);
  expect(phases.filter((phase) => phase === 'refused')).toHaveLength(14);
});
