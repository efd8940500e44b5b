import { defaultObjectPolicy, type JsonObject, type ObjectRef, type Work } from '#domain';
import { identityOf } from '#kube';
import type { placementStore } from '#store';
import { reapingSteps } from '../../apps/scheduler/reaping/steps.js';
import type { AgentStoreModel, TombstoneRow } from '../../libs/store/testing/agent-store-model.js';
import { keyOf } from './member-model.js';
import type { SeededRandom } from './random.js';
import type { Truth } from './truth.js';

interface KnownObject extends ObjectRef {
  /** Undefined as long as its work wants it. */
  droppedGeneration: bigint | undefined;
}

const environments = ['production', 'staging'];
const namespaceOf = (environment: string): string => `berth-${environment}`;

/** Commits works and tombstones as the scheduler does: what was there before is dropped, and buried once it is shown. */
export class PretendScheduler {
  /** Every content that a work ever had, by generation. */
  readonly history = new Map<string, Work[]>();
  readonly #objects = new Map<string, Map<string, KnownObject>>();
  #names = 0;

  constructor(
    private readonly store: AgentStoreModel,
    private readonly random: SeededRandom,
    private readonly truth: Truth,
    private readonly clusters: readonly string[],
  ) {}

  /** Some work of this cluster answers for an object of that name, wanted or not. */
  answersFor(cluster: string, object: ObjectRef): boolean {
    return [...this.#objects].some(
      ([workId, known]) => this.store.works.get(workId)?.cluster === cluster && known.has(keyOf(object)),
    );
  }

  /** Something new, something else, or nothing any more. */
  change(): string {
    const wanted = [...this.store.works.values()].filter((work) => work.objects.length > 0);
    const work = this.random.pick(wanted);
    if (work === undefined || wanted.length < 3 || this.random.happens(0.25)) return this.#create();
    return this.random.happens(0.3) ? this.#put(work, []) : this.#put(work, this.#contentOf(work));
  }

  /** One pass of the reaper, over what agents have said so far. */
  reap(): string[] {
    const { bury, forget } = reapingSteps(this.#dropped());
    for (const object of bury) this.#bury(object);
    for (const object of forget) this.#objects.get(object.workId)?.delete(keyOf(object));
    const gone = [...this.store.works.values()].filter((work) => this.#isGone(work));
    for (const { id } of gone) {
      this.store.deleteWork(id);
      this.#objects.delete(id);
    }
    return [
      ...bury.map(({ kind, name, uid }) => `bury ${kind} ${name} ${uid.slice(0, 8)}`),
      ...forget.map(({ kind, name }) => `forget ${kind} ${name}`),
      ...gone.map(({ component }) => `${component} is gone`),
    ];
  }

  #create(): string {
    const cluster = this.random.pick(this.clusters) ?? '';
    const environment = this.random.pick(environments) ?? '';
    const component = `c${++this.#names}`;
    const work = {
      ...{ id: this.random.uuid(), cluster, environment, component, application: 'store' },
      ...{ namespace: namespaceOf(environment), policy: defaultObjectPolicy },
    };
    return this.#put(work, this.#contentOf(work));
  }

  #put(work: Omit<Work, 'sequence' | 'generation' | 'objects'>, objects: readonly JsonObject[]): string {
    const written = this.store.putWork({ ...work, objects });
    this.truth.ordered(written);
    this.history.set(work.id, [...(this.history.get(work.id) ?? []), written]);
    const known = this.#objects.get(work.id) ?? new Map<string, KnownObject>();
    const refs = new Map(objects.map((manifest) => [keyOf(identityOf(manifest)), identityOf(manifest)]));
    for (const [key, object] of known) if (!refs.has(key)) object.droppedGeneration ??= written.generation;
    for (const [key, ref] of refs) known.set(key, { ...ref, droppedGeneration: undefined });
    this.#objects.set(work.id, known);
    const names = [...refs.values()].map(({ kind, name }) => `${kind} ${name}`).join(', ');
    return `${work.cluster}: ${work.component} at ${written.generation} (#${written.sequence}): ${names}`;
  }

  #contentOf({ component, namespace }: Pick<Work, 'component' | 'namespace'>): JsonObject[] {
    const value = `${this.random.between(0, 999)}`;
    const inside = (apiVersion: string, kind: string, name: string, content: JsonObject): JsonObject => ({
      ...{ apiVersion, kind, metadata: { name, namespace } },
      ...content,
    });
    const all = [
      inside('v1', 'ConfigMap', `${component}-config`, { data: { value } }),
      inside('apps/v1', 'Deployment', component, { spec: { replicas: 1, value } }),
      inside('v1', 'Service', component, { spec: { value } }),
    ];
    const some = all.filter(() => this.random.happens(0.6));
    const home = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    return [home, ...(some.length === 0 ? all.slice(0, 1) : some)];
  }

  /** As the store reads it: only of works that were reported at the generation that dropped it, or later. */
  #dropped(): placementStore.DroppedObject[] {
    return [...this.#objects].flatMap(([workId, known]) => {
      const work = this.store.works.get(workId);
      const reported = this.store.status.get(workId)?.status;
      if (work === undefined || reported === undefined) return [];
      return [...known.values()].flatMap((object): placementStore.DroppedObject[] => {
        const { droppedGeneration } = object;
        if (droppedGeneration === undefined || reported.generation < droppedGeneration) return [];
        const uid = reported.objects.find((seen) => keyOf(seen) === keyOf(object) && seen.uid !== '')?.uid;
        return [
          {
            ...object,
            ...{ workId, cluster: work.cluster, tenant: 'acme', droppedGeneration, uid },
            tombstone: this.#tombstoneOf(work, object, uid, droppedGeneration),
            adopted: false,
            restLeft: object.kind === 'Namespace' && [...known.values()].some(({ kind }) => kind !== 'Namespace'),
            holders: object.kind === 'Namespace' ? this.#holders(work.cluster, object) : 1,
          },
        ];
      });
    });
  }

  #tombstoneOf({ id, cluster }: Work, object: ObjectRef, uid: string | undefined, generation: bigint) {
    const [newest] = [...this.store.tombstones.values()]
      .filter((each) => each.cluster === cluster && each.uid === uid && keyOf(each.object) === keyOf(object))
      .filter((each) => each.workId === id && each.generation >= generation)
      .sort((a, b) => (a.sequence > b.sequence ? -1 : 1));
    if (newest === undefined) return 'none' as const;
    return newest.confirmed === undefined ? ('open' as const) : ('confirmed' as const);
  }

  #holders(cluster: string, namespace: ObjectRef): number {
    return [...this.#objects].filter(
      ([workId, known]) => this.store.works.get(workId)?.cluster === cluster && known.has(keyOf(namespace)),
    ).length;
  }

  #bury(object: placementStore.DroppedObject & { uid: string }): TombstoneRow {
    const { apiVersion, kind, namespace, name, cluster, workId, uid } = object;
    return this.store.putTombstone({
      ...{ id: this.random.uuid(), cluster, workId, uid, mode: 'delete' },
      ...{ generation: object.droppedGeneration, object: { apiVersion, kind, namespace, name } },
    });
  }

  #isGone({ id, objects }: Work): boolean {
    if (objects.length > 0 || (this.#objects.get(id)?.size ?? 0) > 0) return false;
    const isOpen = [...this.store.tombstones.values()].some((each) => each.workId === id && !each.confirmed);
    const reported = this.store.status.get(id)?.status;
    return !isOpen && (reported === undefined || reported.replicas.ready === 0);
  }
}
