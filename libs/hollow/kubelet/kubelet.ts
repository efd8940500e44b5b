import type { Alarms } from '../alarms.js';
import type { Chance } from '../chance.js';
import type { Warning } from '../events.js';
import type { Pod, PodStatus } from '../objects.js';
import { type Fate, podStatus } from './pod-status.js';

/** How a pretend kubelet reaches its API server: in process, or over HTTP to any Kubernetes. */
interface KubeletClient {
  /** Writes a pod's status if it is still there. */
  writePodStatus(pod: Pod, status: PodStatus): void | Promise<void>;
  /** Removes a terminated pod: a delete without grace. */
  removePod(pod: Pod): void | Promise<void>;
  warn(warning: Warning): void | Promise<void>;
}

export interface KubeletOptions {
  client: KubeletClient;
  alarms: Alarms;
  chance: Chance;
  nowMs: () => number;
  /** From bound to ready, milliseconds, least and most. */
  readyDelayMs: readonly [number, number];
  /** From deleted to gone. */
  terminateDelayMs: readonly [number, number];
  /** How long a pod that is to end (of a Job) runs. */
  runMs: readonly [number, number];
  /** Pods of such an image never start. */
  imageMissing: (image: string) => boolean;
  nodeReady: (node: string) => boolean;
}

interface KnownPod {
  pod: Pod;
  state: 'starting' | 'settled' | 'terminating';
  podIp: string;
  cancel: () => void;
}

/** Runs pods without running anything: each becomes ready after a while, ends if it is meant to, and goes when deleted. */
export class PretendKubelet {
  private readonly known = new Map<string, KnownPod>();
  private nextIp = 1;

  constructor(private readonly options: KubeletOptions) {}

  /** Tells of a pod's present state. Pods of other machinery (not bound) are ignored. */
  follow(pod: Pod): void {
    if (pod.spec.nodeName === undefined) return;
    const { uid, deletionTimestamp } = pod.metadata;
    const known = this.known.get(uid) ?? this.admit(pod);
    known.pod = pod;
    if (deletionTimestamp !== undefined && known.state !== 'terminating') this.terminate(known);
  }

  forget(uid: string): void {
    this.known.get(uid)?.cancel();
    this.known.delete(uid);
  }

  /** Forgets every pod that a full list no longer has. */
  retain(uids: ReadonlySet<string>): void {
    for (const uid of this.known.keys()) if (!uids.has(uid)) this.forget(uid);
  }

  /** Decides every pod's readiness anew: a node went or came back, an image became known. */
  reconsider(): void {
    for (const known of this.known.values()) {
      if (known.state === 'settled') this.settle(known);
      else if (known.state === 'terminating') this.terminate(known);
    }
  }

  private admit(pod: Pod): KnownPod {
    const { alarms, chance, readyDelayMs } = this.options;
    this.nextIp += 1;
    const podIp = `10.${244 + ((this.nextIp >> 16) & 7)}.${(this.nextIp >> 8) & 255}.${this.nextIp & 255}`;
    const known: KnownPod = { pod, state: 'starting', podIp, cancel: () => {} };
    this.known.set(pod.metadata.uid, known);
    const { phase } = pod.status ?? {};
    if (phase === 'Running' || phase === 'Succeeded' || phase === 'Failed') {
      known.state = 'settled';
      if (phase === 'Running') this.endLater(known);
    } else known.cancel = alarms.after(chance.between(readyDelayMs), () => this.settle(known));
    return known;
  }

  private fateOf({ spec }: Pod): Fate {
    if (spec.containers.some(({ image = '' }) => this.options.imageMissing(image))) return 'image-missing';
    return this.options.nodeReady(spec.nodeName ?? '') ? 'running' : 'not-ready';
  }

  private settle(known: KnownPod): void {
    if (known.state === 'terminating' || known.pod.status?.phase === 'Succeeded') return;
    const fate = this.fateOf(known.pod);
    const first = known.state === 'starting';
    if (fate === 'not-ready' && first) {
      known.cancel = this.options.alarms.after(1000, () => this.settle(known));
      return;
    }
    known.state = 'settled';
    this.write(known, fate);
    if (fate === 'running' && first) this.endLater(known);
  }

  private endLater(known: KnownPod): void {
    if (!known.pod.metadata.ownerReferences?.some(({ kind }) => kind === 'Job')) return;
    const { alarms, chance, runMs } = this.options;
    known.cancel = alarms.after(chance.between(runMs), () => this.write(known, 'succeeded'));
  }

  private terminate(known: KnownPod): void {
    known.cancel();
    known.state = 'terminating';
    const { alarms, chance, terminateDelayMs, client } = this.options;
    known.cancel = alarms.after(chance.between(terminateDelayMs), () => {
      // Nobody on a lost node can say that its containers ended; the pod stays until the node is back.
      if (this.options.nodeReady(known.pod.spec.nodeName ?? '')) void client.removePod(known.pod);
    });
  }

  private write(known: KnownPod, fate: Fate): void {
    const facts = { nowMs: this.options.nowMs(), podIp: known.podIp, hostIp: '127.0.0.1' };
    void this.options.client.writePodStatus(known.pod, podStatus(known.pod, fate, facts));
    if (fate !== 'image-missing') return;
    const image = known.pod.spec.containers.map((each) => each.image ?? '').find(this.options.imageMissing);
    const message = `Failed to pull image "${image}": not found`;
    void this.options.client.warn({ about: known.pod, reason: 'Failed', message, component: 'kubelet' });
  }
}
