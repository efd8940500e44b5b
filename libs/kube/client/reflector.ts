import type { Instant, JsonObject, Millis } from '#domain';
import type { KubeClient } from './client.js';
import { ClientClosed, ClusterUnreachable, KubeError, TooManyRequests, VersionExpired } from './errors.js';
import { KeptObjects, type ObjectChange } from './kept-objects.js';
import { identityOf, type KindRef, kindKey, type ObjectIdentity } from './objects.js';
import { backoffMs } from './timing.js';
import { watchEvents } from './watch-events.js';

export interface ReflectOptions<Kept> {
  kind: KindRef;
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Objects come without spec and status. */
  metadataOnly?: boolean;
  /** The bounded part of an object that is kept; undefined keeps nothing of it. */
  keep(object: JsonObject, id: ObjectIdentity): Kept | undefined;
  /** Called in order, one change at a time. What it throws ends the reflector and rejects `done`. */
  onChange?(change: ObjectChange<Kept>): void;
  /** A list or watch failed; it is tried again after `retryInMs`. */
  onTrouble?(trouble: { kind: string; server: string; error: Error; retryInMs: Millis }): void;
  /** The server opened a watch again, after one trouble or more. */
  onRecovered?(kind: string): void;
  signal: AbortSignal;
  pageSize?: number;
  /** A watch that says nothing for so long is taken for dead and resumed. Default 100 s: bookmarks come each minute. */
  silenceMs?: Millis;
}

/** A list and watch that lives until its signal aborts. */
export interface Reflector<Kept> {
  readonly kind: string;
  readonly of: KindRef;
  isMetadataOnly(): boolean;
  /** Resolves with the first complete list; rejects when the reflector ends before. */
  readonly synced: Promise<void>;
  /** Resolves after the signal aborts; rejects with what `onChange` or `keep` threw. */
  readonly done: Promise<void>;
  /** When the server was last heard, on the client's clock; undefined before the first answer. */
  lastHeard(): Instant | undefined;
  /** How often everything was listed: 1 after the start, more after expiry. */
  lists(): number;
  values(): Kept[];
  get(namespace: string, name: string): Kept | undefined;
  /** Lists again and keeps every object afresh, from now on with or without spec and status. For when `keep` changed. */
  refresh(change?: { metadataOnly?: boolean }): void;
}

/** Ends a watch that is to be preceded by a list. */
class StaleProjection extends Error {
  override name = 'StaleProjection';
}

/** The longest is short: one agent's watches bother their own API server alone. */
const retries = { firstMs: 200, longestMs: 5_000 };
/** A watch shorter than this counts as a failure, or a server that ends each at once would be hammered. */
const shortestWatch: Millis = 1_000;
/** One that broke after this long had been well: the next failure is a first one again. */
const longWatch: Millis = 10_000;

export function reflect<Kept>(client: KubeClient, options: ReflectOptions<Kept>): Reflector<Kept> {
  const run = new Reflection(client, options);
  const done = run.run();
  void done.catch(() => undefined); // for those who wait for `synced` alone; `done` itself still rejects
  return {
    kind: kindKey(options.kind),
    of: options.kind,
    isMetadataOnly: () => run.metadataOnly,
    synced: run.synced,
    done,
    lastHeard: () => run.lastHeard,
    lists: () => run.lists,
    values: () => run.objects.values(),
    get: (namespace, name) => run.objects.get(namespace, name),
    refresh: (change = {}) => run.refresh(change),
  };
}

class Reflection<Kept> {
  readonly objects: KeptObjects<Kept>;
  readonly synced: Promise<void>;
  lastHeard: Instant | undefined;
  lists = 0;
  private resourceVersion: string | undefined;
  metadataOnly: boolean;
  /** Every object is to be kept afresh, by the next list. */
  private isStale = false;
  private watching: AbortController | undefined;
  private failures = 0;
  private timesHeard = 0;
  private isTroubled = false;
  private resolveSynced: () => void = () => undefined;
  private rejectSynced: (reason: unknown) => void = () => undefined;

  constructor(
    private readonly client: KubeClient,
    private readonly options: ReflectOptions<Kept>,
  ) {
    this.objects = new KeptObjects(options.kind, options.keep);
    this.metadataOnly = options.metadataOnly ?? false;
    this.synced = new Promise((resolve, reject) => {
      this.resolveSynced = resolve;
      this.rejectSynced = reject;
    });
    void this.synced.catch(() => undefined); // who does not wait for it need not handle it
  }

  async run(): Promise<void> {
    const { signal } = this.options;
    try {
      while (!signal.aborted) await this.round();
    } catch (error) {
      if (!signal.aborted && !(error instanceof ClientClosed)) {
        this.rejectSynced(error);
        throw error;
      }
    }
    this.rejectSynced(signal.reason ?? new Error('the reflector ended'));
  }

  refresh({ metadataOnly = this.metadataOnly }: { metadataOnly?: boolean }): void {
    this.metadataOnly = metadataOnly;
    this.isStale = true;
    this.watching?.abort(new StaleProjection('kept objects are to be kept afresh'));
  }

