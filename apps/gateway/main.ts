import { Unavailable } from '#domain';
import { createLogger, runMain, StartupError } from '#platform';
import { fingerprintIn, gatewayConfig } from './config.js';
import { firstKeysNotice, startGateway } from './index.js';

await runMain(async () => {
  const { config, hubAddress, hubDirectory, logLevel } = gatewayConfig(process.env);
  const log = createLogger({ app: 'gateway', level: logLevel });
  const enrolment = { hubAddress, authorityFingerprint: () => fingerprintIn(hubDirectory) };
  try {
    const gateway = await startGateway(config, { log, enrolment });
    if (gateway.firstKeys !== undefined) process.stderr.write(firstKeysNotice(gateway.firstKeys));
    return gateway;
  } catch (cause) {
    if (!(cause instanceof Unavailable)) throw cause;
    const { host } = new URL(config.databaseUrl);
    throw new StartupError(`gateway: the database at ${host} does not answer (BERTH_DATABASE_URL)`, { cause });
  }
});
