import { systemClock } from '#domain';
import { defaultPolicy, type EnginePolicy } from '#placement';
import { createLogger, createMetrics, silentLogger } from '#platform';
import type { Store } from '#store';
import { schedulerMetrics } from '../../apps/scheduler/metrics.js';
import { Placer, type PlacerParts } from '../../apps/scheduler/placing.js';
import { Reaper } from '../../apps/scheduler/reaping/reaper.js';
import { Sweeper } from '../../apps/scheduler/sweeping/sweeper.js';
import type { TestDatabase } from '../../libs/store/testing/database.js';
import { seededIds } from './scenario.js';

export interface TestPlacer {
  placer: Placer;
  store: Store;
  /** Counters by name. */
  count(name: string): Promise<number>;
}

/** One scheduler's deciding half with a connection pool and a picture of its own. `kin/…` shares the backlog with its kin. */
export async function aPlacer(
  database: TestDatabase,
  name: string,
  batchSize = 50,
  policy: EnginePolicy = defaultPolicy,
  more: Pick<PlacerParts, 'plugins'> & Partial<Pick<PlacerParts, 'clock'>> = {},
): Promise<TestPlacer> {
  const kinship = name.includes('/') ? { applicationName: name } : {};
  const store = await database.connect('berth_scheduler', { poolSize: 3, ...kinship });
  const registry = createMetrics({ app: 'scheduler' });
  const metrics = schedulerMetrics(registry);
  const placer = new Placer({
    store,
    name,
    policy,
    ids: seededIds(name),
    metrics,
    log: silentLogger(),
    batchSize,
    clock: systemClock,
    ...more,
  });
  return {
    placer,
    store,
    count: async (counter) => {
      const values = (await registry.getMetricsAsJSON()).find((each) => each.name === counter)?.values ?? [];
      return values.reduce((sum, each) => sum + each.value, 0);
    },
  };
}

/** The reaping half, with a connection pool of its own. */
export async function aReaper(database: TestDatabase, name: string): Promise<Reaper> {
  const store = await database.connect('berth_scheduler', { poolSize: 2 });
  const metrics = schedulerMetrics(createMetrics({ app: 'scheduler' }));
  return new Reaper({ store, name, ids: seededIds(`reaper ${name}`), metrics, log: silentLogger() });
}

export async function aSweeper(database: TestDatabase, name: string, lines: object[] = []): Promise<Sweeper> {
  const store = await database.connect('berth_scheduler', { poolSize: 2 });
  const metrics = schedulerMetrics(createMetrics({ app: 'scheduler' }));
  const log = createLogger({ app: 'test', destination: { write: (line) => lines.push(JSON.parse(line)) } });
  return new Sweeper({ store, name, ids: seededIds(`sweeper ${name}`), metrics, log });
}
