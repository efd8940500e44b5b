import { fieldManager, isJsonObject, type JsonObject, type Millis, type ObjectRef } from '#domain';
import type { Channels } from './channels.js';
import { type ClusterAccess, credentialSource } from './credentials.js';
import { type Discovery, discover, type ServedKind } from './discovery.js';
import { GarbledAnswer, ObjectNotFound, ServerFault } from './errors.js';
import { identityOf, type KindRef, kindKey, listAt, textAt } from './objects.js';
import { defaultRetries, type RetryPolicy, sendRepeatable } from './retry.js';
import { systemTiming, type Timing } from './timing.js';
import { type Answer, type Call, type CallOptions, type SocketCall, type Transport, transportTo } from './transport.js';

export interface ListQuery extends CallOptions {
  /** Absent or empty: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Objects come as PartialObjectMetadata. */
  metadataOnly?: boolean | undefined;
  pageSize?: number | undefined;
}

export interface ListPage {
  items: JsonObject[];
  /** Of the whole list, the same on every page. */
  resourceVersion: string;
}

export interface WatchQuery extends ListQuery {
  resourceVersion: string;
  /** The server ends the watch after so long. */
  lastsSeconds: number;
  signal: AbortSignal;
}

export interface ApplyOptions extends CallOptions {
  /** Take fields over from other managers: only from those that do not apply themselves. */
  force?: boolean;
  fieldManager?: string;
  /** The server checks, and stores nothing. */
  dryRun?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Refused with `PreconditionConflict` when the stored object has another uid. */
  uid: string;
  propagation: 'Background' | 'Foreground' | 'Orphan';
}

/** The API of one cluster: raw JSON in and out, typed refusals (`KubeError`), every call bounded in time. */
export interface KubeClient {
  readonly server: string;
  readonly timing: Timing;
  /** Kinds served; asked once, and again after `refresh` or when a kind is missing in `servedKind`. */
  discovery(options?: CallOptions & { refresh?: boolean }): Promise<Discovery>;
  /** Throws `ObjectNotFound` for a kind that is not served. */
  servedKind(kind: KindRef, options?: CallOptions): Promise<ServedKind>;
  get(ref: ObjectRef, options?: CallOptions): Promise<JsonObject>;
  /** Page by page from one consistent moment; a continue token that expired midway throws `VersionExpired`. */
  list(kind: KindRef, query?: ListQuery): AsyncGenerator<ListPage>;
  /** Server-side apply. `created` tells 201 from 200. */
  apply(manifest: JsonObject, options?: ApplyOptions): Promise<{ object: JsonObject; created: boolean }>;
  /** The object when it lingers (finalizers, grace), undefined when it is gone with this call. */
  delete(ref: ObjectRef, options: DeleteOptions): Promise<JsonObject | undefined>;
  /** JSON merge patch of the object or a subresource; not repeated on failure. */
  patchMerge(ref: ObjectRef, patch: JsonObject, options?: CallOptions & { subresource?: string }): Promise<JsonObject>;
  /** RFC 6902, with its tests; not repeated on failure. */
  patchJson(ref: ObjectRef, operations: readonly JsonObject[], options?: CallOptions): Promise<JsonObject>;
  /** Any GET by path, as JSON. */
  read(path: string, options?: CallOptions & { accept?: string; query?: Record<string, string> }): Promise<JsonObject>;
  /** Any call, once. */
  raw(call: Call, options?: CallOptions): Promise<Answer>;
  /** Bytes of a watch, as they come. */
  openWatch(kind: KindRef, query: WatchQuery): Promise<AsyncIterable<Uint8Array>>;
  /** Bytes of any answer, as they come and no faster than they are taken. */
  openStream(call: Call, options: StreamOptions): Promise<AsyncIterable<Uint8Array>>;
  /** A websocket of channels: `exec`, `portforward`. */
  openChannels(call: SocketCall, options: StreamOptions): Promise<Channels>;
  close(): Promise<void>;
}

