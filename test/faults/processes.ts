import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wire } from '#contract';
import { openChannel, type RpcClient } from '#platform';
import type { TestDatabase } from '../../libs/store/testing/database.js';
import { type CutLine, cutLineTo } from '../kubernetes/cut-line.js';
import { freePorts } from '../kubernetes/ports.js';
import { type RunningProgram, startProgram } from '../kubernetes/process.js';
import { buildApps } from '../start/built.js';
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

export async function startBerthProcesses(
  database: TestDatabase,
  members: readonly FaultyMember[],
): Promise<BerthProcesses> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-faults-'));
  const built = await buildApps();
  const parts: Part[] = [];
  const closing: (() => unknown)[] = [];
  const close = async () => {
    await Promise.all(parts.map((part) => part.running.stop()));
    for (const each of closing) await each();
    await built.close();
    await rm(dir, { recursive: true, force: true });
  };
  const start = (name: string, app: string, env: Readonly<Record<string, string>>): Part => {
    const part = new Part({ main: built.mainOf(app), name, dir, env });
    parts.push(part);
    return part;
  };
  try {
    const [grpc = '', http = '', hubAddress = '', health = ''] = (await freePorts(4)).map(
      (port) => `127.0.0.1:${port}`,
    );
    const authority = join(dir, 'authority.crt');
    const hub = start('hub', 'hub', {
      ...quick,
      BERTH_DATABASE_URL: database.urlFor('berth_hub'),
      BERTH_HUB_ADDRESS: hubAddress,
      BERTH_HUB_DIRECTORY: join(dir, 'hub'),
      BERTH_HUB_AUTHORITY_FILE: authority,
    });
    const scheduler = start('scheduler', 'scheduler', {
      BERTH_DATABASE_URL: database.urlFor('berth_scheduler'),
      BERTH_SCHEDULER_HTTP_ADDRESS: health,
    });
    const gateway = start('gateway', 'gateway', {
      BERTH_DATABASE_URL: database.urlFor('berth_gateway'),
      BERTH_GATEWAY_ADDRESS: grpc,
      BERTH_GATEWAY_HTTP_ADDRESS: http,
      BERTH_HUB_PUBLIC_ADDRESS: hubAddress,
      BERTH_HUB_AUTHORITY_FILE: authority,
      BERTH_BOOTSTRAP_OPERATOR_KEY: operatorKey,
      BERTH_BOOTSTRAP_OWNER_KEY: ownerKey,
    });
    await hub.running.ready(async () => existsSync(authority));
    await gateway.running.ready(answersAt(grpc));
    const clientOf = (key: string) => {
      const channel = openChannel({ address: grpc, metadata: () => ({ authorization: `Bearer ${key}` }) });
      closing.push(() => channel.close());
      return channel;
    };
    const clusters = clientOf(operatorKey).client(wire.ClusterService);
    const agents: { cluster: string; process: Breakable; line: CutLine }[] = [];
    for (const { name, kubeconfig } of members) {
      const { enrolmentToken } = await clusters.registerCluster({ clusterId: name, cluster: { region: name } });
      const line = await cutLineTo(`tcp://${hubAddress}`);
      closing.push(() => line.close());
      const path = join(dir, `${name}.kubeconfig`);
      await writeFile(path, kubeconfig, { mode: 0o600 });
      const agent = start(`agent-${name}`, 'agent', {
        BERTH_HUB: line.url.replace('tcp://', ''),
        BERTH_TOKEN: enrolmentToken?.token ?? '',
        BERTH_AGENT_DIRECTORY: join(dir, name),
        KUBECONFIG: path,
      });
      agents.push({ cluster: name, process: agent, line });
    }
    return {
      applications: clientOf(ownerKey).client(wire.ApplicationService),
      clusters,
      hub,
      scheduler,
      agents,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