  /** One list if nothing is known, then one watch; troubles of the network end in a pause, all else is thrown. */
  private async round(): Promise<void> {
    const { clock } = this.client.timing;
    const began = clock.now();
    try {
      if (this.resourceVersion === undefined || this.isStale) await this.list();
      if (this.isStale) return;
      await this.watch();
      if (clock.now() - began >= shortestWatch) this.failures = 0;
      else await this.pause(new ClusterUnreachable({ call: kindKey(this.options.kind) }, 'the watch ended at once'));
    } catch (error) {
      if (error instanceof StaleProjection && !this.options.signal.aborted) return;
      if (!(error instanceof KubeError) || error instanceof ClientClosed || this.options.signal.aborted) throw error;
      if (clock.now() - began >= longWatch) this.failures = 0;
      // only the network's troubles leave the place in the stream valid
      if (!(error instanceof ClusterUnreachable || error instanceof TooManyRequests)) this.resourceVersion = undefined;
      await this.pause(error);
    }
  }

  private async pause(error: KubeError): Promise<void> {
    this.failures += 1;
    const { timing } = this.client;
    const first = error instanceof VersionExpired && this.failures === 1;
    const retryInMs = first ? 0 : backoffMs(retries, this.failures, timing.chance);
    this.isTroubled = true;
    this.options.onTrouble?.({ kind: kindKey(this.options.kind), server: this.client.server, error, retryInMs });
    if (retryInMs > 0) await timing.sleep(retryInMs, this.options.signal);
  }

  private async list(): Promise<void> {
    const { kind, namespace, labelSelector, fieldSelector, pageSize, signal } = this.options;
    const { metadataOnly, isStale: anew } = this;
    const seen = new Set<string>();
    const query = { namespace, labelSelector, fieldSelector, metadataOnly, pageSize, signal };
    let resourceVersion = '';
    this.isStale = false;
    try {
      for await (const page of this.client.list(kind, query)) {
        this.lastHeard = this.client.timing.clock.now();
        resourceVersion = page.resourceVersion;
        for (const item of page.items) {
          const id = identityOf(item);
          seen.add(`${id.namespace}/${id.name}`);
          this.tell(this.objects.see(item, { anew }));
        }
      }
    } catch (error) {
      this.isStale ||= anew;
      throw error;
    }
    this.tell(this.objects.retainOnly(seen));
    this.resourceVersion = resourceVersion;
    this.lists += 1;
    this.resolveSynced();
  }

  private async watch(): Promise<void> {
    const { kind, namespace, labelSelector, fieldSelector, signal } = this.options;
    const { metadataOnly } = this;
    const call = `watch ${kindKey(kind)}`;
    const silent = new AbortController();
    this.watching = silent;
    const follow = (): void => silent.abort(signal.reason);
    signal.addEventListener('abort', follow, { once: true });
    try {
      const bytes = await this.client.openWatch(kind, {
        ...{ namespace, labelSelector, fieldSelector, metadataOnly },
        resourceVersion: this.resourceVersion ?? '',
        lastsSeconds: Math.round(240 + 240 * this.client.timing.chance()),
        signal: silent.signal,
        timeoutMs: 15_000,
      });
      this.heard();
      if (this.isTroubled) this.options.onRecovered?.(kindKey(kind));
      this.isTroubled = false;
      void this.guardSilence(call, silent);
      for await (const event of watchEvents(call, bytes)) {
        this.heard();
        if (event.type === 'bookmark') this.resourceVersion = event.resourceVersion;
        else this.take(event.type, event.object);
      }
    } catch (error) {
      throw silent.signal.aborted ? silent.signal.reason : error;
    } finally {
      signal.removeEventListener('abort', follow);
      silent.abort(new Error('the watch is over'));
    }
  }

  private heard(): void {
    this.timesHeard += 1;
    this.lastHeard = this.client.timing.clock.now();
  }

  private take(type: 'changed' | 'deleted', object: JsonObject): void {
    const { resourceVersion } = identityOf(object);
    this.tell(type === 'changed' ? this.objects.see(object) : this.objects.forget(object));
    this.resourceVersion = resourceVersion;
    this.failures = 0;
  }

  private tell(changes: readonly ObjectChange<Kept>[]): void {
    for (const change of changes) this.options.onChange?.(change);
  }

  /** Ends a watch that has gone silent: some die without a word from the kernel. By waiting, not by the clock: that jumps. */
  private async guardSilence(call: string, watch: AbortController): Promise<void> {
    const silenceMs = this.options.silenceMs ?? 100_000;
    const lookMs = silenceMs / 4;
    let known = this.timesHeard;
    let quietMs = 0;
    while (!watch.signal.aborted) {
      try {
        await this.client.timing.sleep(lookMs, watch.signal);
      } catch (error) {
        if (!watch.signal.aborted) throw error;
        return;
      }
      quietMs = this.timesHeard === known ? quietMs + lookMs : 0;
      known = this.timesHeard;
      if (quietMs >= silenceMs) watch.abort(new ClusterUnreachable({ call }, `nothing heard for ${quietMs} ms`));
    }
  }
}
