import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './ports.js';
import { ProgramEnded, type RunningProgram, startProgram } from './process.js';

/** One real Kubernetes API server, with controllers and scheduler if they were asked for. */
export interface ControlPlane {
  readonly name: string;
  /** `https://127.0.0.1:<port>` */
  readonly url: string;
  /** PEM of the certificate that the server signed for itself. */
  readonly ca: string;
  /** Bearer token of a member of system:masters. */
  readonly token: string;
  /** A kubeconfig as YAML. */
  readonly kubeconfig: string;
  /** JSON lines of `audit.k8s.io/v1`: writes with metadata, deletes with what they insist on, requests that watch or read not at all, but for the agent's ServiceAccount. */
  readonly auditLog: string;
  /** Ends the API server as a crash would and starts it again on the same port and data. */
  restart(): Promise<void>;
  /** Ends the API server as a crash would; what it gives starts it again on the same port and data. */
  crash(): Promise<() => Promise<void>>;
  /** Stops the API server where it stands, connections open and all, until the returned function is called. */
  freeze(): () => void;
}

export interface ControlPlanes {
  readonly planes: readonly ControlPlane[];
  /** Where all of them keep their objects. */
  readonly etcd: Pick<ControlPlane, 'crash' | 'freeze'>;
  readonly dir: string;
  /** Ends every process and removes the folder. */
  close(): Promise<void>;
}

export interface ControlPlaneOptions {
  /** Folder with etcd, kube-apiserver, kube-controller-manager and kube-scheduler. */
  assets: string;
  names: readonly string[];
  /** Whether controller-manager and scheduler run too. */
  controllers?: boolean;
  /** Whether etcd writes to disk before it answers, as in production; false by default, since tests need none of it. */
  durable?: boolean;
}

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    users: ["system:serviceaccount:berth-agent:berth-agent"]
  - level: None
    verbs: [get, list, watch]
  - level: None
    resources: [{ group: "", resources: [events] }, { group: events.k8s.io }, { group: coordination.k8s.io }]
  - level: Request
    verbs: [delete, deletecollection]
  - level: Metadata
`;

const kubeconfigOf = (name: string, url: string, ca: string, token: string): string => `apiVersion: v1
kind: Config
current-context: ${name}
clusters:
  - name: ${name}
    cluster:
      server: ${url}
      certificate-authority-data: ${Buffer.from(ca).toString('base64')}
users:
  - name: admin
    user:
      token: ${token}
contexts:
  - name: ${name}
    context: { cluster: ${name}, user: admin }
`;

/** Whether the server answers 200 to `path`; a refused or reset connection is a no. */
const answersOk = (url: string, path: string, ca: string, token: string): Promise<boolean> =>
  new Promise((resolve) => {
    const call = request(
      `${url}${path}`,
      { ca, headers: { authorization: `Bearer ${token}` }, timeout: 2_000 },
      (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode === 200));
        answer.once('error', () => resolve(false));
      },
    );
    call.once('timeout', () => call.destroy());
    call.once('error', () => resolve(false));
    call.end();
  });

const readIfThere = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
};

interface EtcdSeat {
  assets: string;
  dir: string;
  durable: boolean;
  url: string;
  peer: string;
}

async function runEtcd({ assets, dir, durable, url, peer }: EtcdSeat): Promise<RunningProgram> {
  const program = startProgram({
    binary: join(assets, 'etcd'),
    dir,
    args: [
      `--data-dir=${join(dir, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      ...(durable ? [] : ['--unsafe-no-fsync']),
    ],
  });
  await program.ready(async () => {
    try {
      return (await fetch(`${url}/health`)).ok;
    } catch {
      return false; // not listening yet; the deadline of ready() ends this
    }
  });
  return program;
}

async function startEtcd(assets: string, dir: string, durable: boolean) {
  const [clientPort, peerPort] = await freePorts(2);
  const [url, peer] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`];
  const seat = { assets, dir, durable, url, peer };
  return { url, ...crashing(await runEtcd(seat), () => runEtcd(seat)) };
}

/** A program that can be ended as by a crash and started again, or stopped where it stands. */
function crashing(first: RunningProgram, start: () => Promise<RunningProgram>) {
  let program = first;
  return {
    crash: async () => {
      await program.kill();
      return async () => {
        program = await start();
      };
    },
    freeze: () => {
      const { pid } = program;
      process.kill(pid, 'SIGSTOP');
      return () => void process.kill(pid, 'SIGCONT');
    },
    stop: () => program.stop(),
  };
}

interface Seat {
  assets: string;
  etcdUrl: string;
  name: string;
  dir: string;
  port: number;
  token: string;
  serviceAccountKey: string;
}

const apiServerArgs = ({ etcdUrl, name, dir, port, serviceAccountKey }: Seat): string[] => [
  `--etcd-servers=${etcdUrl}`,
  `--etcd-prefix=/${name}`,
  '--bind-address=127.0.0.1',
  `--secure-port=${port}`,
  `--cert-dir=${dir}`,
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-account-signing-key-file=${serviceAccountKey}`,
  `--service-account-key-file=${serviceAccountKey}`,
  '--service-cluster-ip-range=10.0.0.0/24',
  '--endpoint-reconciler-type=none',
  '--advertise-address=127.0.0.1',
  `--token-auth-file=${join(dir, 'tokens.csv')}`,
  '--authorization-mode=RBAC',
  '--allow-privileged=true',
  '--enable-priority-and-fairness=false',
  `--audit-policy-file=${join(dir, 'audit-policy.yaml')}`,
  `--audit-log-path=${join(dir, 'audit.log')}`,
  '--shutdown-delay-duration=0s',
];

