import { afterAll, beforeAll, expect, it } from 'vitest';
import { stateOf } from '#decision';
import { Snapshot } from '#placement';
import { placementStore, type Store } from '#store';
import type { FleetPicture } from '../../apps/scheduler/fleet/picture.js';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer } from './placers.js';
import { component, Scenario, spec } from './scenario.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

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
  expect(await placer.round()).toMatchObject({ placed: 3 });
  await expectTrue(placer.picture, store);
  // Decided on figures that the first one's commit has changed: what was locked is read, and known from then on.
  expect((await other.placer.round()).placed).toBe(3);
  for (const id of placer.picture.readings.keys()) placer.touch(id);
  await placer.refresh();
  await expectTrue(placer.picture, store);
  // Works that are there already change.
  await scenario.apply('app-0', spec([component('web', { replicas: 7, mcpu: 200 })], policy));
  await scenario.apply('app-9', spec([component('web', { mcpu: 200 })]));
  expect(await placer.round()).toMatchObject({ placed: 2 });
  await expectTrue(placer.picture, store);
});
