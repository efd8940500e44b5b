import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { defaultPolicy, type EnginePolicy } from '#placement';
import { updateQuota } from '#store';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer, aReaper, aSweeper } from './placers.js';
import { follow, refused, web } from './refusals.js';
import { component, Scenario, spec } from './scenario.js';

let database: TestDatabase;
let scenario: Scenario;

beforeEach(async () => {
  database = await startTestDatabase();
  scenario = new Scenario(database);
  await scenario.tenancy();
});
afterEach(() => database.close());

/** Filters as they are, and how often the engine asked any of them. */
function countingPolicy(): { policy: EnginePolicy; asked: () => number } {
  let asked = 0;
  const filters = defaultPolicy.filters.map((filter) => ({
    ...filter,
    admits: (at: Parameters<typeof filter.admits>[0]) => {
      asked += 1;
      return filter.admits(at);
    },
  }));
  return { policy: { ...defaultPolicy, filters }, asked: () => asked };
}

const reasonOf = async (application: string): Promise<string | undefined> => {
  const [release] = await database.query<{ reason: string }>(
    `SELECT refusals->0->>'reason' AS reason FROM releases WHERE application_id = $1 ORDER BY number DESC LIMIT 1`,
    [application],
  );
  return release?.reason;
};

describe('waking', () => {
  it.each(Object.entries(refused))(
    '%s: places by itself what was refused, when the reason goes and not before',
    async (_, c) => {
      for (const [id, fixture] of Object.entries(c.fleet)) await scenario.cluster(id, fixture);
      if (c.given !== undefined) await database.query(c.given);
      const { placer, count } = await aPlacer(database, 's1');
      await placer.refresh();
      if (c.before !== undefined) {
        await scenario.apply('front', c.before);
        expect(await placer.round()).toMatchObject({ taken: 1, placed: 1 });
      }
      await scenario.apply('front', c.asks);
      expect(await placer.round()).toMatchObject({ taken: 1, refused: 1 });
      const reasons = await database.query<{ reason: string }>(
        `SELECT unnest(x->>'reason' || ARRAY(SELECT jsonb_object_keys(x->'facts'))) AS reason
         FROM releases, jsonb_array_elements(refusals) x`,
      );
      expect(reasons.map(({ reason }) => reason)).toContain(c.reason);
      const heard = async (change: string, where: readonly string[] = [...Object.keys(c.fleet), 'south']) => {
        await follow(scenario, change, where);
        if (change.startsWith('an application')) expect(await placer.round()).toMatchObject({ taken: 1, placed: 1 });
        for (const id of where) placer.touch(id);
        await placer.refresh();
        return placer.round();
      };
      expect(await heard(c.useless)).toMatchObject({ taken: 0 });
      expect(await count('berth_scheduler_woken_total')).toBe(0);
      expect(await heard(c.cure, c.heard)).toMatchObject({ taken: 1, placed: 1 });
      expect(await scenario.violations()).toEqual([]);
    },
  );

  it('names every filter of the engine', () => {
    const named = Object.keys(refused).map((name) => name.split(/[ ,]/)[0]);
    for (const { name } of defaultPolicy.filters) expect(named).toContain(name);
  });

  describe('for quota', () => {
    const twice = spec([component('web', { mcpu: 600 })], { division: 'duplicated', minClusters: 2, maxClusters: 2 });
    const tight = { tenant: 'acme', project: 'tight' };

    /** Refused, 200m short of what it needs where it would be placed. */
    async function short() {
      await scenario.tenancy('acme', 'tight', 'production', { mcpu: 1600 });
      await scenario.cluster('north');
      await scenario.cluster('south');
      const tested = await aPlacer(database, 's1');
      await tested.placer.refresh();
      await scenario.apply('other', web({}, { mcpu: 600 }), tight);
      await tested.placer.round();
      await scenario.apply('wide', twice, tight);
      expect(await tested.placer.round()).toMatchObject({ refused: 1 });
      expect(await reasonOf('wide')).toBe('QuotaExceeded');
      await database.query('DELETE FROM outbox');
      return tested.placer;
    }
    const setQuota = async (mcpu: number | undefined) => {
      const gateway = await database.connect('berth_gateway', { poolSize: 2 });
      const quota = { mcpu, memoryBytes: undefined, pods: undefined };
      await gateway.unitOfWork.run({ kind: 'operator', actor: 'test' }, (tx) => updateQuota(tx, tight, quota));
    };
    const announced = () => database.query(`SELECT tenant_id, resource FROM outbox WHERE kind = 'release'`);

    it.each([1800, undefined])(
      'wakes at once what a quota of %s lets in, and a scheduler hears of it',
      async (enough) => {
        const placer = await short();
        await setQuota(1799);
        expect(await announced()).toEqual([]);
        expect(await placer.round()).toMatchObject({ taken: 0 });
        await setQuota(enough);
        expect(await announced()).toEqual([{ tenant_id: 'acme', resource: 'tight/production/2' }]);
        expect(await placer.round()).toMatchObject({ taken: 1, placed: 1 });
      },
    );

    it('wakes what the charge of a removed release makes room for', async () => {
      const placer = await short();
      const reaper = await aReaper(database, 's1');
      await scenario.remove('other');
      const isDone = async () => (await scenario.phases()).other === 'removed';
      for (let round = 0; round < 20 && !(await isDone()); round++) {
        expect(await scenario.phases()).toMatchObject({ wide: 'refused' });
        await reaper.round();
        await scenario.report();
      }
      expect(await scenario.phases()).toMatchObject({ other: 'removed', wide: 'waiting' });
      await placer.refresh();
      expect(await placer.round()).toMatchObject({ taken: 1, placed: 1 });
      expect(await scenario.violations()).toEqual([]);
    });

    it('wakes none of another project', async () => {
      await short();
      const gateway = await database.connect('berth_gateway', { poolSize: 2 });
      const quota = { mcpu: undefined, memoryBytes: undefined, pods: undefined };
      const shop = { tenant: 'acme', project: 'shop' };
      await gateway.unitOfWork.run({ kind: 'operator', actor: 'test' }, (tx) => updateQuota(tx, shop, quota));
      expect(await announced()).toEqual([]);
      expect(await scenario.phases()).toMatchObject({ wide: 'refused' });
    });
  });

  it('asks the engine nothing and reads the backlog alone while 10,000 are refused and nothing changes', async () => {
    await scenario.cluster('north', { cores: 1 });
    await scenario.apply('huge', web({}, { mcpu: 2000 }));
    const { policy, asked } = countingPolicy();
    const { placer, store } = await aPlacer(database, 's1', 50, policy);
    await placer.refresh();
    expect(await placer.round()).toMatchObject({ refused: 1 });
    expect(asked()).toBeGreaterThan(0);
    await database.query(
      `INSERT INTO releases (tenant_id, project_id, environment_id, number, application_id, application_uid, revision,
         config_version, author, phase, refusals, wake_on, deadline)
       SELECT tenant_id, project_id, environment_id, 1000 + i, application_id || i, gen_random_uuid(), revision,
         config_version, author, phase, refusals, wake_on, deadline
       FROM releases CROSS JOIN generate_series(1, 9999) i WHERE application_id = 'huge'`,
    );
    const before = asked();
    const read = vi.spyOn(store.unitOfWork, 'read');
    const run = vi.spyOn(store.unitOfWork, 'run');
    for (let scan = 0; scan < 30; scan++) {
      await placer.refresh(7n);
      expect(await placer.round()).toMatchObject({ taken: 0 });
    }
    expect([asked() - before, run.mock.calls.length, read.mock.calls.length]).toEqual([0, 0, 30]);
    const sweeper = await aSweeper(database, 's1');
    expect(await sweeper.round()).toBe(0);
    // What the deadline of ten minutes costs when all of it falls due at once: bounded batches.
    await database.query(`UPDATE releases SET deadline = clock_timestamp() - interval '1 second'`);
    expect(await sweeper.round()).toBe(500);
    expect(await database.query(`SELECT FROM releases WHERE phase = 'waiting'`)).toHaveLength(500);
  });
});