export interface StreamOptions {
  /** Ends it. */
  signal: AbortSignal;
  /** Until it begins. */
  timeoutMs?: Millis | undefined;
}

export interface ConnectOptions {
  /** `berth-agent/0.1.0` */
  userAgent: string;
  timing?: Timing;
  retries?: Partial<RetryPolicy>;
  /** Connections for calls; each watch has one more of its own. Default 16. */
  connections?: number;
}

/** No call is made until the first method is used. Throws `AccessUnusable` for a broken kubeconfig. */
export async function connectCluster(access: ClusterAccess, options: ConnectOptions): Promise<KubeClient> {
  const timing = options.timing ?? systemTiming;
  const source = await credentialSource(access);
  const transport = transportTo({
    source,
    userAgent: options.userAgent,
    timing,
    connections: options.connections ?? 16,
  });
  return new PooledClient(transport, timing, { ...defaultRetries, ...options.retries });
}

const jsonPatch = 'application/json-patch+json';
const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';
const metadataWatch = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';

const selectors = (query: ListQuery): Record<string, string> => ({
  ...(query.labelSelector ? { labelSelector: query.labelSelector } : {}),
  ...(query.fieldSelector ? { fieldSelector: query.fieldSelector } : {}),
});

const collectionPath = (kind: ServedKind, namespace: string | undefined): string =>
  namespace && kind.namespaced
    ? `${kind.groupPath}/namespaces/${encodeURIComponent(namespace)}/${kind.plural}`
    : `${kind.groupPath}/${kind.plural}`;

class PooledClient implements KubeClient {
  private known: Discovery | undefined;
  private asking: Promise<Discovery> | undefined;

  constructor(
    private readonly transport: Transport,
    readonly timing: Timing,
    private readonly policy: RetryPolicy,
  ) {}

  get server(): string {
    return this.transport.server;
  }

  async discovery({ refresh, timeoutMs }: CallOptions & { refresh?: boolean } = {}): Promise<Discovery> {
    if (this.known !== undefined && refresh !== true) return this.known;
    // shared by all who ask at this moment, so no single caller's signal may end it
    this.asking ??= discover(
      async (path, accept) => (await this.send({ method: 'GET', path, accept }, { timeoutMs })).body,
    )
      .then((found) => {
        this.known = found;
        return found;
      })
      .finally(() => {
        this.asking = undefined;
      });
    return this.asking;
  }

  async servedKind(kind: KindRef, options: CallOptions = {}): Promise<ServedKind> {
    const key = kindKey(kind);
    const found =
      (await this.discovery(options)).kinds.get(key) ??
      (await this.discovery({ ...options, refresh: true })).kinds.get(key);
    if (found !== undefined) return found;
    const { unavailable } = await this.discovery(options);
    if (unavailable.includes(kind.apiVersion))
      throw new ServerFault({ call: this.server, status: 503 }, `the server of ${kind.apiVersion} does not answer`);
    throw new ObjectNotFound({ call: this.server }, `${key} is not served`);
  }

  async get(ref: ObjectRef, options: CallOptions = {}): Promise<JsonObject> {
    return this.object({ method: 'GET', path: await this.pathOf(ref, options) }, options);
  }

  async *list(kind: KindRef, query: ListQuery = {}): AsyncGenerator<ListPage> {
    const path = collectionPath(await this.servedKind(kind, query), query.namespace);
    let token = '';
    do {
      const page = { limit: `${query.pageSize ?? 500}`, ...(token === '' ? {} : { continue: token }) };
      const accept = query.metadataOnly === true ? metadataList : undefined;
      const body = await this.object({ method: 'GET', path, accept, query: { ...selectors(query), ...page } }, query);
      yield { items: listAt(body, 'items'), resourceVersion: textAt(body, 'metadata', 'resourceVersion') };
      token = textAt(body, 'metadata', 'continue');
    } while (token !== '');
  }

