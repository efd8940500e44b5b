import { setMaxListeners } from 'node:events';
import { berthAnnotations, berthLabels, type JsonObject } from '#domain';
import type { KubeClient } from '../client/client.js';
import type { ObjectChange } from '../client/kept-objects.js';
import { at, type KindRef, kindKey, type ObjectIdentity, textsAt } from '../client/objects.js';
import { reflect } from '../client/reflector.js';
import type { PodSource } from './pod-source.js';
import type { PodView } from './pods.js';
import type { OwnedObject, OwnedWatch, OwnedWatchOptions } from './port.js';
import { readinessOf } from './readiness.js';
import { kindsToWatch } from './rendered-kinds.js';

const ownedSelector = `${berthLabels.managedBy}=${berthLabels.managedByValue}`;

function keepOwned(object: JsonObject, id: ObjectIdentity): OwnedObject {
  const labels = textsAt(object, 'metadata', 'labels');
  const annotations = textsAt(object, 'metadata', 'annotations');
  return {
    ...id,
    workId: labels[berthLabels.work] ?? '',
    component: labels[berthLabels.component] ?? '',
    generation: annotations[berthAnnotations.generation] ?? '',
    digest: annotations[berthAnnotations.digest] ?? '',
    deleting: at(object, 'metadata', 'deletionTimestamp') !== undefined,
    readiness: readinessOf(object, id),
  };
}

/** Values by work, then by uid. */
class ByWork<Value extends { workId: string; uid: string }> {
  private readonly works = new Map<string, Map<string, Value>>();

  put(value: Value): void {
    const known = this.works.get(value.workId) ?? new Map<string, Value>();
    this.works.set(value.workId, known.set(value.uid, value));
  }

  remove({ workId, uid }: Value): void {
    const known = this.works.get(workId);
    known?.delete(uid);
    if (known?.size === 0) this.works.delete(workId);
  }

  of(workId: string): Value[] {
    return [...(this.works.get(workId)?.values() ?? [])];
  }

  keys(): string[] {
    return [...this.works.keys()];
  }
}

/** Follows everything that carries Berth's label, and the pods of its works. */
export function watchOwned(client: KubeClient, pods: PodSource, options: OwnedWatchOptions): OwnedWatch {
  const run = new OwnedObjects(client, pods, options);
  const synced = run.start();
  void synced.catch(() => undefined); // who does not wait for it need not handle it
  return {
    synced,
    done: run.done,
    works: () => run.works(),
    objectsOf: (workId) => run.objects.of(workId),
    podsOf: (workId) => run.pods.of(workId),
    watchKind: (kind) => run.watchKind(kind),
  };
}

class OwnedObjects {
  readonly objects = new ByWork<OwnedObject>();
  readonly pods = new ByWork<PodView>();
  readonly done: Promise<void>;
  private readonly life = new AbortController();
  private readonly watched = new Map<string, Promise<void>>();
  private finish: () => void = () => undefined;
  private fail: (reason: unknown) => void = () => undefined;

  constructor(
    private readonly client: KubeClient,
    private readonly podSource: PodSource,
    private readonly options: OwnedWatchOptions,
  ) {
    this.done = new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
    void this.done.catch(() => undefined); // rejects for those who wait for it
    setMaxListeners(0, this.life.signal); // one for each watch and call
    const end = (): void => {
      this.life.abort(options.signal.reason);
      this.finish();
    };
    options.signal.addEventListener('abort', end, { once: true });
    if (options.signal.aborted) end();
  }

  works(): string[] {
    return [...new Set([...this.objects.keys(), ...this.pods.keys()])].filter((workId) => workId !== '');
  }

  async start(): Promise<void> {
    const { signal } = this.life;
    this.podSource.follow((change) => this.takePod(change.view, change.before), {
      signal,
      onTrouble: this.options.onTrouble,
      onDefect: (error) => this.fail(error),
    });
    const served = kindsToWatch(await this.client.discovery({ signal }));
    await Promise.all([this.podSource.synced(), ...served.map((kind) => this.watch(kind))]);
  }

  async watchKind(kind: KindRef): Promise<void> {
    if (!this.watched.has(kindKey(kind))) await this.client.servedKind(kind, { signal: this.life.signal });
    return this.watch(kind);
  }

  private watch(kind: KindRef & { metadataOnly?: boolean }): Promise<void> {
    const key = kindKey(kind);
    const known = this.watched.get(key);
    if (known !== undefined) return known;
    const { onTrouble } = this.options;
    const { signal } = this.life;
    const reflector = reflect<OwnedObject>(this.client, {
      kind: { apiVersion: kind.apiVersion, kind: kind.kind },
      labelSelector: ownedSelector,
      metadataOnly: kind.metadataOnly ?? false,
      keep: keepOwned,
      onChange: (change) => this.takeObject(change),
      ...(onTrouble === undefined ? {} : { onTrouble }),
      signal,
    });
    void reflector.done.catch((error: unknown) => this.fail(error));
    this.watched.set(key, reflector.synced);
    return reflector.synced;
  }

  private takeObject(change: ObjectChange<OwnedObject>): void {
    const touched = new Set([change.kept.workId]);
    if (change.type === 'modified') {
      this.objects.remove(change.before);
      touched.add(change.before.workId);
    }
    if (change.type === 'deleted') this.objects.remove(change.kept);
    else this.objects.put(change.kept);
    for (const workId of touched) this.options.onChange(workId);
  }

  private takePod(view: PodView | undefined, before: PodView | undefined): void {
    if (before !== undefined) this.pods.remove(before);
    if (view !== undefined) this.pods.put(view);
    const touched = new Set([view?.workId, before?.workId]);
    for (const workId of touched) if (workId !== undefined) this.options.onChange(workId);
  }
}
