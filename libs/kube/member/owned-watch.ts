import { setMaxListeners } from 'node:events';
import { berthAnnotations, berthLabels, type JsonObject, type ObjectEvent, type StatusRule } from '#domain';
import type { KubeClient } from '../client/client.js';
import type { ObjectChange } from '../client/kept-objects.js';
import { at, type KindRef, kindKey, type ObjectIdentity, textsAt } from '../client/objects.js';
import { type Reflector, reflect } from '../client/reflector.js';
import { ByWork } from './by-work.js';
import { comparedHold, holdOf, type WholeOrder } from './hold.js';
import { stamped } from './object-care.js';
import type { PodSource } from './pod-source.js';
import type { PodView } from './pods.js';
import type { OwnedObject, OwnedWatch, OwnedWatchOptions } from './port.js';
import { readinessOf } from './readiness.js';
import { kindsToWatch } from './rendered-kinds.js';
import { keepsTemplate, withoutTemplateMarks } from './template-marks.js';
import { type Warning, Warnings, warningKind, warningSelector } from './warnings.js';
import { WorkRules } from './work-rules.js';

const ownedSelector = `${berthLabels.managedBy}=${berthLabels.managedByValue}`;

function keepOwned(object: JsonObject, id: ObjectIdentity, rules: WorkRules): OwnedObject {
  const labels = textsAt(object, 'metadata', 'labels');
  const annotations = textsAt(object, 'metadata', 'annotations');
  const workId = labels[berthLabels.work] ?? '';
  return {
    // field by field: a spread makes each object 500 bytes bigger
    apiVersion: id.apiVersion,
    kind: id.kind,
    namespace: id.namespace,
    name: id.name,
    uid: id.uid,
    resourceVersion: id.resourceVersion,
    workId,
    component: labels[berthLabels.component] ?? '',
    generation: annotations[berthAnnotations.generation] ?? '',
    digest: annotations[berthAnnotations.digest] ?? '',
    deleting: at(object, 'metadata', 'deletionTimestamp') !== undefined,
    adopted: annotations[berthAnnotations.adopted] === 'true',
    readiness: readinessOf(object, id, rules.of(workId)),
  };
}

/** What it makes carries its name, and is not watched itself. */
const isParent = ({ kind }: OwnedObject): boolean => kind === 'Deployment' || kind === 'CronJob';

const homeOf = ({ kind, namespace, name }: OwnedObject): string => (kind === 'Namespace' ? name : namespace);

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
    eventsOf: (workId) => run.eventsOf(workId),
    setRules: (workId, rules) => run.setRules(workId, rules),
    compare: (workId) => run.compare(workId),
    watchKind: (kind) => run.watchKind(kind),
  };
}

