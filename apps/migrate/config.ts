import { defineConfig, logLevels, setting } from '#platform';
import type { RuntimeRole } from '#store';

export interface MigrateConfig {
  /** The owner's URL: it may create roles and owns every table. */
  databaseUrl: string;
  /** What each run-time role logs in with. */
  passwords: Readonly<Record<RuntimeRole, string>>;
}

const read = defineConfig({
  BERTH_DATABASE_URL: setting.url(['postgres', 'postgresql']),
  BERTH_GATEWAY_PASSWORD: setting.text(),
  BERTH_SCHEDULER_PASSWORD: setting.text(),
  BERTH_HUB_PASSWORD: setting.text(),
  BERTH_LOG_LEVEL: setting.oneOf(logLevels, 'info'),
});

/** @throws StartupErrors with a line for each wrong value. */
export function migrateConfigFrom(env: Readonly<Record<string, string | undefined>>) {
  const values = read(env);
  const config: MigrateConfig = {
    databaseUrl: values.BERTH_DATABASE_URL,
    passwords: {
      berth_gateway: values.BERTH_GATEWAY_PASSWORD,
      berth_scheduler: values.BERTH_SCHEDULER_PASSWORD,
      berth_hub: values.BERTH_HUB_PASSWORD,
    },
  };
  return { config, logLevel: values.BERTH_LOG_LEVEL };
}
