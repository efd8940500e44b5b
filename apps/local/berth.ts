import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wire } from '#contract';
import { connectCluster, kubeMember } from '#kube';
import { type Logger, openChannel, StartupError, silentLogger } from '#platform';
import { memoryKeeper, type RunningAgent, startAgent } from '../agent/index.js';
import { type Gateway, gatewayDefaults, startGateway } from '../gateway/index.js';
import { hubDefaults, type RunningHub, startHub } from '../hub/index.js';
import { schedulerDefaults, startScheduler } from '../scheduler/index.js';
import { type LocalDatabase, startLocalDatabase } from './database.js';
import { areFree, host, type Ports, systemsChoice } from './ports.js';

/** A member cluster as an operator registers it, and how its agent reaches it. */
export interface JoiningMember {
  cluster: string;
  region: string;
  zone: string;
  provider: string;
  labels: Record<string, string>;
  /** YAML. */
  kubeconfig: string;
}

export interface LocalBerthOptions {
  /** Closed with the rest; a PostgreSQL of its own when left out. */
  database?: LocalDatabase;
  log?: Logger;
  /** Taken when all of them are free; else, and when left out, the system chooses. */
  ports?: Ports;
  /** Hears of each part that runs. */
  progress?: (line: string) => void;
}

/** Gateway, scheduler and hub in this process, on loopback. */
export interface LocalBerth {
  gateway: { address: string; httpAddress: string };
  hub: { address: string };
  /** Full API keys: the fleet's operator, and the owner of tenant `default`. */
  keys: { operator: string; owner: string };
  /** Registers a cluster through the public API and starts its agent with the token. */
  join(member: JoiningMember): Promise<void>;
  close(): Promise<void>;
}

/** What was started, ended in the opposite order. */
class Started {
  private readonly ends: (() => Promise<void>)[] = [];

  add<T extends { close(): Promise<void> }>(part: T): T {
    this.ends.unshift(() => part.close());
    return part;
  }

  /** Every part gets its end, also when another's fails; the first failure is told. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const end of this.ends.splice(0)) await end().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  }
}

export async function startLocalBerth(options: LocalBerthOptions = {}): Promise<LocalBerth> {
  const started = new Started();
  try {
    return await startParts(options, started);
  } catch (error) {
    await started.close();
    throw error;
  }
}

async function startParts(options: LocalBerthOptions, started: Started): Promise<LocalBerth> {
  const { log = silentLogger(), progress = () => undefined, ports: wanted = systemsChoice } = options;
  const database = started.add(options.database ?? (await startLocalDatabase()));
  progress('PostgreSQL, migrated, with a role for each part');
  const { hub: ownHub, ports } = await startHubFirst(database, (await areFree(wanted)) ? wanted : systemsChoice, log);
  const hub = started.add(ownHub);
  const gateway = started.add(await startLocalGateway(database, hub, ports, log));
  const schedulerUrl = database.urlFor('berth_scheduler');
  started.add(
    await startScheduler({ ...schedulerDefaults, databaseUrl: schedulerUrl, queueUrl: schedulerUrl }, { log }),
  );
  const { firstKeys, grpcAddress, httpAddress = '' } = gateway;
  if (firstKeys === undefined) throw new Error('the database of a local Berth was not empty');
  progress(`gateway on ${grpcAddress}, scheduler, queue, hub on ${hub.address}`);
  return {
    gateway: { address: grpcAddress, httpAddress },
    hub: { address: hub.address },
    keys: { operator: firstKeys.operatorKey, owner: firstKeys.ownerKey },
    join: async (member) => {
      const token = await register(member, grpcAddress, firstKeys.operatorKey);
      started.add(await startLocalAgent(member, hub.address, token, log));
    },
    close: () => started.close(),
  };
}

/**
 * The hub's port decides between several that want the same ports at the same moment: whoever does not get it leaves all
 * of them alone.
 */
async function startHubFirst(
  database: LocalDatabase,
  ports: Ports,
  log: Logger,
): Promise<{ hub: RunningHub; ports: Ports }> {
  try {
    return { hub: await startLocalHub(database, ports.hub, log), ports };
  } catch (error) {
    if (!(error instanceof StartupError) || ports.hub === 0) throw error;
    return { hub: await startLocalHub(database, systemsChoice.hub, log), ports: systemsChoice };
  }
}

async function startLocalHub(database: LocalDatabase, port: number, log: Logger): Promise<RunningHub> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-hub-'));
  const forget = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', forget); // also when the process ends in the middle of something
  try {
    const config = { ...hubDefaults, databaseUrl: database.urlFor('berth_hub'), listen: { host, port }, directory };
    const hub = await startHub(config, { log });
    return { ...hub, close: () => hub.close().finally(forget) };
  } catch (error) {
    forget();
    throw error;
  }
}

const startLocalGateway = (
  database: LocalDatabase,
  hub: RunningHub,
  { grpc, http }: Ports,
  log: Logger,
): Promise<Gateway> =>
  startGateway(
    {
      ...gatewayDefaults,
      databaseUrl: database.urlFor('berth_gateway'),
      grpc: { host, port: grpc },
      http: { host, port: http },
    },
    {
      enrolment: {
        hubAddress: hub.address,
        authorityFingerprint: () => hub.authorityFingerprint,
        authorityCertificate: () => hub.authorityCertificate,
      },
      log,
    },
  );

/** As an operator would: register, and carry the token to the agent. */
async function register(member: JoiningMember, address: string, operatorKey: string): Promise<string> {
  const channel = openChannel({ address, metadata: () => ({ authorization: `Bearer ${operatorKey}` }) });
  try {
    const { cluster: clusterId, region, zone, provider, labels } = member;
    const clusters = channel.client(wire.ClusterService);
    const { enrolmentToken } = await clusters.registerCluster({
      clusterId,
      cluster: { region, zone, provider, labels },
    });
    return enrolmentToken?.token ?? '';
  } finally {
    channel.close();
  }
}

async function startLocalAgent(member: JoiningMember, hub: string, token: string, log: Logger): Promise<RunningAgent> {
  const client = await connectCluster(
    { kind: 'kubeconfig', yaml: member.kubeconfig },
    { userAgent: 'berth-agent/local' },
  );
  return startAgent({ hub, token, identity: memoryKeeper(), member: kubeMember(client), log });
}