async function prepareSeat(seat: Seat): Promise<void> {
  await mkdir(seat.dir, { recursive: true });
  await writeFile(join(seat.dir, 'tokens.csv'), `${seat.token},admin,admin,"system:masters"\n`, { mode: 0o600 });
  await writeFile(join(seat.dir, 'audit-policy.yaml'), auditPolicy);
}

async function startApiServer(seat: Seat, url: string): Promise<RunningProgram> {
  const server = startProgram({
    binary: join(seat.assets, 'kube-apiserver'),
    dir: seat.dir,
    args: apiServerArgs(seat),
  });
  const certificate = join(seat.dir, 'apiserver.crt');
  const isUp = async (): Promise<boolean> => {
    const ca = await readIfThere(certificate);
    if (ca === '' || !(await answersOk(url, '/readyz', ca, seat.token))) return false;
    return answersOk(url, '/api/v1/namespaces/default', ca, seat.token);
  };
  try {
    await server.ready(isUp);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** As whoever supervises it does: an API server ends by itself when etcd goes away while it starts. */
async function startAgain(seat: Seat, url: string, attempts = 5): Promise<RunningProgram> {
  try {
    return await startApiServer(seat, url);
  } catch (error) {
    if (!(error instanceof ProgramEnded) || attempts === 1) throw error;
    return startAgain(seat, url, attempts - 1);
  }
}

function startControllers({ assets, dir, serviceAccountKey }: Seat): RunningProgram[] {
  const common = [`--kubeconfig=${join(dir, 'kubeconfig')}`, '--leader-elect=false', '--port=0', '--secure-port=0'];
  const manager = startProgram({
    binary: join(assets, 'kube-controller-manager'),
    dir,
    args: [
      ...common,
      `--service-account-private-key-file=${serviceAccountKey}`,
      `--root-ca-file=${join(dir, 'apiserver.crt')}`,
      '--node-monitor-grace-period=5m',
      '--namespace-sync-period=30s',
    ],
  });
  const scheduler = startProgram({ binary: join(assets, 'kube-scheduler'), dir, args: common });
  return [manager, scheduler];
}

interface Plane extends ControlPlane {
  stop(): Promise<void>;
}

async function startPlane(seat: Seat, controllers: boolean): Promise<Plane> {
  const url = `https://127.0.0.1:${seat.port}`;
  await prepareSeat(seat);
  const server = crashing(await startApiServer(seat, url), () => startAgain(seat, url));
  const ca = await readFile(join(seat.dir, 'apiserver.crt'), 'utf8');
  const kubeconfig = kubeconfigOf(seat.name, url, ca, seat.token);
  await writeFile(join(seat.dir, 'kubeconfig'), kubeconfig, { mode: 0o600 });
  const others = controllers ? startControllers(seat) : [];
  return {
    name: seat.name,
    url,
    ca,
    token: seat.token,
    kubeconfig,
    auditLog: join(seat.dir, 'audit.log'),
    crash: server.crash,
    freeze: server.freeze,
    restart: async () => await (await server.crash())(),
    async stop() {
      await Promise.all(others.map((program) => program.stop()));
      await server.stop();
    },
  };
}

/** A port that was free can be taken before the server binds it: such a start is tried again on another one. */
async function withFreshPort(seat: Omit<Seat, 'port'>, controllers: boolean, attempts = 3): Promise<Plane> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no free port');
  try {
    return await startPlane({ ...seat, port }, controllers);
  } catch (error) {
    if (!(error instanceof ProgramEnded) || attempts === 1) throw error;
    return withFreshPort(seat, controllers, attempts - 1);
  }
}

/** One etcd (a prefix for each name) and a real API server per name, ready to be used; runs as any user. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlanes> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-kubernetes-'));
  await chmod(dir, 0o700);
  const stops: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const stop of stops.reverse()) await stop();
    stops.length = 0;
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    const serviceAccountKey = join(dir, 'sa.key');
    await promisify(execFile)('openssl', ['genrsa', '-out', serviceAccountKey, '2048']);
    const etcd = await startEtcd(options.assets, dir, options.durable ?? false);
    stops.push(() => etcd.stop());
    const planes: ControlPlane[] = [];
    for (const name of options.names) {
      const seat = {
        assets: options.assets,
        etcdUrl: etcd.url,
        name,
        dir: join(dir, name),
        token: randomBytes(16).toString('hex'),
        serviceAccountKey,
      };
      const plane = await withFreshPort(seat, options.controllers ?? false);
      stops.push(() => plane.stop());
      planes.push(plane);
    }
    return { planes, etcd, dir, close };
  } catch (error) {
    await close();
    throw error;
  }
}
