import { afterEach, beforeEach, expect, it } from 'vitest';
import { stateOf } from '#decision';
import { Snapshot } from '#placement';
import { placementStore, type Store } from '#store';
import type { FleetPicture } from '../../apps/scheduler/fleet/picture.js';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer } from './placers.js';
import { component, Scenario, spec, until } from './scenario.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await startTestDatabase();
});
afterEach(() => database.close());

async function expectTrue(picture: FleetPicture, store: Store): Promise<void> {
  const principal = { kind: 'system' as const, actor: 'test' };
  const fleet = await store.unitOfWork.run(principal, (tx) => placementStore.readFleet(tx));
  expect([...picture.readings.values()].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual(fleet);
  const anew = new Snapshot();
  for (const cluster of fleet) {
    const slot = anew.upsert(stateOf(cluster, 1n));
    const kept = picture.snapshot.slotOf(cluster.id) ?? -1;
    expect(picture.snapshot.freeOf(kept)).toEqual(anew.freeOf(slot));
    const asked = [600, 2 ** 27, 1];
    const rules = { tolerations: [] };
    const fits = (snapshot: Snapshot, at: number) => snapshot.classes(at).clone().take(asked, 1_000, rules);
    expect(fits(picture.snapshot, kept)).toBe(fits(anew, slot));
  }
}

it('knows after each commit, without reading, what the store holds', async () => {
  const scenario = new Scenario(database);
  await scenario.tenancy();
  for (const id of ['east', 'north', 'south', 'west']) await scenario.cluster(id, { nodes: 5 });
  const { placer, store } = await aPlacer(database, 's1', 3);
  const other = await aPlacer(database, 's2', 3);
  await placer.refresh();
  await other.placer.refresh();
  const policy = { minClusters: 2, maxClusters: 2 };
  const selecting = {
    metadata: {},
    spec: {},
    podMetadata: {},
    podSpec: { tolerations: [{ key: 'x', operator: 'Exists' }] },
  };
  for (let at = 0; at < 6; at++) {
    const differs = {
      replicas: 2 + (at % 3),
      mcpu: 300 + 100 * (at % 2),
      ...(at === 3 ? { workloadExtra: selecting } : {}),
    };
    await scenario.apply(`app-${at}`, spec([component('web', differs)], policy));
  }
  expect((await placer.round()).placed).toBeGreaterThan(0);
  await expectTrue(placer.picture, store);
  // Decided on figures that the first one's commit has changed: what was locked is read, and known from then on.
  expect((await other.placer.round()).placed).toBeGreaterThan(0);
  for (const id of placer.picture.readings.keys()) placer.touch(id);
  await placer.refresh();
  await expectTrue(placer.picture, store);
  // Works that are there already change.
  await scenario.apply('app-0', spec([component('web', { replicas: 7, mcpu: 200 })], policy));
  await scenario.apply('app-9', spec([component('web', { mcpu: 200 })]));
  for (let taken = 1; taken > 0; ) ({ taken } = await placer.round());
  expect(Object.values(await scenario.phases()).every((phase) => phase === 'placed')).toBe(true);
  await expectTrue(placer.picture, store);
});

it('shares the backlog among the schedulers that are there, and leaves nothing to one that is gone', async () => {
  const scenario = new Scenario(database);
  await scenario.tenancy();
  const names = ['s1', 's2', 's3'].map((name) => `test-scheduler/${name}`);
  const stores = await Promise.all(
    names.map((applicationName) => database.connect('berth_scheduler', { poolSize: 2, applicationName })),
  );
  for (let at = 0; at < 30; at++) await scenario.apply(`app-${at}`, spec([component('web')]));
  const take = async (store: Store, limit = 30) => {
    const read = await placementStore.readWaiting(
      (sql, parameters) => store.unitOfWork.read({ kind: 'system', actor: 'test' }, sql, parameters),
      limit,
      'shard',
    );
    return read.map(({ application }) => application);
  };
  for (const store of stores) expect(await take(store)).not.toEqual([]); // all are seen from here on
  const shares = await Promise.all(stores.map((store) => take(store)));
  expect(shares.flat()).toHaveLength(30);
  expect(new Set(shares.flat()).size).toBe(30);
  const [first, second, third] = stores;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three were asked for');
  await third.close();
  await until('the third is not seen any more', async () => {
    const left = await Promise.all([take(first), take(second)]);
    return left.flat().length === 30 && new Set(left.flat()).size === 30;
  });
  // Whose share is empty helps out; what has waited for long is everybody's.
  const mine = await take(first);
  await database.query(`UPDATE releases SET phase = 'removed' WHERE application_id = ANY($1)`, [mine]);
  expect((await take(first)).sort()).toEqual((await take(second)).sort());
  await database.query(
    `UPDATE releases SET phase = 'waiting', updated_at = clock_timestamp() - interval '21 seconds' WHERE phase = 'removed'`,
  );
  expect((await take(second)).length).toBe(30);
});
