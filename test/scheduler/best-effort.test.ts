import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Placer } from '../../apps/scheduler/placing.js';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer, aReaper, aSweeper } from './placers.js';
import { component, gibi, Scenario, spec, until } from './scenario.js';

let database: TestDatabase;
let scenario: Scenario;

beforeEach(async () => {
  database = await startTestDatabase();
  scenario = new Scenario(database);
  await scenario.tenancy();
});
afterEach(() => database.close());

const regular = (name: string, mcpu: number) => spec([component(`web-${name}`, { mcpu })]);
const bestEffort = (name: string, mcpu: number, { replicas = 1, priority = 0 } = {}) => ({
  ...spec([component(`web-${name}`, { mcpu, replicas })]),
  priority,
  tier: 'best-effort' as const,
});

/** As an agent's report is stored; `ageSeconds` ago. */
async function measure(cluster: string, mcpu: number, { ageSeconds = 0, memoryBytes = gibi } = {}): Promise<void> {
  await database.query(
    `UPDATE cluster_capacity SET measured_mcpu = $2, measured_memory_bytes = $3,
       measured_at = clock_timestamp() - make_interval(secs => $4) WHERE cluster_id = $1`,
    [cluster, mcpu, memoryBytes, ageSeconds],
  );
}

/** What was admitted so far is in the next measure. */
const timePasses = (minutes = 10) =>
  database.query(
    `WITH a AS (UPDATE reservations SET admitted_at = admitted_at - make_interval(mins => $1) WHERE admitted_at IS NOT NULL)
     UPDATE evictions SET created_at = created_at - make_interval(mins => $1)`,
    [minutes],
  );

async function settle(placer: Placer): Promise<void> {
  placer.touchAll();
  await placer.refresh();
  for (let round = 0; round < 20; round++) if ((await placer.round()).taken === 0) return;
  throw new Error('it does not come to rest');
}

const refusalsOf = async (application: string) => {
  const [release] = await database.query<{ reasons: string[]; message: string; wake_on: string[] }>(
    `SELECT ARRAY(SELECT x->>'reason' FROM jsonb_array_elements(refusals) x) AS reasons, refusals->0->>'message' AS message, wake_on
     FROM releases WHERE application_id = $1 ORDER BY number DESC LIMIT 1`,
    [application],
  );
  return release;
};

/** Cores that best-effort pods are expected to use, with plain sums. */
const expectedIn = async (cluster: string): Promise<number> => {
  const [row] = await database.query<{ mcpu: number }>(
    `SELECT coalesce(sum(expected_mcpu), 0)::int AS mcpu FROM reservations WHERE cluster_id = $1 AND state = 'held'`,
    [cluster],
  );
  return row?.mcpu ?? 0;
};

