import { setTimeout as delay } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { type HollowCluster, type HollowOptions, startHollowCluster } from './index.js';

interface SeenContainer {
  name: string;
  image: string;
  imagePullPolicy?: string;
  env?: { name: string; value: string }[] | undefined;
  ports?: { containerPort: number; protocol?: string; name?: string }[];
  resources: { requests: Record<string, string> };
}

interface SeenPodSpec {
  containers: [SeenContainer, ...SeenContainer[]];
  nodeName?: string;
  nodeSelector?: Record<string, string>;
}

interface SeenSpec extends SeenPodSpec {
  replicas?: number | undefined;
  selector: { matchLabels: Record<string, string> };
  strategy?: { type?: string; rollingUpdate: object };
  template: { metadata: { labels: Record<string, string> }; spec: SeenPodSpec };
}

interface SeenMeta {
  name: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  deletionTimestamp?: string;
  annotations: Record<string, string>;
  ownerReferences: { kind: string }[];
  managedFields: { manager: string; fieldsV1: Record<string, Record<string, unknown>> }[];
  continue?: string;
  remainingItemCount?: number;
}

interface SeenStatus {
  phase: string;
  conditions?: { type: string; status: string; reason?: string }[];
  containerStatuses?: { state: { waiting?: { reason: string } } }[];
  observedGeneration: number;
  replicas: number;
  updatedReplicas: number;
  readyReplicas?: number;
  availableReplicas: number;
  numberReady: number;
}

/** As much of any answer as the specs look at; what an answer lacks is undefined when read. */
export interface Seen {
  kind?: string;
  metadata: SeenMeta;
  spec: SeenSpec;
  status: SeenStatus;
  data: Record<string, string>;
  items: Seen[];
  usage: { cpu: string };
  gitVersion: string;
  groups: { name: string }[];
  definitions: Record<string, { properties: Record<string, { $ref?: string }> }>;
  components: { schemas: Record<string, unknown> };
  reason: string;
  message: string;
  details: { causes: { field: string }[] };
}

export interface SeenEvent {
  type: string;
  object: Seen;
}

export interface Answer {
  code: number;
  body: Seen;
}

const applyYaml = 'application/apply-patch+yaml';
export const mergePatch = 'application/merge-patch+json';

export class Caller {
  private readonly dispatcher: Agent;

  constructor(readonly cluster: HollowCluster) {
    const { ca } = cluster;
    this.dispatcher = new Agent(ca === undefined ? {} : { connect: { ca } });
  }

  async text(path: string): Promise<string> {
    const headers = { authorization: `Bearer ${this.cluster.token}` };
    return (await fetch(this.cluster.url + path, { dispatcher: this.dispatcher, headers })).text();
  }

  async call(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<Answer> {
    const response = await fetch(this.cluster.url + path, {
      method,
      dispatcher: this.dispatcher,
      headers: { authorization: `Bearer ${this.cluster.token}`, 'content-type': contentType },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { code: response.status, body: (await response.json()) as Seen };
  }

  get(path: string): Promise<Answer> {
    return this.call('GET', path);
  }

  apply(path: string, body: unknown, manager = 'berth', query = ''): Promise<Answer> {
    return this.call('PATCH', `${path}?fieldManager=${manager}${query}`, body, applyYaml);
  }

  /** Reads watch events until `enough`, then hangs up. */
  async watch(path: string, enough: (events: readonly SeenEvent[]) => boolean): Promise<SeenEvent[]> {
    const hangUp = new AbortController();
    const response = await fetch(this.cluster.url + path, {
      headers: { authorization: `Bearer ${this.cluster.token}` },
      dispatcher: this.dispatcher,
      signal: AbortSignal.any([hangUp.signal, AbortSignal.timeout(10_000)]),
    });
    const events: SeenEvent[] = [];
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      events.push(...lines.map((line) => JSON.parse(line) as SeenEvent));
      if (enough(events)) break;
    }
    hangUp.abort();
    return events;
  }
}

export async function hollow(options: Partial<HollowOptions> = {}): Promise<Caller> {
  const nodes = { count: 3, cpu: '8', memory: '32Gi' };
  return new Caller(
    await startHollowCluster({
      name: 'spec',
      nodes,
      readyDelayMs: [5, 30],
      terminateDelayMs: [5, 20],
      runMs: [5, 20],
      seed: 7,
      ...options,
    }),
  );
}

/** Waits until `look` gives something, at most `withinMs`. */
export async function eventually<T>(look: () => Promise<T | undefined> | T | undefined, withinMs = 8000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > deadline) throw new Error('it never came');
    await delay(5);
  }
}

export const deploymentPath = (name = 'web', namespace = 'default') =>
  `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;

type DeploymentSpec = Pick<SeenSpec, 'replicas' | 'selector' | 'strategy' | 'template'>;

/** A Deployment as a client sends it; `change` edits the spec. */
export function aDeployment(change: (spec: DeploymentSpec) => void = () => {}, name = 'web') {
  const container: SeenContainer = {
    name: 'main',
    image: 'app:1',
    env: [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ],
    ports: [{ containerPort: 80 }],
    resources: { requests: { cpu: '100m', memory: '64Mi' } },
  };
  const spec: DeploymentSpec = {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [container] } },
  };
  change(spec);
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec };
}
