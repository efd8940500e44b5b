import { systemClock } from '#domain';
import { RpcHost, type RpcObserver, silentLogger, startNest } from '#platform';
import { PluginHost } from '#plugins';
import { connectStore } from '#store';
import { bootstrap, type FirstKeys } from './bootstrap.js';
import type { GatewayConfig } from './config.js';
import { systemIds } from './identities.js';
import { GatewayModule } from './module.js';
import type { EnrolmentPoint, GatewaySeams } from './parts.js';

export { type FirstKeys, firstKeysNotice } from './bootstrap.js';
export { type GatewayConfig, gatewayDefaults, type ListenAddress } from './config.js';
export type { EnrolmentPoint, GatewaySeams } from './parts.js';

/** What is handed to a gateway; what is left out is the process' own. */
export interface GatewayOptions extends Partial<Omit<GatewaySeams, 'enrolment'>> {
  enrolment: EnrolmentPoint;
  observe?: RpcObserver;
}

export interface Gateway {
  /** host:port of gRPC. */
  readonly grpcAddress: string;
  /** host:port of JSON over HTTP, when it is served. */
  readonly httpAddress: string | undefined;
  /** The keys that the first start of an empty store has made; undefined at every later one. */
  readonly firstKeys: FirstKeys | undefined;
  close(): Promise<void>;
}

/**
 * Starts a gateway on a migrated database.
 *
 * @throws StartupError when a port is in use, Unavailable when the database does not answer.
 */
export async function startGateway(config: GatewayConfig, options: GatewayOptions): Promise<Gateway> {
  const { clock = systemClock, ids = systemIds, log = silentLogger(), enrolment, observe } = options;
  const seams: GatewaySeams = { clock, ids, log, enrolment };
  const { databaseUrl: url, poolSize } = config;
  const plugins = config.plugins.length === 0 ? undefined : new PluginHost(config.plugins, { log, clock });
  const store = await connectStore({ url, poolSize, applicationName: 'berth-gateway', log });
  try {
    const firstKeys = await bootstrap(store, ids, config.bootstrap);
    await plugins?.start();
    const app = await startNest(GatewayModule.forRoot({ config, store, plugins, seams, observe }), log);
    const { server } = app.get(RpcHost, { strict: false });
    return {
      grpcAddress: server.grpcAddress,
      httpAddress: server.httpAddress,
      firstKeys,
      close: async () => {
        await app.close();
        await plugins?.close();
        await store.close();
      },
    };
  } catch (error) {
    await plugins?.close();
    await store.close();
    throw error;
  }
}
