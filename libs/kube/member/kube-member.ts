import { setMaxListeners } from 'node:events';
import { berthLabels, type Inventory, type JsonObject, type ObjectRef } from '#domain';
import type { KubeClient } from '../client/client.js';
import { ClusterUnreachable, isNotFound, PreconditionConflict } from '../client/errors.js';
import { identityOf, textAt, textsAt } from '../client/objects.js';
import { withDeadline } from '../client/timing.js';
import { Capacity } from './capacity.js';
import { kubePods } from './kube-pods.js';
import { MeasuredUse } from './measured-use.js';
import { RareFacts } from './member-facts.js';
import { namespaceContents } from './namespace-contents.js';
import {
  applied,
  established,
  expecting,
  find,
  isCreatable,
  letGo,
  look,
  markAdopted,
  releaseReplicas,
  shareReplicas,
  stamped,
  takeReplicas,
} from './object-care.js';
import { watchOwned } from './owned-watch.js';
import type { PodAccess } from './pod-access.js';
import { PodSource } from './pod-source.js';
import {
  type AppliedObject,
  type ApplyBounds,
  type Bounds,
  type DeletionResult,
  type InventoryBounds,
  type LiveObject,
  type MemberCluster,
  type MemberSchema,
  NamespaceNotOurs,
  type Ordered,
  type OwnedWatch,
  type OwnedWatchOptions,
  type Stamp,
} from './port.js';

/** The adapter of `MemberCluster` for anything that speaks Kubernetes' API. `close` closes the client too. */
export function kubeMember(client: KubeClient): MemberCluster {
  return new KubeMember(client);
}

const result = (outcome: DeletionResult['outcome'], message = ''): DeletionResult => ({ outcome, left: [], message });

class KubeMember implements MemberCluster {
  readonly podAccess: PodAccess;
  private readonly life = new AbortController();
  private readonly pods: PodSource;
  private readonly capacity: Capacity;
  private readonly measured: MeasuredUse;
  private readonly facts: RareFacts;

  constructor(private readonly client: KubeClient) {
    setMaxListeners(0, this.life.signal); // one for each watch and call
    this.pods = new PodSource(client, this.life.signal);
    this.capacity = new Capacity(client, this.pods, this.life.signal);
    this.measured = new MeasuredUse(client);
    this.facts = new RareFacts(client);
    this.podAccess = kubePods(client, (pod) => this.pods.workOf(pod));
  }

  serverVersion(bounds: Bounds = {}): Promise<string> {
    return this.facts.version(bounds);
  }

  async clusterUid(bounds: Bounds = {}): Promise<string> {
    const system = { apiVersion: 'v1', kind: 'Namespace', namespace: '', name: 'kube-system' };
    return identityOf(await this.client.get(system, bounds)).uid;
  }

  async applyObject(manifest: JsonObject, stamp: Stamp = {}, bounds: ApplyBounds = {}): Promise<AppliedObject> {
    const { expect, force = false, ...rest } = bounds;
    const { object, created } = await applied(this.client, expecting(stamped(manifest, stamp), expect), {
      ...rest,
      force,
    });
    return { ...identityOf(object), created };
  }

  lookAt({ manifest, stamp, reclaims }: Ordered, bounds: Bounds = {}): Promise<LiveObject | undefined> {
    return look(this.client, { manifest: stamped(manifest, stamp), reclaims }, bounds);
  }

  isCreatable({ manifest, stamp }: Ordered, bounds: Bounds = {}): Promise<boolean> {
    return isCreatable(this.client, stamped(manifest, stamp), bounds);
  }

  shareReplicas(target: ObjectRef & { uid: string }, replicas: number, bounds: Bounds = {}): Promise<void> {
    return shareReplicas(this.client, target, replicas, bounds);
  }

  takeReplicas(target: ObjectRef & { uid: string }, replicas: number, bounds: Bounds = {}): Promise<void> {
    return takeReplicas(this.client, target, replicas, bounds);
  }

  releaseReplicas(target: ObjectRef & { uid: string }, bounds: Bounds = {}): Promise<void> {
    return releaseReplicas(this.client, target, bounds);
  }

  markAdopted(object: LiveObject, bounds: Bounds = {}): Promise<void> {
    return markAdopted(this.client, object, bounds);
  }

  letGo(target: ObjectRef & { uid: string }, bounds: Bounds = {}): Promise<DeletionResult> {
    return letGo(this.client, target, bounds);
  }

