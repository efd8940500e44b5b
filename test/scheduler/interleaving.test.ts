import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer, aReaper } from './placers.js';
import { component, Scenario, spec } from './scenario.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.close());

const application = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('apply' as const),
      application,
      replicas: fc.integer({ min: 0, max: 6 }),
      mcpu: fc.constantFrom(100, 250, 400),
      parts: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), application }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('place' as const), who: fc.constantFrom(0, 1), fresh: fc.boolean() }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('reap' as const), who: fc.constantFrom(0, 1) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('report' as const), ready: fc.boolean(), obey: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('grow' as const), cores: fc.integer({ min: 2, max: 4 }) }) },
);

describe('reserving and releasing in any order', () => {
  it('never reserves beyond the limit, and frees only what an agent has reported gone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 40 }), async (steps) => {
        await database.query('TRUNCATE tenants, clusters, outbox, feed, audit, decisions CASCADE');
        await database.query('TRUNCATE releases, works, reservations, tombstones, placements CASCADE');
        const scenario = new Scenario(database);
        await scenario.tenancy();
        await scenario.cluster('north', { cores: 2, nodes: 3 });
        await scenario.cluster('south', { cores: 2, nodes: 3 });
        const placers = await Promise.all(['p1', 'p2'].map((name) => aPlacer(database, `${name} ${Math.random()}`, 5)));
        const reapers = await Promise.all(['r1', 'r2'].map((name) => aReaper(database, `${name} ${Math.random()}`)));
        for (const { placer } of placers) await placer.refresh();
        const deleted = new Set<string>();
        const reserved = async () =>
          (await database.query<{ mcpu: number }>('SELECT coalesce(sum(mcpu), 0)::int AS mcpu FROM reservations'))[0]
            ?.mcpu ?? 0;
        for (const each of steps) {
          const before = await reserved();
          if (each.kind === 'apply' && !deleted.has(each.application)) {
            const { application: name, replicas, mcpu, parts } = each;
            const components = Array.from({ length: parts }, (_, index) =>
              component(`${name}-${index}`, { replicas, mcpu }),
            );
            await scenario.apply(name, spec(components));
          } else if (each.kind === 'delete' && (await scenario.phases())[each.application] === 'placed') {
            deleted.add(each.application);
            await scenario.remove(each.application);
          } else if (each.kind === 'place') {
            // A scheduler that has not looked for a while decides on what it remembers.
            if (each.fresh) {
              placers[each.who]?.placer.touchAll();
              await placers[each.who]?.placer.refresh();
            }
            await placers[each.who]?.placer.round();
          } else if (each.kind === 'reap') await reapers[each.who]?.round();
          else if (each.kind === 'report') await scenario.report({ ready: each.ready, obey: each.obey });
          else if (each.kind === 'grow')
            await database.query('UPDATE cluster_capacity SET allocatable_mcpu = greatest(allocatable_mcpu, $1)', [
              each.cores * 1000,
            ]);
          expect(await scenario.violations()).toEqual([]);
          if (each.kind !== 'reap') expect(await reserved()).toBeGreaterThanOrEqual(before);
        }
        // Left alone, everything that was released is freed: only what is held stays.
        for (let round = 0; round < 8; round++) {
          for (const reaper of reapers) await reaper.round();
          await scenario.report();
        }
        for (let round = 0; round < 3; round++) for (const reaper of reapers) await reaper.round();
        expect(await database.query(`SELECT id FROM reservations WHERE state = 'releasing'`)).toEqual([]);
        expect(await database.query('SELECT id FROM works WHERE NOT wanted')).toEqual([]);
        expect(await scenario.violations()).toEqual([]);
        await Promise.all(placers.map(({ store }) => store.close()));
      }),
      { numRuns: 12, seed: 20261122 },
    );
  }, 120_000);
});
