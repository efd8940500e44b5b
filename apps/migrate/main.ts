import { createLogger, runMain } from '#platform';
import { migrate, migrateConfigFrom } from './index.js';

await runMain(async () => {
  const { config, logLevel } = migrateConfigFrom(process.env);
  await migrate(config, createLogger({ app: 'migrate', level: logLevel }));
  // Nothing is left open: the process ends by itself, with 0.
  return { close: () => Promise.resolve() };
});
