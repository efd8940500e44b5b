import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { wire } from '#contract';
import { openChannel, type RpcChannel } from '#platform';
import { freePorts } from '../../kubernetes/ports.js';
import { type RunningProgram, startProgram } from '../../kubernetes/process.js';
import type { BerthDatabase } from './database.js';
import type { BenchMember } from './members.js';

const operatorKey = 'berth_operator_0123456789abcdefghij';
const ownerKey = 'berth_owner_0123456789abcdefghij';
const regions = ['eu-central', 'us-east', 'ap-south'];

/** Every part of Berth as a process of its own, as it runs in production. */
export interface BerthProcesses {
  /** host:port of the gateway, and a key of the project that is filled. */
  gateway: string;
  ownerKey: string;
  /** Pids by name: gateway, scheduler, hub, agent member-a and so on. */
  pids(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

export interface BerthOptions {
  database: BerthDatabase;
  members: readonly BenchMember[];
  /** For files of the processes and their logs. */
  dir: string;
  /** Folder for a CPU profile of each process. */
  profile: string | undefined;
}

/** From this file's place in dist/. */
const programOf = (app: string): string => join(import.meta.dirname, '../../../apps', app, 'main.js');

class Processes {
  readonly running = new Map<string, RunningProgram>();

  constructor(private readonly options: BerthOptions) {}

  start(name: string, app: string, env: Readonly<Record<string, string>>): RunningProgram {
    const { dir, profile } = this.options;
    const file = name.replaceAll(' ', '-');
    const profiling =
      profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${file}.cpuprofile`];
    const args = [...profiling, programOf(app)];
    const settings = { BERTH_LOG_LEVEL: 'warn', ...env };
    const program = startProgram({ binary: process.execPath, args, dir, name: file, env: settings });
    this.running.set(name, program);
    return program;
  }

  async stop(): Promise<void> {
    const all = [...this.running.values()];
    this.running.clear();
    await Promise.all(all.reverse().map((program) => program.stop()));
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

/** Starts them, registers every member and waits until each is ready with its nodes. */
export async function startBerth(options: BerthOptions): Promise<BerthProcesses> {
  const { database, dir, members } = options;
  const processes = new Processes(options);
  try {
    const [grpc, http, line, health] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`);
    if (grpc === undefined || http === undefined || line === undefined || health === undefined)
      throw new Error('no free ports');
    const authority = join(dir, 'authority.crt');
    const hub = processes.start('hub', 'hub', {
      BERTH_DATABASE_URL: database.urlFor('berth_hub'),
      BERTH_HUB_ADDRESS: line,
      BERTH_HUB_PUBLIC_ADDRESS: line,
      BERTH_HUB_DIRECTORY: join(dir, 'hub'),
      BERTH_HUB_AUTHORITY_FILE: authority,
    });
    const scheduler = processes.start('scheduler', 'scheduler', {
      BERTH_DATABASE_URL: database.urlFor('berth_scheduler'),
      BERTH_SCHEDULER_HTTP_ADDRESS: health,
    });
    const gateway = processes.start('gateway', 'gateway', {
      BERTH_DATABASE_URL: database.urlFor('berth_gateway'),
      BERTH_GATEWAY_ADDRESS: grpc,
      BERTH_GATEWAY_HTTP_ADDRESS: http,
      BERTH_HUB_PUBLIC_ADDRESS: line,
      BERTH_HUB_AUTHORITY_FILE: authority,
      BERTH_BOOTSTRAP_OPERATOR_KEY: operatorKey,
      BERTH_BOOTSTRAP_OWNER_KEY: ownerKey,
    });
    await hub.ready(async () => existsSync(authority));
    await gateway.ready(answersAt(grpc));
    await scheduler.ready(async () => (await fetch(`http://${health}/readyz`).catch(() => undefined))?.ok === true);
    const channel = openChannel({ address: grpc, metadata: () => ({ authorization: `Bearer ${operatorKey}` }) });
    try {
      await joinMembers(processes, options, channel, line);
      await untilReady(channel, members.length);
    } finally {
      channel.close();
    }
    return {
      gateway: grpc,
      ownerKey,
      pids: () => Object.fromEntries([...processes.running].map(([name, { pid }]) => [name, pid])),
      close: () => processes.stop(),
    };
  } catch (error) {
    await processes.stop();
    throw error;
  }
}

async function joinMembers(
  processes: Processes,
  { members, dir }: BerthOptions,
  channel: RpcChannel,
  hub: string,
): Promise<void> {
  const clusters = channel.client(wire.ClusterService);
  for (const [index, { name, kubeconfig }] of members.entries()) {
    const cluster = { region: regions[index] ?? `region-${index}` };
    const { enrolmentToken } = await clusters.registerCluster({ clusterId: name, cluster });
    const path = join(dir, `${name}.kubeconfig`);
    await writeFile(path, kubeconfig, { mode: 0o600 });
    processes.start(`agent ${name}`, 'agent', {
      BERTH_HUB: hub,
      BERTH_TOKEN: enrolmentToken?.token ?? '',
      BERTH_AGENT_DIRECTORY: join(dir, name),
      KUBECONFIG: path,
    });
  }
}

async function untilReady(channel: RpcChannel, members: number): Promise<void> {
  const ready = new Set<string>();
  const watch = channel.client(wire.ClusterService).watchClusters({}, { signal: AbortSignal.timeout(60_000) });
  for await (const { event } of watch) {
    if (event.case !== 'changed') continue;
    const { name, phase, inventory } = event.value;
    if (phase === wire.ClusterPhase.READY && (inventory?.nodes ?? 0) > 0) ready.add(name);
    if (ready.size === members) return;
  }
}
