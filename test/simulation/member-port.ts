import { berthLabels, canonicalJson, type JsonObject, type Millis, noResources, type ObjectRef } from '#domain';
import {
  type AppliedObject,
  type ApplyBounds,
  type Bounds,
  ClusterUnreachable,
  type DeletionResult,
  identityOf,
  type LiveObject,
  type MemberCluster,
  type MemberSchema,
  NamespaceNotOurs,
  NamespaceTerminating,
  ObjectNotFound,
  type Ordered,
  type OwnedWatch,
  type OwnedWatchOptions,
  PreconditionConflict,
  type Stamp,
} from '#kube';
import { isOwned, keyOf, type MemberModel, type MemberObject, workOf } from './member-model.js';
import { watchOf } from './member-watch.js';
import type { SeededRandom } from './random.js';
import type { Life, VirtualTime } from './virtual-time.js';

const namespaceRef = (name: string): ObjectRef => ({ apiVersion: 'v1', kind: 'Namespace', namespace: '', name });

export interface MemberFaults {
  /** How often an answer is lost although the deed was done. */
  lostAnswers: number;
  /** How often one takes seconds: meanwhile the watch shows the deed, and what came after it. */
  slowAnswers: number;
}

/** How one agent process reaches its member: late, not at all, or without hearing the answer. */
export class MemberPort implements MemberCluster {
  /** The moment of the member that its agent's watch shows; undefined before the first list. */
  shown: number | undefined;

  constructor(
    private readonly member: MemberModel,
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
    private readonly life: Life,
    private readonly faults: MemberFaults,
  ) {}

  serverVersion(bounds?: Bounds): Promise<string> {
    return this.#call('version', bounds, () => 'v1.36.0');
  }

  clusterUid(bounds?: Bounds): Promise<string> {
    return this.#call('kube-system', bounds, () => this.member.uid);
  }

