import '#platform/small-heap';
import { createLogger, databaseFailure, runMain } from '#platform';
import { preferSpeedFromHere } from '#platform/small-heap';
import { readPluginsFile } from '#plugins';
import { schedulerConfigFrom } from './config.js';
import { startScheduler } from './index.js';

await runMain(async () => {
  const { config: own, pluginsFile, logLevel } = schedulerConfigFrom(process.env);
  const config = pluginsFile === undefined ? own : { ...own, plugins: await readPluginsFile(pluginsFile) };
  try {
    const scheduler = await startScheduler(config, { log: createLogger({ app: 'scheduler', level: logLevel }) });
    preferSpeedFromHere();
    return scheduler;
  } catch (error) {
    throw databaseFailure({ app: 'scheduler', url: config.databaseUrl }, error);
  }
});