describe('the best-effort tier', () => {
  it('is admitted where requests are full and little is used, without requests of its own', async () => {
    await scenario.cluster('full', { cores: 10 });
    const { placer } = await aPlacer(database, 's1');
    await scenario.apply('web', regular('web', 10_000));
    await settle(placer);
    await measure('full', 2000);
    await scenario.apply('more', regular('more', 100));
    await scenario.apply('batch', bestEffort('batch', 2000, { replicas: 3 }));
    await settle(placer);
    // 8.5 − 2 × 1.1 = 6.3 cores are left to the measure.
    expect(await scenario.phases()).toEqual({ web: 'placed', more: 'refused', batch: 'placed' });
    expect(await expectedIn('full')).toBe(6000);
    const [work] = await database.query<{ manifests: object }>(
      `SELECT manifests FROM works WHERE component = 'web-batch'`,
    );
    expect(JSON.stringify(work?.manifests)).not.toContain('"requests"');
    expect(await scenario.violations()).toEqual([]);
    // What was just admitted counts until a later measure shows it.
    await scenario.apply('late', bestEffort('late', 500));
    await settle(placer);
    expect(await refusalsOf('late')).toMatchObject({
      message: expect.stringContaining(
        'has 300m cpu of measured headroom (web-late is expected to use 500m; 2 of 10 used',
      ),
      wake_on: expect.arrayContaining(['cluster.headroom']),
    });
    // Some of them use less than they said.
    await timePasses();
    await measure('full', 6500);
    await placer.refresh();
    await settle(placer);
    expect(await scenario.phases()).toMatchObject({ late: 'placed' });
  });

  it('does not go by a measure that is old, and is woken by a fresh one', async () => {
    await scenario.cluster('one', { cores: 10 });
    const { placer } = await aPlacer(database, 's1');
    await measure('one', 1000, { ageSeconds: 300 });
    await scenario.apply('batch', bestEffort('batch', 1000));
    await settle(placer);
    expect(await refusalsOf('batch')).toMatchObject({
      message: expect.stringContaining('no fresh measure'),
      wake_on: expect.arrayContaining(['cluster.headroom']),
    });
    await measure('one', 1000);
    await settle(placer);
    expect(await scenario.phases()).toEqual({ batch: 'placed' });
  });

  it('does not go by a measure that grew old since the picture was taken', async () => {
    await scenario.cluster('one', { cores: 10 });
    const { placer } = await aPlacer(database, 's1');
    await measure('one', 1000, { ageSeconds: 118 });
    placer.touchAll();
    await placer.refresh();
    await scenario.apply('batch', bestEffort('batch', 1000));
    await until('the measure is old', async () => {
      const [row] = await database.query<{ old: boolean }>(
        `SELECT measured_at < clock_timestamp() - interval '120 seconds' AS old FROM cluster_capacity`,
      );
      return row?.old === true;
    });
    for (let round = 0; round < 20; round++) if ((await placer.round()).taken === 0) break;
    expect(await scenario.phases()).toEqual({ batch: 'refused' });
  });

  it('stays below the ceiling under two schedulers that race', async () => {
    await scenario.cluster('hot', { cores: 10 });
    await measure('hot', 2000);
    const placers = [await aPlacer(database, 'left'), await aPlacer(database, 'right')];
    for (let at = 0; at < 20; at++) await scenario.apply(`b${at}`, bestEffort(`b${at}`, 1000));
    for (const { placer } of placers) {
      placer.touchAll();
      await placer.refresh();
    }
    for (let round = 0; round < 20; round++) {
      const rounds = await Promise.all(placers.map(({ placer }) => placer.round()));
      expect(await expectedIn('hot')).toBeLessThanOrEqual(6300);
      if (rounds.every(({ taken }) => taken === 0)) break;
      for (const { placer } of placers) await placer.refresh();
    }
    expect(await expectedIn('hot')).toBe(6000);
    expect(Object.values(await scenario.phases()).filter((phase) => phase === 'placed')).toHaveLength(6);
  });

  it('never holds regular work back', async () => {
    await scenario.cluster('one', { cores: 10 });
    await measure('one', 0);
    const { placer } = await aPlacer(database, 's1');
    await scenario.apply('batch', bestEffort('batch', 8000));
    await settle(placer);
    await scenario.apply('web', regular('web', 10_000));
    await settle(placer);
    expect(await scenario.phases()).toEqual({ batch: 'placed', web: 'placed' });
    expect(await scenario.violations()).toEqual([]);
  });

  it('is evicted when too much is used, lowest and newest first, as many as needed, once a measure', async () => {
    await scenario.cluster('hot', { cores: 10 });
    await measure('hot', 0);
    const { placer } = await aPlacer(database, 's1');
    const [sweeper, second] = [await aSweeper(database, 'w1'), await aSweeper(database, 'w2')];
    const reaper = await aReaper(database, 'r1');
    await scenario.apply('web', regular('web', 4000));
    await scenario.apply('high', bestEffort('high', 1000, { priority: 5 }));
    for (const name of ['old', 'mid', 'new']) {
      await scenario.apply(name, bestEffort(name, 1000));
      await settle(placer);
    }
    await timePasses();
    await measure('hot', 8100);
    expect(await sweeper.evict()).toBe(0); // 8.91 of 9: between the ceiling and the high-water mark nobody goes
    await measure('hot', 9000);
    // 9.9 cores with safety, the ceiling is 8.5: two of one core each.
    expect((await Promise.all([sweeper.evict(), second.evict()])).sort()).toEqual([0, 2]);
    expect(await scenario.phases()).toEqual({
      web: 'placed',
      high: 'placed',
      old: 'placed',
      mid: 'waiting',
      new: 'waiting',
    });
    expect(await refusalsOf('new')).toMatchObject({ reasons: ['Evicted'] });
    // The measure falls only later: nobody else goes for it, and nobody comes back.
    expect(await sweeper.evict()).toBe(0);
    await settle(placer);
    expect(await scenario.phases()).toMatchObject({ mid: 'refused', new: 'refused' });
    expect(await refusalsOf('new')).toMatchObject({ reasons: ['NoMeasuredHeadroom', 'Evicted'] });
    // They go elsewhere as soon as there is somewhere.
    await scenario.cluster('cool', { cores: 2 });
    await measure('cool', 0);
    for (let round = 0; round < 4; round++) {
      await scenario.report();
      await reaper.round();
    }
    await settle(placer);
    expect(await expectedIn('cool')).toBe(1000);
    expect(await scenario.violations()).toEqual([]);
    await timePasses(20);
    await measure('hot', 9000);
    expect(await sweeper.evict()).toBe(2);
    expect(await scenario.phases()).toMatchObject({ web: 'placed' });
  });
});