  established(name: string, bounds: Bounds = {}): Promise<void> {
    return established(this.client, name, bounds);
  }

  async ensureNamespace(
    name: string,
    labels: Readonly<Record<string, string>> = {},
    bounds: Bounds = {},
  ): Promise<AppliedObject> {
    const ref = { apiVersion: 'v1', kind: 'Namespace', namespace: '', name };
    const there = await find(this.client, ref, bounds);
    if (
      there !== undefined &&
      textsAt(there, 'metadata', 'labels')[berthLabels.managedBy] !== berthLabels.managedByValue
    )
      throw new NamespaceNotOurs(name);
    const own = { ...labels, [berthLabels.managedBy]: berthLabels.managedByValue };
    return this.applyObject({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { labels: own }, bounds);
  }

  async deleteObject(target: ObjectRef & { uid: string }, bounds: Bounds = {}): Promise<DeletionResult> {
    if (target.apiVersion === 'v1' && target.kind === 'Namespace') return this.deleteNamespace(target, bounds);
    return this.deleteByUid(target, bounds);
  }

  watchOwned(options: OwnedWatchOptions): OwnedWatch {
    return watchOwned(this.client, this.pods, options);
  }

  async inventory({ labelKeys = [], ...bounds }: InventoryBounds = {}): Promise<Omit<Inventory, 'reflected'>> {
    const [facts, measured] = await Promise.all([
      this.facts.read(bounds),
      this.measured.read(bounds),
      this.firstLists(bounds, labelKeys),
    ]);
    return { ...facts, measured, ...this.capacity.read() };
  }

  schema(bounds: Bounds = {}): Promise<MemberSchema> {
    return this.facts.schema(bounds);
  }

  async close(): Promise<void> {
    this.life.abort(new Error('the member cluster was closed'));
    await this.client.close();
  }

  private firstLists({ signal, timeoutMs = 30_000 }: Bounds, labelKeys: readonly string[]): Promise<void> {
    const late = () => new ClusterUnreachable({ call: 'list nodes and pods' }, `not complete within ${timeoutMs} ms`);
    return withDeadline(signal, timeoutMs, late, () => this.capacity.synced(labelKeys));
  }

  private async deleteByUid(target: ObjectRef & { uid: string }, bounds: Bounds): Promise<DeletionResult> {
    try {
      const lingering = await this.client.delete(target, { ...bounds, uid: target.uid, propagation: 'Background' });
      if (lingering === undefined) return result('deleted');
    } catch (error) {
      if (isNotFound(error)) return result('absent');
      if (!(error instanceof PreconditionConflict)) throw error;
      return this.afterConflict(target, error, bounds);
    }
    // some kinds answer with the object although it is gone; only a look tells
    const there = await find(this.client, target, bounds);
    return identityOf(there ?? {}).uid === target.uid
      ? result('deleting', 'finalizers or a grace period hold the object')
      : result('deleted');
  }

  private async afterConflict(
    target: ObjectRef & { uid: string },
    cause: Error,
    bounds: Bounds,
  ): Promise<DeletionResult> {
    const there = await find(this.client, target, bounds);
    if (there === undefined) return result('absent');
    const { uid } = identityOf(there);
    if (uid === target.uid) throw cause;
    return result('replaced', `an object of that name has uid ${uid}`);
  }

  /** Between the look and the delete something foreign may still arrive: Kubernetes has no precondition for that. */
  private async deleteNamespace(target: ObjectRef & { uid: string }, bounds: Bounds): Promise<DeletionResult> {
    const there = await find(this.client, target, bounds);
    if (there === undefined) return result('absent');
    const { uid } = identityOf(there);
    if (uid !== target.uid) return result('replaced', `a namespace of that name has uid ${uid}`);
    if (textAt(there, 'metadata', 'deletionTimestamp') !== '')
      return result('deleting', 'the namespace is terminating');
    const { left, unchecked } = await namespaceContents(this.client, target.name, bounds);
    if (left.length > 0) {
      const names = left.map((ref) => `${ref.kind} ${ref.name}`).join(', ');
      return { outcome: 'foreign-left', left, message: `left in the namespace: ${names}` };
    }
    if (unchecked.length > 0)
      return result('foreign-left', `cannot tell what is left: no answer for ${unchecked.join(', ')}`);
    return this.deleteByUid(target, bounds);
  }
}
