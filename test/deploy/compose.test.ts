import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseApplicationFile, wire } from '#contract';
import { berthLabels, isJsonObject } from '#domain';
import { type HollowCluster, startHollowCluster } from '#hollow';
import { type EmbeddedPostgres, openChannel, type RpcChannel, startEmbeddedPostgres } from '#platform';
import { until } from '../kubernetes/until.js';
import { type ComposeFile, readCompose, root, serviceOf, VariableMissing } from './compose-file.js';
import { freePorts, type RunningProcess, startProcess } from './processes.js';

const operatorKey = 'berth_operator_0123456789abcdefghij';
const ownerKey = 'berth_owner_0123456789abcdefghij';
const project = 'tenants/default/projects/default';

const secrets = {
  BERTH_GATEWAY_PASSWORD: 'of-the-gateway',
  BERTH_SCHEDULER_PASSWORD: 'of-the-scheduler',
  BERTH_HUB_PASSWORD: 'of-the-hub',
};

let folder: string;
let postgres: EmbeddedPostgres;
let cluster: HollowCluster;
let file: ComposeFile;
/** What differs between a container and a process of this machine: names, ports, folders. */
let places: readonly (readonly [string, string])[];
const running: RunningProcess[] = [];
const channels: RpcChannel[] = [];

const here = (text: string): string => places.reduce((at, [there, real]) => at.replaceAll(there, real), text);

function start(service: string): RunningProcess {
  const { command, environment } = serviceOf(file, service);
  const entries = Object.entries(environment).map(([name, value]) => [name, here(value)]);
  const started = startProcess(service, command, Object.fromEntries(entries));
  running.push(started);
  return started;
}

