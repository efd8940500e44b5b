import '#platform/small-heap';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createLogger, databaseFailure, runMain } from '#platform';
import { preferSpeedFromHere } from '#platform/small-heap';
import { hubConfigFrom } from './config.js';
import { startHub } from './index.js';

/** The authority's certificate, for gateways to name in enrolment tokens. Nothing secret. */
async function publish(path: string, certificate: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, certificate, { mode: 0o644 });
}

await runMain(async () => {
  const { config, authorityFile, logLevel } = hubConfigFrom(process.env);
  try {
    const hub = await startHub(config, { log: createLogger({ app: 'hub', level: logLevel }) });
    preferSpeedFromHere();
    if (authorityFile !== undefined) await publish(authorityFile, hub.authorityCertificate);
    return hub;
  } catch (error) {
    throw databaseFailure({ app: 'hub', url: config.databaseUrl }, error);
  }
});
