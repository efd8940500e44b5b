import { type Node, type Pod, rfc3339 } from './objects.js';
import { bytesOf, mcpuOf } from './quantity.js';
import { resourceNamed } from './resources.js';
import { parseLabelSelector } from './selectors.js';
import { notFound } from './status.js';
import type { ObjectStore } from './store.js';

const nodes = resourceNamed('nodes');
const pods = resourceNamed('pods');
const windowSeconds = 30;

/** What of its requests a running pod really uses. */
const usedShareOfRequests = 0.6;

export interface MetricsParts {
  store: ObjectStore;
  nowMs: () => number;
  /** Foreign use of a node, as a fraction of its capacity: 0 to 1. */
  foreignLoad: (node: string) => number;
}

interface Use {
  mcpu: number;
  memoryBytes: number;
}

/** metrics.k8s.io: measured use, made up from foreign load and what runs. */
export class Metrics {
  constructor(private readonly parts: MetricsParts) {}

  /** The answer to a path of metrics.k8s.io/v1beta1, or undefined when it is none. Throws 404. */
  answer(path: string, query: URLSearchParams): unknown {
    const match = /^\/apis\/metrics\.k8s\.io\/v1beta1\/(?:namespaces\/([^/]+)\/)?(nodes|pods)(?:\/([^/]+))?$/.exec(
      path,
    );
    if (match === null) return undefined;
    const [, namespace, kind, name] = match;
    const selected = parseLabelSelector(query.get('labelSelector') ?? '');
    if (kind === 'nodes') return this.nodeAnswer(name, selected);
    const { store } = this.parts;
    const found = [...store.objects(pods, namespace)].filter((object) => selected(object)) as Pod[];
    const items = found.filter(isRunning).map((pod) => this.podMetrics(pod));
    if (name === undefined) return listOf('PodMetricsList', items);
    const one = items.find((item) => item.metadata.name === name);
    if (one === undefined) throw notFound(pods, name);
    return one;
  }

  private nodeAnswer(name: string | undefined, selected: (node: Node) => boolean): unknown {
    const used = this.useByNode();
    const { store } = this.parts;
    const all = ([...store.objects(nodes)] as Node[]).filter(selected);
    const items = all.map((node) => this.nodeMetrics(node, used.get(node.metadata.name)));
    if (name === undefined) return listOf('NodeMetricsList', items);
    const one = items.find((item) => item.metadata.name === name);
    if (one === undefined) throw notFound(nodes, name);
    return one;
  }

  private useByNode(): Map<string, Use> {
    const used = new Map<string, Use>();
    for (const pod of this.parts.store.objects(pods) as Iterable<Pod>) {
      const { nodeName } = pod.spec;
      if (nodeName === undefined || !isRunning(pod)) continue;
      const sum = used.get(nodeName) ?? { mcpu: 0, memoryBytes: 0 };
      const { mcpu, memoryBytes } = requestsOf(pod);
      used.set(nodeName, { mcpu: sum.mcpu + mcpu, memoryBytes: sum.memoryBytes + memoryBytes });
    }
    return used;
  }

  private nodeMetrics({ metadata, status }: Node, used: Use = { mcpu: 0, memoryBytes: 0 }) {
    const foreign = this.parts.foreignLoad(metadata.name);
    const capacity = status?.capacity ?? {};
    const mcpu = Math.min(mcpuOf(capacity.cpu), foreign * mcpuOf(capacity.cpu) + used.mcpu * usedShareOfRequests);
    const memory = Math.min(
      bytesOf(capacity.memory),
      foreign * bytesOf(capacity.memory) + used.memoryBytes * usedShareOfRequests,
    );
    return this.measured(
      'NodeMetrics',
      { name: metadata.name, labels: metadata.labels },
      { usage: usage(mcpu, memory) },
    );
  }

  private podMetrics(pod: Pod) {
    const { name, namespace, labels } = pod.metadata;
    const containers = pod.spec.containers.map((container) => {
      const requests = container.resources?.requests ?? {};
      const mcpu = mcpuOf(requests.cpu ?? 0) * usedShareOfRequests;
      return { name: container.name, usage: usage(mcpu, bytesOf(requests.memory ?? 0) * usedShareOfRequests) };
    });
    return this.measured('PodMetrics', { name, namespace, labels }, { containers });
  }

  private measured<T extends object>(
    kind: string,
    metadata: { name: string; namespace?: string | undefined; labels: unknown },
    body: T,
  ) {
    const timestamp = rfc3339(this.parts.nowMs());
    const meta = { ...metadata, creationTimestamp: timestamp };
    return {
      kind,
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: meta,
      timestamp,
      window: `${windowSeconds}s`,
      ...body,
    };
  }
}

const isRunning = (pod: Pod): boolean => pod.status?.phase === 'Running';

export function requestsOf(pod: Pod): Use {
  return pod.spec.containers.reduce<Use>(
    (sum, { resources }) => ({
      mcpu: sum.mcpu + mcpuOf(resources?.requests?.cpu ?? 0),
      memoryBytes: sum.memoryBytes + bytesOf(resources?.requests?.memory ?? 0),
    }),
    { mcpu: 0, memoryBytes: 0 },
  );
}

const usage = (mcpu: number, memoryBytes: number) => ({
  cpu: `${Math.round(mcpu * 1e6)}n`,
  memory: `${Math.round(memoryBytes / 1024)}Ki`,
});

const listOf = (kind: string, items: readonly unknown[]) => ({
  kind,
  apiVersion: 'metrics.k8s.io/v1beta1',
  metadata: {},
  items,
});