  async apply(manifest: JsonObject, options: ApplyOptions = {}): Promise<{ object: JsonObject; created: boolean }> {
    const path = await this.pathOf(identityOf(manifest), options);
    const query = {
      fieldManager: options.fieldManager ?? fieldManager,
      force: `${options.force ?? false}`,
      ...(options.dryRun === true ? { dryRun: 'All' } : {}),
    };
    const call = { method: 'PATCH', path, query, body: manifest, contentType: 'application/apply-patch+yaml' } as const;
    const answer = await this.send(call, options);
    return { object: asObject(call, answer), created: answer.status === 201 };
  }

  async delete(ref: ObjectRef, options: DeleteOptions): Promise<JsonObject | undefined> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions: { uid: options.uid },
      propagationPolicy: options.propagation,
    };
    const answer = await this.object({ method: 'DELETE', path: await this.pathOf(ref, options), body }, options);
    return answer.kind === 'Status' ? undefined : answer;
  }

  async patchMerge(ref: ObjectRef, patch: JsonObject, options: CallOptions & { subresource?: string } = {}) {
    const path = `${await this.pathOf(ref, options)}${options.subresource ? `/${options.subresource}` : ''}`;
    const call = { method: 'PATCH', path, body: patch, contentType: 'application/merge-patch+json' } as const;
    return asObject(call, await this.raw(call, options));
  }

  async patchJson(ref: ObjectRef, operations: readonly JsonObject[], options: CallOptions = {}): Promise<JsonObject> {
    const path = await this.pathOf(ref, options);
    const query = { fieldManager };
    const call: Call = { method: 'PATCH', path, query, body: [...operations], contentType: jsonPatch };
    return asObject(call, await this.raw(call, options));
  }

  async read(path: string, options: CallOptions & { accept?: string; query?: Record<string, string> } = {}) {
    return this.object({ method: 'GET', path, accept: options.accept, query: options.query ?? {} }, options);
  }

  async raw(call: Call, options: CallOptions = {}): Promise<Answer> {
    return this.transport.send(call, { signal: options.signal, timeoutMs: options.timeoutMs ?? this.policy.timeoutMs });
  }

  async openWatch(kind: KindRef, query: WatchQuery): Promise<AsyncIterable<Uint8Array>> {
    const path = collectionPath(await this.servedKind(kind, query), query.namespace);
    const watch = {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: query.resourceVersion,
      timeoutSeconds: `${query.lastsSeconds}`,
    };
    const accept = query.metadataOnly === true ? metadataWatch : undefined;
    const call: Call = { method: 'GET', path, accept, query: { ...selectors(query), ...watch } };
    return this.transport.stream(call, { signal: query.signal, timeoutMs: query.timeoutMs ?? this.policy.timeoutMs });
  }

  openStream(
    call: Call,
    { signal, timeoutMs = this.policy.timeoutMs }: StreamOptions,
  ): Promise<AsyncIterable<Uint8Array>> {
    return this.transport.stream(call, { signal, timeoutMs });
  }

  openChannels(call: SocketCall, { signal, timeoutMs = this.policy.timeoutMs }: StreamOptions): Promise<Channels> {
    return this.transport.channels(call, { signal, timeoutMs });
  }

  close(): Promise<void> {
    return this.transport.close();
  }

  private async pathOf(ref: ObjectRef, options: CallOptions): Promise<string> {
    const kind = await this.servedKind(ref, options);
    return `${collectionPath(kind, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  }

  private send(call: Call, options: CallOptions): Promise<Answer> {
    return sendRepeatable(this.transport, call, options, { timing: this.timing, policy: this.policy });
  }

  private async object(call: Call, options: CallOptions): Promise<JsonObject> {
    return asObject(call, await this.send(call, options));
  }
}

function asObject(call: Call, { status, body }: Answer): JsonObject {
  if (!isJsonObject(body)) throw new GarbledAnswer({ call: `${call.method} ${call.path}`, status }, 'no JSON object');
  return body;
}
