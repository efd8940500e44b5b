import { createLogger, runMain } from '#platform';
import { hubConfigFrom } from './config.js';
import { startHub } from './index.js';

await runMain(() => {
  const { config, logLevel } = hubConfigFrom(process.env);
  return startHub(config, { log: createLogger({ app: 'hub', level: logLevel }) });
});
