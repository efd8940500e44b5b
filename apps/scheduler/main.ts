import '#platform/small-heap';
import { createLogger, databaseFailure, runMain } from '#platform';
import { schedulerConfigFrom } from './config.js';
import { startScheduler } from './index.js';

await runMain(async () => {
  const { config, logLevel } = schedulerConfigFrom(process.env);
  try {
    return await startScheduler(config, { log: createLogger({ app: 'scheduler', level: logLevel }) });
  } catch (error) {
    throw databaseFailure({ app: 'scheduler', url: config.databaseUrl }, error);
  }
});
