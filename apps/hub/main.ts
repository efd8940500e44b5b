import { createLogger, databaseFailure, runMain } from '#platform';
import { hubConfigFrom } from './config.js';
import { startHub } from './index.js';

await runMain(async () => {
  const { config, logLevel } = hubConfigFrom(process.env);
  try {
    return await startHub(config, { log: createLogger({ app: 'hub', level: logLevel }) });
  } catch (error) {
    throw databaseFailure({ app: 'hub', url: config.databaseUrl }, error);
  }
});
