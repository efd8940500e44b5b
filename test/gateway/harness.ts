import { wire } from '#contract';
import { openChannel, type RpcChannel, RpcError } from '#platform';
import {
  type Gateway,
  type GatewayConfig,
  type GatewayOptions,
  gatewayDefaults,
  startGateway,
} from '../../apps/gateway/index.js';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';

/** A gateway on a database of its own, as a process would run it. */
export interface GatewayHarness {
  db: TestDatabase;
  gateway: Gateway;
  operatorKey: string;
  /** Owner's key of tenant `default`. */
  ownerKey: string;
  /** Clients that carry a key; undefined: none. */
  as(key: string | undefined): Clients;
  close(): Promise<void>;
}

const clientsOn = (channel: RpcChannel) => ({
  tenancy: channel.client(wire.TenancyService),
  applications: channel.client(wire.ApplicationService),
  clusters: channel.client(wire.ClusterService),
  operations: channel.client(wire.OperationService),
  workloads: channel.client(wire.WorkloadService),
});
export type Clients = ReturnType<typeof clientsOn>;

export const fingerprint = 'ab'.repeat(32);

export async function startGatewayHarness(
  options: Partial<GatewayOptions> = {},
  config: Partial<GatewayConfig> = {},
): Promise<GatewayHarness> {
  const db = await startTestDatabase();
  // Hub and scheduler order the feed; here their part is played alone.
  const sequencing = await db.connect('berth_scheduler');
  sequencing.feed.startSequencer();
  const local = { host: '127.0.0.1', port: 0 };
  const gateway = await startGateway(
    { ...gatewayDefaults, databaseUrl: db.urlFor('berth_gateway'), grpc: local, http: local, ...config },
    { enrolment: { hubAddress: 'hub.example:7443', authorityFingerprint: () => fingerprint }, ...options },
  );
  const channels: RpcChannel[] = [];
  const clients = new Map<string | undefined, Clients>();
  const as = (key: string | undefined): Clients => {
    const open = clients.get(key);
    if (open !== undefined) return open;
    const metadata = (): Record<string, string> => (key === undefined ? {} : { authorization: `Bearer ${key}` });
    const channel = openChannel({ address: gateway.grpcAddress, metadata });
    channels.push(channel);
    const made = clientsOn(channel);
    clients.set(key, made);
    return made;
  };
  return {
    db,
    gateway,
    operatorKey: gateway.firstKeys?.operatorKey ?? '',
    ownerKey: gateway.firstKeys?.ownerKey ?? '',
    as,
    close: async () => {
      for (const channel of channels) channel.close();
      await gateway.close();
      await db.close();
    },
  };
}

/** The error that a call fails with. */
export async function refusalOf(call: Promise<unknown>): Promise<RpcError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error('the call was not refused');
}

/** The smallest application: one component of one container. */
export const specOf = (
  replicas = 1,
  name = 'web',
): {
  components: {
    name: string;
    replicas: number;
    containers: { image: string; requests: { cpu: string; memory: string } }[];
  }[];
} => ({
  components: [{ name, replicas, containers: [{ image: 'nginx:1.27', requests: { cpu: '100m', memory: '64Mi' } }] }],
});
