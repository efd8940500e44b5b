import { deleteObject } from '../api/deletion.js';
import { type ControllerContext, current, refOf } from '../controllers/context.js';
import { warn } from '../events.js';
import type { Node, Pod, Taint } from '../objects.js';
import { resourceNamed } from '../resources.js';
import { PretendKubelet } from './kubelet.js';
import { nodeConditions } from './node.js';

export interface InProcessOptions {
  readyDelayMs?: readonly [number, number];
  terminateDelayMs?: readonly [number, number];
  runMs?: readonly [number, number];
  kubelet?: boolean;
}

/** A kubelet whose node is healthy says so again this often. */
const heartbeatMs = 5 * 60_000;
const pods = resourceNamed('pods');
const nodes = resourceNamed('nodes');
const notReadyTaint: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

/** All nodes of one hollow cluster, and the kubelet that stands for theirs. */
export class InProcessNodes {
  private readonly down = new Set<string>();
  private readonly missingImages = new Set<RegExp>();
  private readonly kubelet: PretendKubelet;

  constructor(
    private readonly context: ControllerContext,
    options: InProcessOptions,
    readonly version: string,
  ) {
    const { alarms, chance, api, store } = context;
    this.kubelet = new PretendKubelet({
      client: {
        writePodStatus: (pod, status) => {
          const live = current(context, pod);
          if (live !== undefined)
            api.update(refOf(context, live), { ...live, status }, { manager: 'kubelet', subresource: 'status' });
        },
        removePod: (pod) => {
          if (current(context, pod) !== undefined)
            deleteObject(api, refOf(context, pod), { gracePeriodSeconds: 0, uid: pod.metadata.uid });
        },
        warn: (warning) => warn(context, warning),
      },
      alarms,
      chance,
      nowMs: () => api.nowMs,
      readyDelayMs: options.readyDelayMs ?? [100, 400],
      terminateDelayMs: options.terminateDelayMs ?? [50, 150],
      runMs: options.runMs ?? [200, 600],
      imageMissing: (image) => [...this.missingImages].some((pattern) => pattern.test(image)),
      nodeReady: (node) => !this.down.has(node),
    });
    if (options.kubelet === false) return;
    store.listen(pods, ({ type, object }) => {
      if (type === 'DELETED') this.kubelet.forget(object.metadata.uid);
      else this.kubelet.follow(object as Pod);
    });
    this.heartbeatLater();
  }

  setReady(name: string, ready: boolean): void {
    if (ready) this.down.delete(name);
    else this.down.add(name);
    this.report(name);
    const node = this.context.store.get(nodes, '', name) as Node | undefined;
    if (node !== undefined) {
      const others = (node.spec?.taints ?? []).filter(({ key }) => key !== notReadyTaint.key);
      const taints = ready ? others : [...others, notReadyTaint];
      const next = { ...node, spec: { ...node.spec, ...(taints.length === 0 ? { taints: undefined } : { taints }) } };
      this.context.api.update(refOf(this.context, node), next, { manager: 'kube-controller-manager' });
    }
    this.kubelet.reconsider();
  }

  failImage(pattern: RegExp | string): () => void {
    const missing = typeof pattern === 'string' ? new RegExp(pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : pattern;
    this.missingImages.add(missing);
    return () => {
      this.missingImages.delete(missing);
      this.kubelet.reconsider();
    };
  }

  private report(name: string): void {
    const { store, api } = this.context;
    const node = store.get(nodes, '', name) as Node | undefined;
    if (node === undefined) throw new Error(`no node ${name}`);
    const conditions = nodeConditions(!this.down.has(name), api.nowMs, node.status?.conditions);
    const next = { ...node, status: { ...node.status, conditions } };
    api.update(refOf(this.context, node), next, { manager: 'kubelet', subresource: 'status' });
  }

  private heartbeatLater(): void {
    this.context.alarms.after(heartbeatMs, () => {
      for (const node of [...this.context.store.objects(nodes)])
        if (!this.down.has(node.metadata.name)) this.report(node.metadata.name);
      this.heartbeatLater();
    });
  }
}