/** Runs the service's own health check until it is content. */
async function untilHealthy(service: string): Promise<void> {
  const [, program = '', ...args] = serviceOf(file, service).healthcheck?.test ?? [];
  const check = () => startProcess(`health of ${service}`, [program, ...args.map(here)], {}).ended;
  await until(`${service} is healthy`, async () => (await check()) === 0 || undefined, 60_000).catch(
    (error: unknown) => {
      const said = running.find(({ name }) => name === service)?.output();
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${said ?? ''}`);
    },
  );
}

function clientOf(key: string): RpcChannel {
  const metadata = () => ({ authorization: `Bearer ${key}` });
  const channel = openChannel({ address: here('127.0.0.1:7070'), metadata });
  channels.push(channel);
  return channel;
}

/** How many Berth has made, as the member itself says. */
async function deployments(): Promise<number> {
  const url = `${cluster.url}/apis/apps/v1/deployments?labelSelector=${berthLabels.work}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${cluster.token}` } });
  const list: unknown = await response.json();
  if (!isJsonObject(list) || !Array.isArray(list.items)) throw new Error(`${url} answered no list`);
  return list.items.length;
}

/** The agent with the environment of deploy/agent.yaml, beside a cluster instead of inside it. */
async function startAgent(token: string, kubeconfig: string): Promise<RunningProcess> {
  const manifests = parseAllDocuments(await readFile(join(root, 'deploy/agent.yaml'), 'utf8'));
  const deployment = manifests.map((document) => document.toJS()).find(({ kind }) => kind === 'Deployment');
  const [container] = deployment.spec.template.spec.containers;
  const values: Record<string, string> = {
    BERTH_HUB: here('127.0.0.1:7443'),
    BERTH_TOKEN: token,
    BERTH_AGENT_DIRECTORY: join(folder, 'agent'),
  };
  const names: string[] = container.env.map((variable: { name: string }) => variable.name);
  expect(names.sort(), 'deploy/agent.yaml sets what an agent needs').toEqual(Object.keys(values).sort());
  const agent = startProcess('agent', container.command, { ...values, KUBECONFIG: kubeconfig });
  running.push(agent);
  return agent;
}

beforeAll(async () => {
  // Up to date under `npm test`; a run of this file alone builds first.
  const built = spawnSync(
    process.execPath,
    ['-e', "import('./scripts/prepare.mjs').then((m) => m.prepare({ built: true }))"],
    { cwd: root, encoding: 'utf8' },
  );
  expect(built.status, built.stderr).toBe(0);
  folder = await mkdtemp(join(tmpdir(), 'berth-deploy-'));
  postgres = await startEmbeddedPostgres();
  const { password } = new URL(postgres.url);
  cluster = await startHollowCluster({
    name: 'plain',
    nodes: { count: 4, cpu: '8', memory: '32Gi' },
    readyDelayMs: [50, 200],
  });
  for (const volume of ['hub', 'public']) await mkdir(join(folder, volume), { mode: 0o700 });
  const [grpc, http, hub, health] = await freePorts(4);
  places = [
    ['postgres:5432', `127.0.0.1:${postgres.port}`],
    ['/var/lib/berth/hub', join(folder, 'hub')],
    ['/var/lib/berth/public', join(folder, 'public')],
    ['/var/lib/berth/public', join(folder, 'public')],
    ['0.0.0.0', '127.0.0.1'],
    [':7070', `:${grpc}`],
    [':7071', `:${http}`],
    [':7072', `:${health}`],
    [':7443', `:${hub}`],
  ];
  file = readCompose({
    ...secrets,
    BERTH_POSTGRES_PASSWORD: password,
    BERTH_HUB_PUBLIC_ADDRESS: '127.0.0.1:7443',
    BERTH_BOOTSTRAP_OPERATOR_KEY: operatorKey,
    BERTH_BOOTSTRAP_OWNER_KEY: ownerKey,
  });
}, 300_000);

afterAll(async () => {
  for (const channel of channels) channel.close();
  await Promise.all(running.map((each) => each.stop().catch(() => undefined))); // those that have ended are told twice
  await cluster.close();
  await postgres.close();
  await rm(folder, { recursive: true, force: true });
});

describe('docker-compose.yml', () => {
  it('refuses to start without each of its secrets, and says which', () => {
    const all: Record<string, string> = {
      ...secrets,
      BERTH_POSTGRES_PASSWORD: 'x',
      BERTH_HUB_PUBLIC_ADDRESS: 'h:7443',
    };
    expect(Object.keys(readCompose(all).services)).toContain('gateway');
    for (const name of Object.keys(all))
      expect(() => readCompose({ ...all, [name]: '' }), name).toThrow(VariableMissing);
  });

  it('runs as separate processes: an application goes in at the gateway, becomes ready on a member, and goes again', async () => {
    const migrate = start('migrate');
    expect(await migrate.ended, migrate.output()).toBe(0);
    const again = start('migrate');
    expect(await again.ended, 'a second start finds nothing to do').toBe(0);
    start('hub');
    await untilHealthy('hub');
    start('gateway');
    start('scheduler');
    await Promise.all(['gateway', 'scheduler'].map(untilHealthy));

    const operator = clientOf(operatorKey).client(wire.ClusterService);
    const { enrolmentToken } = await operator.registerCluster({
      clusterId: 'plain',
      cluster: { region: 'eu-central' },
    });
    expect(enrolmentToken?.hubAddress).toBe(here('127.0.0.1:7443'));
    const kubeconfig = join(folder, 'kubeconfig');
    await writeFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
    const agent = await startAgent(enrolmentToken?.token ?? '', kubeconfig);
    await until(
      'the cluster has reported in',
      async () => {
        const seen = await operator.getCluster({ name: 'clusters/plain' });
        return (seen.phase === wire.ClusterPhase.READY && (seen.inventory?.nodes ?? 0) === 4) || undefined;
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${agent.output()}`);
    });

    const tenant = clientOf(ownerKey).client(wire.ApplicationService);
    const { source } = parseApplicationFile(await readFile(join(root, 'examples/harbour-shop/app.yaml'), 'utf8'));
    const name = `${project}/applications/harbour-shop`;
    await tenant.applyApplication({ name, source });
    const phasesOf = (application: wire.Application) => application.environments.map(({ phase }) => wire.Phase[phase]);
    await until(
      'the application is ready',
      async () => {
        const phases = phasesOf(await tenant.getApplication({ name }));
        return (phases.length > 0 && phases.every((phase) => phase === 'READY')) || undefined;
      },
      90_000,
    ).catch(async (error: unknown) => {
      throw new Error(
        `${String(error)}: ${JSON.stringify(phasesOf(await tenant.getApplication({ name })))}\n${running.map(({ name: who, output }) => `${who}: ${output().slice(-2000)}`).join('\n')}`,
      );
    });
    expect(await deployments()).toBeGreaterThan(0);

    await tenant.deleteApplication({ name });
    await until(
      'the application is gone',
      async () => {
        const { applications } = await tenant.listApplications({ parent: project });
        return (applications.length === 0 && (await deployments()) === 0) || undefined;
      },
      90_000,
    );
    for (const each of running.filter(({ name: who }) => who !== 'migrate'))
      expect(await each.stop(), `${each.name} ends well when it is asked to`).toBe(0);
  }, 300_000);
});
