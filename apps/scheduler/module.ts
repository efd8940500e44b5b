import { type DynamicModule, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Clock, Ids } from '#domain';
import { defaultPolicy, type EnginePolicy, withPlugins } from '#placement';
import { createMetrics, type HealthEndpoint, type Logger, queueFailure, startHealthEndpoint } from '#platform';
import { type Asking, PluginHost } from '#plugins';
import { connectQueue, type Queue } from '#queue';
import { connectStore, type Store } from '#store';
import type { SchedulerConfig } from './config.js';
import { jobHandlers, type SchedulerJob, schedulerJobs } from './jobs.js';
import { type SchedulerMetrics, schedulerMetrics } from './metrics.js';
import { Placer } from './placing.js';
import { Reaper } from './reaping/reaper.js';
import { Scheduler } from './scheduler.js';
import { Sweeper } from './sweeping/sweeper.js';

/** What is handed in, so that a simulation can hand in its own. */
export interface SchedulerSeams {
  log: Logger;
  clock: Clock;
  ids: Ids;
  /** Names this process in audit and logs; different for each. */
  name: string;
  policy?: EnginePolicy;
}

const tokens = {
  store: Symbol('scheduler:store'),
  queue: Symbol('scheduler:queue'),
  health: Symbol('scheduler:health'),
  plugins: Symbol('scheduler:plugins'),
};

/** Ends what runs in the order in which it stands on each other. */
@Injectable()
class Shutdown implements OnApplicationShutdown {
  constructor(
    private readonly scheduler: Scheduler,
    @Inject(tokens.queue) private readonly queue: Queue<SchedulerJob>,
    @Inject(tokens.store) private readonly store: Store,
    @Inject(tokens.health) private readonly health: HealthEndpoint | undefined,
    @Inject(tokens.plugins) private readonly plugins: PluginHost | undefined,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await this.scheduler.stop();
    await this.plugins?.close();
    await this.queue.close();
    await this.health?.close();
    await this.store.close();
  }
}

@Module({})
export class SchedulerModule {
  static forRoot(config: SchedulerConfig, seams: SchedulerSeams): DynamicModule {
    const registry = createMetrics({ app: 'scheduler', processFigures: config.health !== undefined });
    const metrics = schedulerMetrics(registry);
    const { log, name, ids } = seams;
    return {
      module: SchedulerModule,
      providers: [
        {
          provide: tokens.store,
          useFactory: () =>
            connectStore({
              url: config.databaseUrl,
              poolSize: config.poolSize,
              applicationName: `berth-scheduler/${name}`,
              log,
            }),
        },
        {
          provide: Sweeper,
          inject: [tokens.store],
          useFactory: (store: Store) => new Sweeper({ store, name, ids, metrics, log }),
        },
        {
          provide: tokens.queue,
          inject: [tokens.store, Sweeper],
          useFactory: (store: Store, sweeper: Sweeper) => {
            const handlers = jobHandlers({ store, sweeper, log, name });
            const { queueUrl: url, databaseUrl } = config;
            return connectQueue({ url, name: 'scheduler', jobs: schedulerJobs, handlers, log }).catch(
              (error: unknown) => {
                throw url === databaseUrl ? error : queueFailure({ app: 'scheduler', url }, error);
              },
            );
          },
        },
        {
          provide: Scheduler,
          // After the health endpoint: nothing is begun by a process that cannot start.
          inject: [tokens.store, tokens.queue, Sweeper, tokens.plugins, tokens.health],
          useFactory: (store: Store, queue: Queue<SchedulerJob>, sweeper: Sweeper, plugins: PluginHost | undefined) =>
            compose({ config, seams, metrics, store, queue, sweeper, plugins }),
        },
        { provide: tokens.plugins, inject: [tokens.health], useFactory: () => openPlugins(config, seams, metrics) },
        {
          provide: tokens.health,
          inject: [tokens.store],
          useFactory: (store: Store) =>
            config.health &&
            startHealthEndpoint({
              app: 'scheduler',
              ...config.health,
              setting: 'BERTH_SCHEDULER_HTTP_ADDRESS',
              registry,
              ready: { database: () => store.ping().then(() => true) },
            }),
        },
        Shutdown,
      ],
    };
  }
}

/** None, and no cost, where none are configured. */
async function openPlugins(
  { plugins }: SchedulerConfig,
  { log, clock }: SchedulerSeams,
  { pluginSeconds }: SchedulerMetrics,
): Promise<PluginHost | undefined> {
  if (plugins.length === 0) return undefined;
  const observe = ({ plugin, outcome, seconds }: Asking): void => pluginSeconds.observe({ plugin, outcome }, seconds);
  const host = new PluginHost(plugins, { log, clock, observe });
  await host.start();
  return host;
}

async function compose(parts: {
  config: SchedulerConfig;
  seams: SchedulerSeams;
  metrics: SchedulerMetrics;
  store: Store;
  queue: Queue<SchedulerJob>;
  sweeper: Sweeper;
  plugins: PluginHost | undefined;
}): Promise<Scheduler> {
  const { config, seams, metrics, store, queue, sweeper, plugins } = parts;
  const { name, ids, log, clock } = seams;
  const { batchSize } = config;
  const policy = withPlugins(seams.policy ?? defaultPolicy, plugins?.plugins ?? []);
  const placer = new Placer({ store, name, policy, ids, metrics, log, clock, batchSize, plugins });
  const reaper = new Reaper({ store, name, ids, metrics, log });
  const scheduler = new Scheduler({ config, store, queue, placer, reaper, sweeper, clock, metrics, log });
  await scheduler.start();
  return scheduler;
}
