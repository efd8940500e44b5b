import '#platform/small-heap';
import { createLogger, databaseFailure, runMain } from '#platform';
import { preferSpeedFromHere } from '#platform/small-heap';
import { readPluginsFile } from '#plugins';
import { certificateIn, fingerprintIn, gatewayConfig } from './config.js';
import { firstKeysNotice, startGateway } from './index.js';

await runMain(async () => {
  const { config: own, hubAddress, authorityFile, pluginsFile, logLevel } = gatewayConfig(process.env);
  const config = pluginsFile === undefined ? own : { ...own, plugins: await readPluginsFile(pluginsFile) };
  const log = createLogger({ app: 'gateway', level: logLevel });
  const enrolment = {
    hubAddress,
    authorityFingerprint: () => fingerprintIn(authorityFile),
    authorityCertificate: () => certificateIn(authorityFile),
  };
  try {
    const gateway = await startGateway(config, { log, enrolment });
    if (gateway.firstKeys !== undefined) process.stderr.write(firstKeysNotice(gateway.firstKeys));
    preferSpeedFromHere();
    return gateway;
  } catch (error) {
    throw databaseFailure({ app: 'gateway', url: config.databaseUrl }, error);
  }
});
