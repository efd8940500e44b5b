import { addResources, type JsonObject, noResources, type ObjectRef, type Resources, subtractResources } from '#domain';
import type { KubeClient } from '../client/client.js';
import type { ObjectChange } from '../client/kept-objects.js';
import { type Reflector, reflect } from '../client/reflector.js';
import { PodClaims } from './pod-claims.js';
import { type KeptPod, keepPod, type PodView } from './pods.js';
import type { WatchTrouble } from './port.js';

export interface PodChange {
  view: PodView | undefined;
  before: PodView | undefined;
}

interface Follower {
  onChange(change: PodChange): void;
  onTrouble: ((trouble: WatchTrouble) => void) | undefined;
  onRecovered: ((kind: string) => void) | undefined;
}

/** One watch of all pods, shared by status and capacity; keeps sums per node up to date as pods come and go. */
export class PodSource {
  private readonly perNode = new Map<string, Resources>();
  private readonly extendedPerNode = new Map<string, Record<string, number>>();
  private berth = noResources;
  private foreign = noResources;
  private readonly followers = new Set<Follower>();
  private reflector: Reflector<KeptPod> | undefined;
  private readonly claims = new PodClaims();

  constructor(
    private readonly client: KubeClient,
    private readonly signal: AbortSignal,
  ) {}

  /** Requests of living pods that Berth placed, and of all others. */
  totals(): { berth: Resources; foreign: Resources } {
    return { berth: this.berth, foreign: this.foreign };
  }

  /** Requests of living pods bound to that node. */
  onNode(name: string): Resources {
    return this.perNode.get(name) ?? noResources;
  }

  /** Devices and the like that living pods hold there. */
  extendedOnNode(name: string): Readonly<Record<string, number>> {
    return this.extendedPerNode.get(name) ?? {};
  }

  /** Whose a pod is; empty: no work's. */
  workOf(pod: JsonObject): string {
    return this.claims.workOf(pod);
  }

  /** Pods of this workload are that work's, whatever their labels say; undefined: no longer. Lists them again if that is news. */
  claim(workload: ObjectRef, workId: string | undefined): void {
    if (this.claims.set(workload, workId)) this.reflector?.refresh();
  }

  synced(): Promise<void> {
    return this.started().synced;
  }

  /** Hears of pods of works: of all that are there now, then of every change, until the signal aborts. */
  follow(
    onChange: (change: PodChange) => void,
    options: Omit<Follower, 'onChange'> & { signal: AbortSignal; onDefect(error: unknown): void },
  ): void {
    const follower = { onChange, onTrouble: options.onTrouble, onRecovered: options.onRecovered };
    const reflector = this.started();
    for (const { view } of reflector.values()) if (view !== undefined) onChange({ view, before: undefined });
    this.followers.add(follower);
    options.signal.addEventListener('abort', () => this.followers.delete(follower), { once: true });
    void reflector.done.catch(options.onDefect);
  }

  private started(): Reflector<KeptPod> {
    this.reflector ??= reflect<KeptPod>(this.client, {
      kind: { apiVersion: 'v1', kind: 'Pod' },
      keep: (pod, id) => keepPod(pod, id, this.workOf(pod)),
      onChange: (change) => this.take(change),
      onTrouble: (trouble) => {
        for (const follower of this.followers) follower.onTrouble?.(trouble);
      },
      onRecovered: (kind) => {
        for (const follower of this.followers) follower.onRecovered?.(kind);
      },
      signal: this.signal,
    });
    return this.reflector;
  }

  private take(change: ObjectChange<KeptPod>): void {
    const before = change.type === 'modified' ? change.before : change.type === 'deleted' ? change.kept : undefined;
    const after = change.type === 'deleted' ? undefined : change.kept;
    if (before !== undefined) this.account(before, subtractResources);
    if (after !== undefined) this.account(after, addResources);
    if (before?.extended !== undefined) this.accountExtended(before, -1);
    if (after?.extended !== undefined) this.accountExtended(after, 1);
    if (before?.view === undefined && after?.view === undefined) return;
    for (const follower of this.followers) follower.onChange({ view: after?.view, before: before?.view });
  }

  private account(pod: KeptPod, combine: (sum: Resources, part: Resources) => Resources): void {
    if (pod.view === undefined) this.foreign = combine(this.foreign, pod.requests);
    else this.berth = combine(this.berth, pod.requests);
    if (pod.node === '') return;
    const left = combine(this.onNode(pod.node), pod.requests);
    if (left.pods === 0) this.perNode.delete(pod.node);
    else this.perNode.set(pod.node, left);
  }

  private accountExtended({ node, extended = {} }: KeptPod, sign: 1 | -1): void {
    if (node === '') return;
    const held = { ...this.extendedPerNode.get(node) };
    for (const [name, amount] of Object.entries(extended)) {
      const left = (held[name] ?? 0) + sign * amount;
      if (left === 0) delete held[name];
      else held[name] = left;
    }
    if (Object.keys(held).length === 0) this.extendedPerNode.delete(node);
    else this.extendedPerNode.set(node, held);
  }
}
