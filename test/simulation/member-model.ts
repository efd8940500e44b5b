import { berthAnnotations, berthLabels, isJsonObject, type JsonObject, type Millis, type ObjectRef } from '#domain';
import type { SeededRandom } from './random.js';
import type { VirtualTime } from './virtual-time.js';

export interface MemberObject extends ObjectRef {
  uid: string;
  resourceVersion: number;
  /** Without what was stamped on it. */
  manifest: JsonObject;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** Its pods are up, if it has any. */
  ready: boolean;
  /** On its way out. */
  deleting: boolean;
}

/** Something was deleted: by whom, and what it was. */
export interface Deletion {
  object: MemberObject;
  by: 'berth' | 'somebody' | 'its namespace';
}

export type Change = { kind: 'set'; object: MemberObject } | { kind: 'gone'; object: MemberObject };

export const keyOf = ({ apiVersion, kind, namespace, name }: ObjectRef): string =>
  `${apiVersion}/${kind}/${namespace}/${name}`;
export const isOwned = ({ labels }: Pick<MemberObject, 'labels'>): boolean =>
  labels[berthLabels.managedBy] === berthLabels.managedByValue;
export const workOf = ({ labels }: Pick<MemberObject, 'labels'>): string => labels[berthLabels.work] ?? '';

/** A member cluster: what it holds, and everything that was ever deleted in it. */
export class MemberModel {
  readonly uid: string;
  readonly objects = new Map<string, MemberObject>();
  readonly deletions: Deletion[] = [];
  /** Applies that were answered when something else was in their place already. */
  overtaken = 0;
  /** The API server does not answer. */
  isDown = false;
  #version = 0;
  #moment = 0;
  readonly #followers = new Set<(change: Change) => void>();

  constructor(
    readonly cluster: string,
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
    private readonly slowestStart: Millis,
  ) {
    this.uid = random.uuid();
  }

  /** How many changes there have been. Between two of them nothing is any other. */
  get moment(): number {
    return this.#moment;
  }

  follow(onChange: (change: Change) => void): () => void {
    this.#followers.add(onChange);
    return () => this.#followers.delete(onChange);
  }

  /** Server-side apply: creates, or brings what is there to this; changes nothing when it is so already. */
  apply(
    ref: ObjectRef,
    manifest: JsonObject,
    stamp: Pick<MemberObject, 'labels' | 'annotations'>,
  ): { object: MemberObject; created: boolean } {
    const there = this.objects.get(keyOf(ref));
    const next = {
      manifest,
      labels: { ...there?.labels, ...stamp.labels },
      annotations: { ...there?.annotations, ...stamp.annotations },
    };
    if (there !== undefined && same(next, there)) return { object: there, created: false };
    const startMs = ref.kind === 'Deployment' ? this.random.delay(50, this.slowestStart) : 0;
    const isNewContent = there === undefined || !same({ manifest }, { manifest: there.manifest });
    const object: MemberObject = {
      ...ref,
      ...next,
      uid: there?.uid ?? this.random.uuid(),
      resourceVersion: ++this.#version,
      ready: startMs === 0 || (!isNewContent && there?.ready === true),
      deleting: there?.deleting ?? false,
    };
    this.#set(object);
    if (!object.ready) this.time.after(startMs, () => this.#becomeReady(object));
    return { object, created: there === undefined };
  }

  /** Something of an object changes that no manifest says. */
  touch(object: MemberObject, change: Partial<Pick<MemberObject, 'labels' | 'annotations' | 'ready'>>): void {
    if (this.#isThere(object)) this.#set({ ...object, ...change, resourceVersion: ++this.#version });
  }

  delete(object: MemberObject, by: Deletion['by']): void {
    if (!this.#isThere(object)) return;
    this.deletions.push({ object, by });
    if (object.kind === 'Namespace') this.#terminate(object);
    else {
      this.objects.delete(keyOf(object));
      this.#tell({ kind: 'gone', object });
    }
  }

  /** What a namespace holds. */
  within(namespace: string): MemberObject[] {
    return [...this.objects.values()].filter((object) => object.namespace === namespace);
  }

  #terminate(namespace: MemberObject): void {
    this.#set({ ...namespace, deleting: true, resourceVersion: ++this.#version });
    this.time.after(this.random.delay(5, 3_000), () => {
      for (const inside of this.within(namespace.name)) this.delete(inside, 'its namespace');
      this.objects.delete(keyOf(namespace));
      this.#tell({ kind: 'gone', object: namespace });
    });
  }

  #becomeReady(object: MemberObject): void {
    const there = this.objects.get(keyOf(object));
    // a newer content starts anew
    if (there?.uid === object.uid && same({ manifest: there.manifest }, { manifest: object.manifest }))
      this.touch(there, { ready: true });
  }

  #isThere(object: MemberObject): boolean {
    return this.objects.get(keyOf(object))?.uid === object.uid;
  }

  #set(object: MemberObject): void {
    this.objects.set(keyOf(object), object);
    this.#tell({ kind: 'set', object });
  }

  #tell(change: Change): void {
    this.#moment += 1;
    for (const follower of this.#followers) follower(change);
  }
}

type Content = Partial<Pick<MemberObject, 'manifest' | 'labels' | 'annotations'>>;

const sorted = (value: unknown): unknown =>
  isJsonObject(value as JsonObject)
    ? Object.fromEntries(
        Object.entries(value as JsonObject)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, each]) => [name, sorted(each)]),
      )
    : value;

const same = (wanted: Content, there: Content): boolean =>
  (Object.keys(wanted) as (keyof Content)[]).every(
    (part) => JSON.stringify(sorted(wanted[part])) === JSON.stringify(sorted(there[part])),
  );

/** The generation that an object was last applied at; zero when nothing says so. */
export const generationOf = ({ annotations }: MemberObject): bigint =>
  BigInt(annotations[berthAnnotations.generation] ?? '0');
