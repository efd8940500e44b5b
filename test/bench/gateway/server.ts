import { fromBinary } from '@bufbuild/protobuf';
import { Module } from '@nestjs/common';
import { wire } from '#contract';
import { systemClock } from '#domain';
import { RpcHost, RpcModule, silentLogger, startNest } from '#platform';
import { connectStore } from '#store';
import { bootstrap } from '../../../apps/gateway/bootstrap.js';
import { type GatewayConfig, gatewayDefaults } from '../../../apps/gateway/config.js';
import { systemIds } from '../../../apps/gateway/identities.js';
import { GatewayModule } from '../../../apps/gateway/module.js';
import { BareController } from './bare.js';
import { serveCommands } from './child.js';
import type { MemoryFigures, ServerAddresses, ServerCommands } from './messages.js';

/**
 * The gateway's own Nest application, with one more controller that does nothing. That one has a port of its own,
 * since the gateway's authenticates every method: same process, same framework, same pipeline.
 */
@Module({})
class BenchModule {}

let bare: BareController | undefined;
const ends: (() => Promise<void>)[] = [];

async function start({ databaseUrl }: { databaseUrl: string }): Promise<ServerAddresses> {
  const listen = { host: '127.0.0.1', port: 0 };
  const config: GatewayConfig = { ...gatewayDefaults, databaseUrl, grpc: listen, http: listen };
  const log = silentLogger();
  const store = await connectStore({
    url: databaseUrl,
    poolSize: config.poolSize,
    applicationName: 'berth-gateway',
    log,
  });
  const firstKeys = await bootstrap(store, systemIds, config.bootstrap);
  const enrolment = { hubAddress: '127.0.0.1:7443', authorityFingerprint: () => undefined };
  const seams = { clock: systemClock, ids: systemIds, log, enrolment };
  const gateway = GatewayModule.forRoot({ config, store, seams, observe: undefined });
  const openDoor = RpcModule.forRoot({ app: 'bare', log, grpc: listen, authenticate: () => undefined });
  const app = await startNest({ module: BenchModule, imports: [gateway, openDoor], providers: [BareController] }, log);
  bare = app.get(BareController);
  ends.push(async () => {
    await app.close();
    await store.close();
  });
  const servers = app.get(RpcHost, { strict: false, each: true }).map(({ server }) => server);
  // Only the gateway serves JSON as well.
  const [shipped] = servers.filter(({ httpAddress }) => httpAddress !== undefined);
  const [open] = servers.filter(({ httpAddress }) => httpAddress === undefined);
  if (shipped === undefined || open === undefined || firstKeys === undefined)
    throw new Error('the bench needs an empty database, a gateway and a bare server');
  return { gateway: shipped.grpcAddress, bare: open.grpcAddress, ownerKey: firstKeys.ownerKey };
}

async function hold({ application }: { application: string }): Promise<null> {
  if (bare === undefined) throw new Error('the server is not started');
  bare.held = fromBinary(wire.ApplicationSchema, Buffer.from(application, 'base64'));
  return null;
}

async function memory(): Promise<MemoryFigures> {
  if (globalThis.gc === undefined) throw new Error('the server needs --expose-gc');
  // More than once, with time between: what is held weakly or closed by a callback goes a collection later.
  for (let round = 0; round < 6; round++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}

async function cpu(): Promise<number> {
  const { user, system } = process.cpuUsage();
  return user + system;
}

serveCommands<ServerCommands>({ start, hold, memory, cpu }, async () => {
  for (const end of ends) await end();
});
