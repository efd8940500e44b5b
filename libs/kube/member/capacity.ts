import { addResources, noResources, type Resources, subtractResources } from '#domain';
import type { KubeClient } from '../client/client.js';
import { type Reflector, reflect } from '../client/reflector.js';
import { labelledClasses } from './node-classes.js';
import { type KeptNode, keepNode } from './nodes.js';
import type { PodSource } from './pod-source.js';

const least = (a: Resources, b: Resources): Resources => ({
  mcpu: Math.min(a.mcpu, b.mcpu),
  memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
  pods: Math.min(a.pods, b.pods),
});

const free = (node: KeptNode, used: Resources): Resources => {
  const left = subtractResources(node.allocatable, used);
  return { mcpu: Math.max(0, left.mcpu), memoryBytes: Math.max(0, left.memoryBytes), pods: Math.max(0, left.pods) };
};

/**
 * What a node adds to the cluster's allocatable: all of it when pods can go there; when it is cordoned, no more than
 * what its pods hold already; nothing when it is not ready, since its pods will want room elsewhere.
 */
const contribution = (node: KeptNode, used: Resources): Resources => {
  if (!node.ready) return noResources;
  return node.schedulable ? node.allocatable : least(node.allocatable, used);
};

/** Nodes as they are kept for one set of label keys. */
interface NodeWatch {
  labelKeys: readonly string[];
  reflector: Reflector<KeptNode>;
  end(): void;
}

const sameKeys = (a: readonly string[], b: readonly string[]): boolean => a.join('\n') === b.join('\n');

/** The cluster's nodes, live, and what is free on them. */
export class Capacity {
  private nodes: NodeWatch | undefined;
  /** What takes its place once it is listed: of what is not kept, only a list tells. */
  private next: NodeWatch | undefined;

  constructor(
    private readonly client: KubeClient,
    private readonly pods: PodSource,
    private readonly signal: AbortSignal,
  ) {}

  /** Resolves when nodes are known with their labels under these keys, and pods. */
  async synced(labelKeys: readonly string[]): Promise<void> {
    await Promise.all([this.labelled(labelKeys), this.pods.synced()]);
  }

  private async labelled(labelKeys: readonly string[]): Promise<void> {
    if (this.nodes !== undefined && sameKeys(this.nodes.labelKeys, labelKeys)) return this.nodes.reflector.synced;
    if (this.next === undefined || !sameKeys(this.next.labelKeys, labelKeys)) {
      this.next?.end();
      this.next = this.watch(labelKeys);
    }
    const { next } = this;
    await next.reflector.synced;
    if (this.next !== next) return;
    this.nodes?.end();
    this.nodes = next;
    this.next = undefined;
  }

  private watch(labelKeys: readonly string[]): NodeWatch {
    const life = new AbortController();
    const end = () => life.abort();
    this.signal.addEventListener('abort', end, { once: true });
    if (this.signal.aborted) end();
    const reflector = reflect<KeptNode>(this.client, {
      kind: { apiVersion: 'v1', kind: 'Node' },
      keep: (node) => keepNode(node, labelKeys),
      signal: life.signal,
    });
    return {
      labelKeys,
      reflector,
      end: () => {
        this.signal.removeEventListener('abort', end);
        end();
      },
    };
  }

  /** Sums and classes of this moment, in time linear in the nodes. */
  read() {
    const nodes = this.nodes?.reflector.values() ?? [];
    const usable = nodes.filter((node) => node.ready && node.schedulable);
    const { berth, foreign } = this.pods.totals();
    return {
      nodes: nodes.length,
      readyNodes: nodes.filter((node) => node.ready).length,
      allocatable: nodes
        .map((node) => contribution(node, this.pods.onNode(node.name)))
        .reduce(addResources, noResources),
      foreignRequests: foreign,
      berthRequests: berth,
      ...labelledClasses(
        usable.map((node) => ({
          free: free(node, this.pods.onNode(node.name)),
          architecture: node.architecture,
          taints: node.taints,
          allocatable: node.allocatable,
          labels: node.labels,
          ...this.devicesOf(node),
        })),
        this.nodes?.labelKeys ?? [],
      ),
    };
  }

  private devicesOf({ name, extended, deviceModel }: KeptNode): {
    extended?: Record<string, number>;
    deviceModel?: string;
  } {
    const held = this.pods.extendedOnNode(name);
    const free = Object.entries(extended).map(([each, all]) => [each, Math.max(0, all - (held[each] ?? 0))] as const);
    if (free.length === 0) return {};
    return { extended: Object.fromEntries(free), ...(deviceModel === '' ? {} : { deviceModel }) };
  }
}
