import { randomBytes, randomUUID } from 'node:crypto';
import { Alarms, type Clock } from './alarms.js';
import { Api } from './api/api.js';
import { Chance } from './chance.js';
import type { ControllerContext } from './controllers/context.js';
import { startControllers } from './controllers/controllers.js';
import { Loop } from './controllers/loop.js';
import { Owners } from './controllers/owners.js';
import type { AuditEntry } from './http/audit.js';
import type { ServerCertificate } from './http/certificate.js';
import { ApiServer } from './http/server.js';
import { InProcessNodes } from './kubelet/in-process.js';
import { type NodeGroup, type NodeShape, nodesOf } from './kubelet/node.js';
import { Metrics } from './metrics.js';
import type { PretendLogs } from './pods/logs.js';
import { ResourceRegistry } from './registry.js';
import { type ForeignPods, seedCluster } from './seed.js';
import { ObjectStore } from './store.js';

export interface HollowLoad {
  /** Use by others, measured: a fraction of capacity (0 to 1) for every node, or for each by name. */
  measured?: number | Readonly<Record<string, number>>;
  /** Pods that were there before Berth, and what they request. */
  pods?: readonly ForeignPods[];
}

export interface HollowOptions {
  name: string;
  nodes: readonly NodeShape[] | NodeGroup;
  load?: HollowLoad;
  /** From bound to ready, milliseconds, least and most. */
  readyDelayMs?: readonly [number, number];
  /** From deleted to gone. */
  terminateDelayMs?: readonly [number, number];
  /** How long a Job's pod runs. */
  runMs?: readonly [number, number];
  /** What its pods print: a line a second unless told. */
  logs?: PretendLogs;
  /** The same seed gives the same delays, names and uids; random unless told. */
  seed?: number | string;
  clock?: Clock;
  /** False: nobody plays the kubelet, and pods wait until one comes over HTTP (`startPretendKubelet`). */
  kubelet?: boolean;
  /** What `/version` says; the schema served is that of Kubernetes 1.36 in any case. */
  version?: string;
  /** 0, the default, takes a free one. */
  port?: number;
  /** Bearer token; random unless told. */
  token?: string;
  /** https with a certificate of its own, named in the kubeconfig. kubectl sends a token over https alone. */
  tls?: boolean;
  onAudit?: (entry: AuditEntry) => void;
  /** Changes remembered for each resource, for watches to resume through. */
  watchHistory?: number;
}

export interface HollowCluster {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  /** PEM, when the cluster speaks https. */
  readonly ca: string | undefined;
  /** YAML. */
  readonly kubeconfig: string;
  /** Every mutating request, oldest first, with how it was answered. */
  readonly audit: readonly AuditEntry[];
  /** What the store holds, for looking at without a request. */
  readonly store: ObjectStore;
  /** Takes a node away (its pods become not ready) or brings it back. */
  setNodeReady(node: string, ready: boolean): void;
  /** From now on pods with such an image stay in ImagePullBackOff. Returns how to end that. */
  failImage(pattern: RegExp | string): () => void;
  /** Withholds every answer and watch event until `resume`. */
  pause(): void;
  resume(): void;
  /** Forgets all history: open watches get 410 in an ERROR event, older resourceVersions expire. */
  expireWatches(): void;
  close(): Promise<void>;
}

const systemClock: Clock = { now: () => Date.now() };

/** Starts a cluster that is hollow: a real API on a loopback port, over nodes that only pretend. */
export async function startHollowCluster(options: HollowOptions): Promise<HollowCluster> {
  const clock = options.clock ?? systemClock;
  const version = options.version ?? 'v1.36.0';
  const token = options.token ?? randomBytes(24).toString('base64url');
  const alarms = new Alarms(clock);
  const chance = new Chance(options.seed ?? randomUUID());
  const store = new ObjectStore(options.watchHistory ?? 2000);
  const api = new Api({ store, clock, chance });
  const registry = new ResourceRegistry();
  registry.onWithdrawn((kind) => store.drop(kind));
  const owners = new Owners(store);
  const loop = new Loop(alarms);
  const context: ControllerContext = { api, store, registry, alarms, chance, loop, owners };
  const nodes = new InProcessNodes(context, options, version);
  startControllers(context);
  seedCluster(api, nodesOf(options.nodes, options.name), options.load?.pods ?? [], version);
  const metrics = new Metrics({ store, nowMs: () => clock.now(), foreignLoad: foreignLoad(options.load?.measured) });
  const certificate = options.tls === true ? await certify(options.name, clock.now()) : undefined;
  const server = new ApiServer({
    api,
    registry,
    alarms,
    metrics,
    token,
    version,
    certificate,
    onAudit: options.onAudit ?? (() => {}),
    cluster: options.name,
    logs: options.logs ?? {},
  });
  const url = await server.listen(options.port ?? 0);
  return {
    name: options.name,
    url,
    token,
    ca: certificate?.cert,
    kubeconfig: kubeconfigOf(options.name, url, token, certificate?.cert),
    audit: server.audit.entries,
    store,
    setNodeReady: (node, ready) => nodes.setReady(node, ready),
    failImage: (pattern) => nodes.failImage(pattern),
    pause: () => server.pause(),
    resume: () => server.resume(),
    expireWatches: () => server.expireWatches(),
    close: async () => {
      loop.close();
      alarms.close();
      await server.close();
    },
  };
}

/** Loaded only when asked for: a cluster without TLS stays light. */
async function certify(name: string, nowMs: number): Promise<ServerCertificate> {
  const { selfSigned } = await import('./http/certificate.js');
  return selfSigned(name, nowMs);
}

function foreignLoad(measured: HollowLoad['measured']): (node: string) => number {
  if (measured === undefined) return () => 0;
  return typeof measured === 'number' ? () => measured : (node) => measured[node] ?? 0;
}

function kubeconfigOf(name: string, url: string, token: string, ca: string | undefined): string {
  const trust = ca === undefined ? '' : `, certificate-authority-data: ${Buffer.from(ca).toString('base64')}`;
  return [
    'apiVersion: v1',
    'kind: Config',
    `current-context: ${name}`,
    'clusters:',
    `- name: ${name}`,
    `  cluster: {server: "${url}"${trust}}`,
    'users:',
    `- name: ${name}`,
    `  user: {token: "${token}"}`,
    'contexts:',
    `- name: ${name}`,
    `  context: {cluster: ${name}, user: ${name}}`,
    '',
  ].join('\n');
}
