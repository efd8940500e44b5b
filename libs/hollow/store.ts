import type { KubeObject } from './objects.js';
import type { ResourceKind } from './resources.js';
import { expired } from './status.js';

export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: ResourceKind;
  readonly object: KubeObject;
  readonly previous?: KubeObject;
  readonly revision: number;
}

type Listener = (event: StoreEvent) => void;

interface Collection {
  readonly byNamespace: Map<string, Map<string, KubeObject>>;
  /** Oldest first; what a watch can still resume through. */
  history: StoreEvent[];
  /** Events up to this revision are forgotten. */
  forgotten: number;
  readonly listeners: Set<Listener>;
}

/**
 * All objects of one cluster under one revision counter. Objects are immutable: a write puts a new one in place, and
 * events, history and readers share it.
 */
export class ObjectStore {
  private counter = 1;
  private readonly collections = new Map<ResourceKind, Collection>();
  private readonly everyListener = new Set<Listener>();

  /** `historyLimit`: events remembered for each resource. */
  constructor(private readonly historyLimit: number) {}

  get revision(): number {
    return this.counter;
  }

  get(resource: ResourceKind, namespace: string, name: string): KubeObject | undefined {
    return this.collection(resource).byNamespace.get(namespace)?.get(name);
  }

  *objects(resource: ResourceKind, namespace?: string): Generator<KubeObject> {
    const { byNamespace } = this.collection(resource);
    if (namespace !== undefined) yield* byNamespace.get(namespace)?.values() ?? [];
    else for (const objects of byNamespace.values()) yield* objects.values();
  }

  count(resource: ResourceKind): number {
    let total = 0;
    for (const objects of this.collection(resource).byNamespace.values()) total += objects.size;
    return total;
  }

  /** Puts the object in place with the next resourceVersion, and tells everyone. */
  put(resource: ResourceKind, object: KubeObject): KubeObject {
    const { byNamespace } = this.collection(resource);
    const namespace = object.metadata.namespace ?? '';
    let objects = byNamespace.get(namespace);
    if (objects === undefined) {
      objects = new Map();
      byNamespace.set(namespace, objects);
    }
    const previous = objects.get(object.metadata.name);
    const stored = this.stamped(object);
    objects.set(object.metadata.name, stored);
    const type = previous === undefined ? 'ADDED' : 'MODIFIED';
    this.announce({
      type,
      resource,
      object: stored,
      ...(previous === undefined ? {} : { previous }),
      revision: this.counter,
    });
    return stored;
  }

  remove(resource: ResourceKind, object: KubeObject): KubeObject {
    const { byNamespace } = this.collection(resource);
    const namespace = object.metadata.namespace ?? '';
    const objects = byNamespace.get(namespace);
    objects?.delete(object.metadata.name);
    if (objects?.size === 0) byNamespace.delete(namespace);
    const last = this.stamped(object);
    this.announce({ type: 'DELETED', resource, object: last, previous: object, revision: this.counter });
    return last;
  }

  /** Forgets a resource, its history and who listens to it. */
  drop(resource: ResourceKind): void {
    this.collections.delete(resource);
  }

  /** Events of a resource after `revision`, oldest first. Throws 410 Expired when some are forgotten. */
  since(resource: ResourceKind, revision: number): readonly StoreEvent[] {
    const { history, forgotten } = this.collection(resource);
    if (revision < forgotten) throw expired(revision, forgotten);
    return history.filter((event) => event.revision > revision);
  }

  /** Forgets all history: every watch that resumes from before now is told 410. */
  forget(): void {
    for (const collection of this.collections.values()) {
      collection.history = [];
      collection.forgotten = this.counter;
    }
  }

  /** Calls back within the write, in order. Returns how to stop. */
  listen(resource: ResourceKind | 'all', listener: Listener): () => void {
    const listeners = resource === 'all' ? this.everyListener : this.collection(resource).listeners;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  private stamped(object: KubeObject): KubeObject {
    this.counter += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.counter) } };
  }

  private announce(event: StoreEvent): void {
    const collection = this.collection(event.resource);
    collection.history.push(event);
    if (collection.history.length >= 2 * this.historyLimit) {
      const dropped = collection.history.splice(0, collection.history.length - this.historyLimit);
      collection.forgotten = dropped.at(-1)?.revision ?? collection.forgotten;
    }
    for (const listener of this.everyListener) listener(event);
    for (const listener of collection.listeners) listener(event);
  }

  private collection(resource: ResourceKind): Collection {
    let found = this.collections.get(resource);
    if (found === undefined) {
      found = { byNamespace: new Map(), history: [], forgotten: 0, listeners: new Set() };
      this.collections.set(resource, found);
    }
    return found;
  }
}