  async applyObject(manifest: JsonObject, stamp: Stamp = {}, bounds?: ApplyBounds): Promise<AppliedObject> {
    const { apiVersion, kind, namespace, name } = identityOf(manifest);
    const ref = { apiVersion, kind, namespace, name };
    const applied = await this.#call(`apply ${kind} ${name}`, bounds, (call) => {
      const home = this.member.objects.get(keyOf(namespaceRef(namespace)));
      if (home === undefined) throw new ObjectNotFound({ call, status: 404 }, `namespace ${namespace} is not there`);
      if (home.deleting) throw new NamespaceTerminating({ call, status: 403 }, `namespace ${namespace} is terminating`);
      this.#check(call, this.member.objects.get(keyOf(ref)), bounds?.expect);
      return this.#apply(ref, manifest, stamp);
    });
    const there = this.member.objects.get(keyOf(ref));
    if (there?.uid === applied.uid && canonicalJson(there.manifest) !== canonicalJson(manifest))
      this.member.overtaken += 1;
    return applied;
  }

  lookAt({ manifest }: Ordered, bounds?: Bounds): Promise<LiveObject | undefined> {
    const ref = identityOf(manifest);
    return this.#call(`get ${ref.kind} ${ref.name}`, bounds, () => {
      const there = this.member.objects.get(keyOf(ref));
      return there && seen(there);
    });
  }

  isCreatable({ manifest }: Ordered, bounds?: Bounds): Promise<boolean> {
    return this.#call(`try ${identityOf(manifest).name}`, bounds, () => true);
  }

  async markAdopted(): Promise<void> {}
  async shareReplicas(): Promise<void> {}
  async takeReplicas(): Promise<void> {}
  async releaseReplicas(): Promise<void> {}
  async established(): Promise<void> {}

  letGo(target: ObjectRef & { uid: string }, bounds?: Bounds): Promise<DeletionResult> {
    return this.#call(`let go ${target.kind} ${target.name}`, bounds, () => {
      const there = this.member.objects.get(keyOf(target));
      if (there === undefined) return outcome('absent');
      if (there.uid !== target.uid) return outcome('replaced');
      this.member.touch(there, { labels: {}, annotations: {} });
      return outcome('let-go');
    });
  }

  ensureNamespace(
    name: string,
    labels: Readonly<Record<string, string>> = {},
    bounds?: Bounds,
  ): Promise<AppliedObject> {
    const ref = namespaceRef(name);
    return this.#call(`ensure Namespace ${name}`, bounds, () => {
      const there = this.member.objects.get(keyOf(ref));
      if (there !== undefined && !isOwned(there)) throw new NamespaceNotOurs(name);
      const manifest = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      return this.#apply(ref, manifest, {
        labels: { ...labels, [berthLabels.managedBy]: berthLabels.managedByValue },
      });
    });
  }

  deleteObject(target: ObjectRef & { uid: string }, bounds?: Bounds): Promise<DeletionResult> {
    return this.#call(`delete ${target.kind} ${target.name}`, bounds, () => {
      const there = this.member.objects.get(keyOf(target));
      if (there === undefined) return outcome('absent');
      if (there.uid !== target.uid) return outcome('replaced');
      if (there.deleting) return outcome('deleting');
      const left = there.kind === 'Namespace' ? this.member.within(there.name) : [];
      if (left.length > 0) return { ...outcome('foreign-left'), left };
      this.member.delete(there, 'berth');
      return outcome(there.kind === 'Namespace' ? 'deleting' : 'deleted');
    });
  }

  watchOwned(options: OwnedWatchOptions): OwnedWatch {
    const { member, time, random, life } = this;
    const onShown = (moment: number) => {
      this.shown = moment;
    };
    return watchOf({ member, time, random, life, onShown }, options);
  }

  inventory(bounds?: Bounds): ReturnType<MemberCluster['inventory']> {
    const room = { mcpu: 64_000, memoryBytes: 2 ** 38, pods: 500 };
    return this.#call('inventory', bounds, () => ({
      ...{ serverVersion: 'v1.36.0', nodes: 4, readyNodes: 4, allocatable: room, classes: [], measured: undefined },
      ...{ foreignRequests: noResources, berthRequests: noResources, kinds: [], schemaDigest: '', storageClasses: [] },
    }));
  }

  schema(bounds?: Bounds): Promise<MemberSchema> {
    return this.#call('schema', bounds, () => ({ schema: {}, digest: '' }));
  }

  async close(): Promise<void> {}

  #apply(ref: ObjectRef, manifest: JsonObject, { labels = {}, annotations = {} }: Stamp): AppliedObject {
    const { object, created } = this.member.apply(ref, manifest, { labels, annotations });
    return { ...ref, uid: object.uid, resourceVersion: `${object.resourceVersion}`, created };
  }

  #check(call: string, there: MemberObject | undefined, expect: ApplyBounds['expect']): void {
    if (expect === undefined) return;
    const isAsExpected =
      expect === 'absent'
        ? there === undefined
        : there?.uid === expect.uid &&
          (expect.resourceVersion === undefined || expect.resourceVersion === `${there.resourceVersion}`);
    if (!isAsExpected) throw new PreconditionConflict({ call, status: 409 }, 'the object is not as expected');
  }

  /** There, the deed at one moment, and back. A request that is under way arrives even when its sender dies. */
  async #call<T>(what: string, bounds: Bounds = {}, deed: (call: string) => T): Promise<T> {
    const { signal, timeoutMs = 30_000 } = bounds;
    const unreachable = (why: string) => new ClusterUnreachable({ call: what }, why);
    if (this.life.isOver) return new Promise(() => undefined);
    signal?.throwIfAborted();
    await this.time.sleep(this.random.delay(1, 300));
    if (this.member.isDown) {
      const waitMs: Millis = this.random.happens(0.5) ? 1 : timeoutMs;
      await this.time.sleep(waitMs, signal, this.life);
      signal?.throwIfAborted();
      throw unreachable('connection refused');
    }
    const answer = deed(what);
    const isLost = this.random.happens(this.faults.lostAnswers);
    const isSlow = this.random.happens(this.faults.slowAnswers);
    const backMs = isSlow ? this.random.between(300, 8_000) : this.random.delay(1, 300);
    await this.time.sleep(backMs, signal, this.life);
    signal?.throwIfAborted();
    if (isLost) throw unreachable('connection reset');
    return answer;
  }
}

const outcome = (what: DeletionResult['outcome']): DeletionResult => ({ outcome: what, left: [], message: '' });

const seen = (object: MemberObject): LiveObject => ({
  ...{ apiVersion: object.apiVersion, kind: object.kind, namespace: object.namespace, name: object.name },
  ...{ uid: object.uid, resourceVersion: `${object.resourceVersion}` },
  isApplied: isOwned(object),
  managedBy: object.labels[berthLabels.managedBy] ?? '',
  workId: workOf(object),
  ...{ adopted: false, appliers: [], yielded: [], lost: [], replicas: undefined, hasReplicas: false },
});
