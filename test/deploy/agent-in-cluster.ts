import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { startPretendKubelet } from '#hollow';
import { connectCluster, kubeMember } from '#kube';
import { silentLogger } from '#platform';
import { memoryKeeper, type RunningAgent, startAgent } from '../../apps/agent/index.js';
import { type ControlPlane, startControlPlane } from '../kubernetes/control-plane.js';
import { until } from '../kubernetes/until.js';
import { root } from './compose-file.js';

/** A real Kubernetes, operated as docs/operating.md says: with kubectl. */
export interface OperatedCluster {
  kubeconfig: string;
  /** Runs kubectl as the cluster's administrator and gives what it printed; rejects with what it complained of. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** The API server's audit log: JSON lines, with all that the agent's ServiceAccount asks for. */
  auditLog: string;
  /**
   * Applies deploy/agent.yaml with its places filled in, then `rights` if given, and runs an agent as its pod would: with the hub and the token
   * that the cluster then holds, and with the rights of its ServiceAccount alone.
   */
  deployAgent(places: { hub: string; token: string }, rights?: string): Promise<RunningAgent>;
  close(): Promise<void>;
}

const namespace = 'berth-agent';

/** deploy/agent.yaml with its places in angle brackets filled in. */
async function filledManifest(places: { hub: string; token: string }): Promise<string> {
  const fill: Readonly<Record<string, string>> = {
    '<enrol_…, printed when the cluster was registered>': places.token,
    '<registry>/berth:0.1.0': 'registry.example/berth:0.1.0',
    '<host:port of the hub>': places.hub,
  };
  const manifest = await readFile(join(root, 'deploy/agent.yaml'), 'utf8');
  return manifest.replaceAll(/^([^#\n]*)(<[^>]*>\S*)$/gm, (_, before: string, place: string) => {
    const value = fill[place];
    if (value === undefined) throw new Error(`deploy/agent.yaml has a place that no one fills: ${place}`);
    return `${before}${value}`;
  });
}

export async function startOperatedCluster(assets: string): Promise<OperatedCluster> {
  const life = new AbortController();
  const control = await startControlPlane({ assets, names: ['operated'], controllers: true });
  const folder = await mkdtemp(join(tmpdir(), 'berth-operated-'));
  const [plane] = control.planes;
  if (plane === undefined) throw new Error('no API server was started');
  const kubelet = await startPretendKubelet({
    server: plane.url,
    token: plane.token,
    ca: plane.ca,
    nodes: { count: 2, cpu: '8', memory: '32Gi' },
    readyDelayMs: [50, 200],
    signal: life.signal,
  });
  await writeFile(join(folder, 'kubeconfig'), plane.kubeconfig, { mode: 0o600 });
  const kubectl = async (args: readonly string[], input = ''): Promise<string> => {
    const child = spawn(join(assets, 'kubectl'), [`--kubeconfig=${join(folder, 'kubeconfig')}`, ...args], {
      env: { HOME: folder },
    });
    child.stdin.end(input);
    const [out, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')} ended with ${String(code)}: ${complaint}`);
    return out;
  };
  return {
    kubeconfig: plane.kubeconfig,
    auditLog: plane.auditLog,
    kubectl,
    deployAgent: async (places, rights) => {
      await kubectl(['apply', '-f', '-'], await filledManifest(places));
      if (rights !== undefined) await kubectl(['apply', '-f', '-'], rights);
      return runAgent({ plane, kubectl, folder });
    },
    close: async () => {
      life.abort(new Error('the tests are over'));
      await kubelet.done;
      await control.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const decoded = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');

interface Operated extends Pick<OperatedCluster, 'kubectl'> {
  plane: ControlPlane;
  folder: string;
}

async function runAgent({ plane, kubectl, folder }: Operated): Promise<RunningAgent> {
  const read: Read = (...args) => kubectl([`--namespace=${namespace}`, 'get', ...args]);
  const pod = '.spec.template.spec';
  const account = await read('deployment', 'berth-agent', `--output=jsonpath={${pod}.serviceAccountName}`);
  const hub = `{${pod}.containers[0].env[?(@.name=="BERTH_HUB")].value}`;
  const serviceAccountDir = await mountedAccount(read, account, folder);
  const { hostname, port } = new URL(plane.url);
  const client = await connectCluster(
    { kind: 'in-cluster', host: hostname, port, serviceAccountDir },
    { userAgent: 'berth-agent/test' },
  );
  return startAgent({
    hub: await read('deployment', 'berth-agent', `--output=jsonpath=${hub}`),
    token: decoded(await read('secret', 'berth-agent-token', '--output=jsonpath={.data.token}')),
    identity: memoryKeeper(),
    member: kubeMember(client),
    log: silentLogger(),
  });
}

type Read = (...args: string[]) => Promise<string>;

/** What Kubernetes mounts into a pod of this account, in a folder. */
async function mountedAccount(read: Read, account: string, folder: string): Promise<string> {
  const secret = await until(`the token of ${account}`, async () => {
    const name = await read('serviceaccount', account, '--output=jsonpath={.secrets[0].name}');
    return name === '' ? undefined : name;
  });
  const dir = join(folder, 'serviceaccount');
  await mkdir(dir, { mode: 0o700 });
  for (const file of ['token', 'ca.crt']) {
    const content = await read('secret', secret, `--output=jsonpath={.data.${file.replace('.', '\\.')}}`);
    await writeFile(join(dir, file), decoded(content), { mode: 0o600 });
  }
  return dir;
}
