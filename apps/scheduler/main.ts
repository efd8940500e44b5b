import { createLogger, runMain } from '#platform';
import { schedulerConfigFrom } from './config.js';
import { startScheduler } from './index.js';

await runMain(() => {
  const { config, logLevel } = schedulerConfigFrom(process.env);
  return startScheduler(config, { log: createLogger({ app: 'scheduler', level: logLevel }) });
});