class OwnedObjects {
  readonly objects = new ByWork<OwnedObject>();
  readonly pods = new ByWork<PodView>();
  readonly done: Promise<void>;
  private readonly life = new AbortController();
  private readonly watched = new Map<string, Reflector<OwnedObject>>();
  private readonly rules = new WorkRules();
  private readonly parents = new Map<string, string>();
  private readonly namespaces = new Map<string, number>();
  private readonly warnings = new Warnings({
    workOf: (uid) => this.pods.workOf(uid) ?? this.objects.workOf(uid),
    workOfParent: (namespace, name) => this.parents.get(`${namespace}/${name}`),
    isOurs: (namespace) => namespace !== '' && this.namespaces.has(namespace),
  });
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
      onRecovered: this.options.onRecovered,
      onDefect: (error) => this.fail(error),
    });
    const served = kindsToWatch(await this.client.discovery({ signal }));
    await Promise.all([this.podSource.synced(), ...served.map((kind) => this.watch(kind))]);
    this.watchWarnings();
  }

  eventsOf(workId: string): ObjectEvent[] {
    const pods = this.pods.of(workId).map((pod) => ({ apiVersion: 'v1', kind: 'Pod', ...pod }));
    return this.warnings.of([...this.objects.of(workId), ...pods]);
  }

  setRules(workId: string, rules: readonly StatusRule[]): void {
    const isTouched = this.rules.set(workId, rules);
    if (isTouched === undefined) return;
    const shown = this.objects.of(workId).filter(isTouched).map(kindKey);
    for (const [key, reflector] of this.watched) {
      const needsAll = reflector.isMetadataOnly() && isTouched(reflector.of);
      if (needsAll) reflector.refresh({ metadataOnly: false });
      else if (shown.includes(key)) reflector.refresh();
    }
  }

  /** Nothing waits for these: an agent that may not read events does all else. */
  private watchWarnings(): void {
    const { onTrouble, onRecovered } = this.options;
    const reflector = reflect<Warning>(this.client, {
      kind: warningKind,
      fieldSelector: warningSelector,
      keep: (event, id) => this.warnings.keep(event, id),
      onChange: (change) => {
        const workId = this.warnings.take(change);
        if (workId !== undefined && workId !== '') this.options.onChange(workId);
      },
      ...(onTrouble === undefined ? {} : { onTrouble }),
      ...(onRecovered === undefined ? {} : { onRecovered }),
      signal: this.life.signal,
    });
    void reflector.done.catch((error: unknown) => this.fail(error));
  }

  async watchKind(kind: KindRef): Promise<void> {
    if (!this.watched.has(kindKey(kind))) await this.client.servedKind(kind, { signal: this.life.signal });
    return this.watch(kind);
  }

  private watch(kind: KindRef & { metadataOnly?: boolean }): Promise<void> {
    const key = kindKey(kind);
    const known = this.watched.get(key);
    if (known !== undefined) return known.synced;
    const { onTrouble, onRecovered } = this.options;
    const { signal } = this.life;
    const reflector = reflect<OwnedObject>(this.client, {
      kind: { apiVersion: kind.apiVersion, kind: kind.kind },
      labelSelector: ownedSelector,
      metadataOnly: kind.metadataOnly === true && !this.rules.isRuled(kind),
      keep: (object, id) => this.keep(object, id),
      onChange: (change) => this.takeObject(change),
      ...(onTrouble === undefined ? {} : { onTrouble }),
      ...(onRecovered === undefined ? {} : { onRecovered }),
      signal,
    });
    void reflector.done.catch((error: unknown) => this.fail(error));
    this.watched.set(key, reflector);
    return reflector.synced;
  }

  private keep(object: JsonObject, id: ObjectIdentity): OwnedObject {
    const kept = keepOwned(object, id, this.rules);
    if (kept.workId === '' || this.options.ordered === undefined) return kept;
    const hold = holdOf(object, this.orderedOf(kept));
    if (hold !== undefined) kept.hold = hold;
    return kept;
  }

  private orderedOf(kept: OwnedObject): WholeOrder | undefined {
    const ordered = this.options.ordered?.(kept);
    if (ordered === undefined) return undefined;
    const manifest = kept.adopted ? withoutTemplateMarks(ordered.manifest) : ordered.manifest;
    return { manifest: stamped(manifest, ordered.stamp), reclaims: ordered.reclaims };
  }

  compare(workId: string): void {
    for (const object of this.objects.of(workId)) {
      if (object.hold?.uncompared === undefined) continue;
      const ordered = this.orderedOf(object);
      if (ordered !== undefined) object.hold = comparedHold(object.hold, ordered);
    }
  }

  private takeObject(change: ObjectChange<OwnedObject>): void {
    const touched = new Set([change.kept.workId]);
    if (change.type === 'modified') {
      this.remove(change.before);
      touched.add(change.before.workId);
    }
    if (change.type === 'deleted') this.remove(change.kept);
    else this.put(change.kept);
    if (change.type !== 'deleted') this.claimPods(change.kept);
    for (const workId of touched) this.options.onChange(workId);
  }

  /**
   * What was taken over keeps its template, whose labels say nothing of Berth. Once it is let go its pods are still told to
   * be the work's, as those with labels are: whoever counts them as foreign has to know what was reserved for them.
   */
  private claimPods(object: OwnedObject): void {
    if (!keepsTemplate(object.kind)) return;
    this.podSource.claim(object, object.adopted && object.workId !== '' ? object.workId : undefined);
  }

  private put(object: OwnedObject): void {
    this.objects.put(object);
    if (isParent(object)) this.parents.set(`${object.namespace}/${object.name}`, object.workId);
    const home = homeOf(object);
    this.namespaces.set(home, (this.namespaces.get(home) ?? 0) + 1);
  }

  private remove(object: OwnedObject): void {
    this.objects.remove(object);
    if (isParent(object)) this.parents.delete(`${object.namespace}/${object.name}`);
    const home = homeOf(object);
    const left = (this.namespaces.get(home) ?? 0) - 1;
    if (left > 0) this.namespaces.set(home, left);
    else this.namespaces.delete(home);
  }

  private takePod(view: PodView | undefined, before: PodView | undefined): void {
    if (before !== undefined) this.pods.remove(before);
    if (view !== undefined) this.pods.put(view);
    const touched = new Set([view?.workId, before?.workId]);
    for (const workId of touched) if (workId !== undefined) this.options.onChange(workId);
  }
}
