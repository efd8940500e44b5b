import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wire } from '#contract';
import { openChannel, type RpcChannel, type RpcClient } from '#platform';
import type { TestDatabase } from '../../libs/store/testing/database.js';
import { type CutLine, cutLineTo } from '../kubernetes/cut-line.js';
import { freePorts } from '../kubernetes/ports.js';
import { type RunningProgram, startProgram } from '../kubernetes/process.js';
import { type BuiltApps, buildApps } from '../start/built.js';
import type { Breakable, FaultyMember } from './members.js';

const operatorKey = 'berth_operator_0123456789abcdefghij';
const ownerKey = 'berth_owner_0123456789abcdefghij';

/** Berth, every part a process of its own, and each agent's line to the hub one that can be cut. */
export interface BerthProcesses {
  applications: RpcClient<typeof wire.ApplicationService>;
  clusters: RpcClient<typeof wire.ClusterService>;
  hub: Breakable;
  scheduler: Breakable;
  agents: readonly { cluster: string; process: Breakable; line: CutLine }[];
  close(): Promise<void>;
}

interface Program {
  main: string;
  name: string;
  dir: string;
  env: Readonly<Record<string, string>>;
}

class Part implements Breakable {
  #running: RunningProgram;

  constructor(private readonly program: Program) {
    this.#running = this.#start();
  }

  get running(): RunningProgram {
    return this.#running;
  }

  async crash() {
    await this.#running.kill();
    return async () => {
      this.#running = this.#start();
    };
  }

  freeze() {
    const { pid } = this.#running;
    process.kill(pid, 'SIGSTOP');
    return () => void process.kill(pid, 'SIGCONT');
  }

  #start(): RunningProgram {
    const { main, name, dir, env } = this.program;
    const settings = { BERTH_LOG_LEVEL: 'info', ...env };
    return startProgram({ binary: process.execPath, args: [main], dir, name, env: settings });
  }
}

const answersAt = (address: string) => async (): Promise<boolean> => {
  const channel = openChannel({ address });
  try {
    await channel.ready(200);
    return true;
  } catch {
    return false; // not yet; the deadline of ready() ends this
  } finally {
    channel.close();
  }
};

/** Short times, so that a fault is felt within the run; the proportions are those of production. */
const quick = { BERTH_LEASE_TTL_MS: '3000', BERTH_HEARTBEAT_INTERVAL_MS: '700' };

/** What runs so far, and how to end it. */
class Stage {
  readonly parts: Part[] = [];
  readonly closing: (() => unknown)[] = [];

  constructor(
    readonly dir: string,
    private readonly built: BuiltApps,
  ) {}

  start(name: string, app: string, env: Readonly<Record<string, string>>): Part {
    const part = new Part({ main: this.built.mainOf(app), name, dir: this.dir, env });
    this.parts.push(part);
    return part;
  }

  clientsOf(address: string, key: string): RpcChannel {
    const channel = openChannel({ address, metadata: () => ({ authorization: `Bearer ${key}` }) });
    this.closing.push(() => channel.close());
    return channel;
  }

  async close(): Promise<void> {
    await Promise.all(this.parts.map((part) => part.running.stop()));
    for (const each of this.closing) await each();
    await this.built.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}

async function startCentre(stage: Stage, database: TestDatabase) {
  const [gatewayAddress = '', http = '', hubAddress = '', health = ''] = (await freePorts(4)).map(
    (port) => `127.0.0.1:${port}`,
  );
  const authority = join(stage.dir, 'authority.crt');
  const hub = stage.start('hub', 'hub', {
    ...quick,
    BERTH_DATABASE_URL: database.urlFor('berth_hub'),
    BERTH_HUB_ADDRESS: hubAddress,
    BERTH_HUB_DIRECTORY: join(stage.dir, 'hub'),
    BERTH_HUB_AUTHORITY_FILE: authority,
  });
  const scheduler = stage.start('scheduler', 'scheduler', {
    BERTH_DATABASE_URL: database.urlFor('berth_scheduler'),
    BERTH_SCHEDULER_HTTP_ADDRESS: health,
  });
  const gateway = stage.start('gateway', 'gateway', {
    BERTH_DATABASE_URL: database.urlFor('berth_gateway'),
    BERTH_GATEWAY_ADDRESS: gatewayAddress,
    BERTH_GATEWAY_HTTP_ADDRESS: http,
    BERTH_HUB_PUBLIC_ADDRESS: hubAddress,
    BERTH_HUB_AUTHORITY_FILE: authority,
    BERTH_BOOTSTRAP_OPERATOR_KEY: operatorKey,
    BERTH_BOOTSTRAP_OWNER_KEY: ownerKey,
  });
  await hub.running.ready(async () => existsSync(authority));
  await gateway.running.ready(answersAt(gatewayAddress));
  return { hub, scheduler, gatewayAddress, hubAddress };
}

async function enrolAgent(
  stage: Stage,
  clusters: BerthProcesses['clusters'],
  hubAddress: string,
  { name, kubeconfig }: FaultyMember,
) {
  const { enrolmentToken } = await clusters.registerCluster({ clusterId: name, cluster: { region: name } });
  const line = await cutLineTo(`tcp://${hubAddress}`);
  stage.closing.push(() => line.close());
  const path = join(stage.dir, `${name}.kubeconfig`);
  await writeFile(path, kubeconfig, { mode: 0o600 });
  const process = stage.start(`agent-${name}`, 'agent', {
    BERTH_HUB: line.url.replace('tcp://', ''),
    BERTH_TOKEN: enrolmentToken?.token ?? '',
    BERTH_AGENT_DIRECTORY: join(stage.dir, name),
    KUBECONFIG: path,
  });
  return { cluster: name, process, line };
}

export async function startBerthProcesses(
  database: TestDatabase,
  members: readonly FaultyMember[],
): Promise<BerthProcesses> {
  const stage = new Stage(await mkdtemp(join(tmpdir(), 'berth-faults-')), await buildApps());
  try {
    const { hub, scheduler, gatewayAddress, hubAddress } = await startCentre(stage, database);
    const clusters = stage.clientsOf(gatewayAddress, operatorKey).client(wire.ClusterService);
    const applications = stage.clientsOf(gatewayAddress, ownerKey).client(wire.ApplicationService);
    const agents = [];
    for (const member of members) agents.push(await enrolAgent(stage, clusters, hubAddress, member));
    return { applications, clusters, hub, scheduler, agents, close: () => stage.close() };
  } catch (error) {
    await stage.close();
    throw error;
  }
}
