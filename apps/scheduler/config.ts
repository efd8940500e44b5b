import { defineConfig, logLevels, setting } from '#platform';
import type { PluginSettings } from '#plugins';

/** What a scheduler needs to know. */
export interface SchedulerConfig {
  /** `postgres://berth_scheduler:…`. */
  databaseUrl: string;
  /** `postgres://…` or `redis://…`. */
  queueUrl: string;
  /** Where health and metrics are served; undefined: nowhere. */
  health: { host: string; port: number } | undefined;
  /** Releases decided in one transaction at most. */
  batchSize: number;
  /** Connections to Postgres. */
  poolSize: number;
  /** How late a lost wake-up is made good. */
  scanIntervalMs: number;
  /** How often it is looked for what is overdue. */
  sweepIntervalMs: number;
  /** How often the whole fleet is read again, whatever was heard. */
  rereadIntervalMs: number;
  /** Asked before releases are decided; gateways are given the same. */
  plugins: readonly PluginSettings[];
}

export const schedulerDefaults = {
  health: undefined,
  batchSize: 200,
  poolSize: 6,
  scanIntervalMs: 2_000,
  sweepIntervalMs: 5_000,
  rereadIntervalMs: 60_000,
  plugins: [],
} as const satisfies Omit<SchedulerConfig, 'databaseUrl' | 'queueUrl'>;

const addressForm = /^(.+):([0-9]{1,5})$/;
const isAddress = (text: string | undefined): boolean => text === undefined || addressForm.test(text);

const parse = defineConfig({
  BERTH_DATABASE_URL: setting.url(['postgres', 'postgresql']),
  BERTH_QUEUE_URL: setting.url(['postgres', 'postgresql', 'redis', 'rediss']).optional(),
  BERTH_SCHEDULER_HTTP_ADDRESS: setting
    .optionalText()
    .refine(isAddress, { error: 'host:port, like 127.0.0.1:7072; not set: nothing is served' }),
  BERTH_SCHEDULER_BATCH: setting.integer(1, 1_000, schedulerDefaults.batchSize),
  BERTH_PLUGINS: setting.optionalText(),
  BERTH_LOG_LEVEL: setting.oneOf(logLevels, 'info'),
});

export function schedulerConfigFrom(env: Readonly<Record<string, string | undefined>>) {
  const read = parse(env);
  const [, host, port] = addressForm.exec(read.BERTH_SCHEDULER_HTTP_ADDRESS ?? '') ?? [];
  const config: SchedulerConfig = {
    ...schedulerDefaults,
    databaseUrl: read.BERTH_DATABASE_URL,
    queueUrl: read.BERTH_QUEUE_URL ?? read.BERTH_DATABASE_URL,
    health: host === undefined ? undefined : { host, port: Number(port) },
    batchSize: read.BERTH_SCHEDULER_BATCH,
  };
  return { config, pluginsFile: read.BERTH_PLUGINS, logLevel: read.BERTH_LOG_LEVEL };
}
