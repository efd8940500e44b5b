import type { ServerResponse } from 'node:http';
import type { Alarms } from '../alarms.js';
import type { KubeObject } from '../objects.js';
import { apiVersionOf, type ResourceKind } from '../resources.js';
import type { ObjectFilter } from '../selectors.js';
import { ApiError } from '../status.js';
import type { ObjectStore, StoreEvent } from '../store.js';
import { selection } from './list.js';
import type { ResourceRequest } from './request.js';

/** A reader that leaves this much unread is cut off, and resumes from where it got to. */
const maxUnreadBytes = 4 * 1024 * 1024;
const bookmarkEveryMs = 60_000;
const texts = new WeakMap<KubeObject, string>();

/** One object's JSON, made once however many watch it. */
function textOf(object: KubeObject): string {
  let text = texts.get(object);
  if (text === undefined) {
    text = JSON.stringify(object);
    texts.set(object, text);
  }
  return text;
}

/** What an event means to someone who sees only selected objects. */
function seenAs(event: StoreEvent, selected: ObjectFilter): StoreEvent['type'] | undefined {
  const now = event.type !== 'DELETED' && selected(event.object);
  const before = event.previous !== undefined && selected(event.previous);
  if (now) return before ? 'MODIFIED' : 'ADDED';
  return before ? 'DELETED' : undefined;
}

export interface WatchParts {
  store: ObjectStore;
  alarms: Alarms;
  /** Answers are withheld while this is true; `resumed` is called when it ends. */
  paused: () => boolean;
}

/** One open watch: a stream of JSON lines. */
export class Watch {
  private readonly selected: ObjectFilter;
  private readonly stops: (() => void)[] = [];
  private withheld: string[] = [];
  private sentRevision = 0;
  private open = true;
  private cancelBookmark: () => void = () => {};

  constructor(
    private readonly parts: WatchParts,
    private readonly request: ResourceRequest,
    private readonly query: URLSearchParams,
    private readonly response: ServerResponse,
  ) {
    this.selected = selection(request, query);
  }

  get resource(): ResourceKind {
    return this.request.resource;
  }

  start(): void {
    const { store, alarms } = this.parts;
    this.response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    this.response.flushHeaders();
    if (!this.catchUp()) return;
    this.stops.push(store.listen(this.request.resource, (event) => this.send(event)));
    const seconds = Number(this.query.get('timeoutSeconds') ?? 0) || 1800;
    this.stops.push(alarms.after(seconds * 1000, () => this.end(true)));
    if (this.query.get('allowWatchBookmarks') === 'true') this.bookmarkLater();
    this.response.on('close', () => this.end(false));
  }

  /** Ends the stream as the server does when what it would resume from is forgotten. */
  expire(error: ApiError): void {
    this.write('ERROR', JSON.stringify(error.body()));
    this.end(false);
  }

  resumed(): void {
    const lines = this.withheld;
    this.withheld = [];
    for (const line of lines) this.response.write(line);
  }

  end(withBookmark: boolean): void {
    if (!this.open) return;
    if (withBookmark && this.query.get('allowWatchBookmarks') === 'true') this.bookmark();
    this.open = false;
    for (const stop of this.stops) stop();
    this.cancelBookmark();
    this.response.end();
  }

  private catchUp(): boolean {
    const { store } = this.parts;
    const { resource, namespace } = this.request;
    const asked = this.query.get('resourceVersion') ?? '';
    if (asked === '' || asked === '0') {
      for (const object of store.objects(resource, namespace || undefined))
        if (this.selected(object)) this.write('ADDED', textOf(object));
      this.sentRevision = store.revision;
      return true;
    }
    try {
      for (const event of store.since(resource, Number(asked))) this.send(event);
      return true;
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      this.expire(cause);
      return false;
    }
  }

  private send(event: StoreEvent): void {
    this.sentRevision = event.revision;
    const type = seenAs(event, this.selected);
    if (type === undefined) return;
    // Who no longer selects an object is shown its last selected state, at the revision at which it left.
    const leaves = type === 'DELETED' && event.type !== 'DELETED' && event.previous !== undefined;
    const { resourceVersion } = event.object.metadata;
    const shown = leaves
      ? { ...event.previous, metadata: { ...event.previous.metadata, resourceVersion } }
      : event.object;
    this.write(type, textOf(shown as KubeObject));
  }

  private write(type: string, object: string): void {
    if (!this.open) return;
    const line = `{"type":"${type}","object":${object}}\n`;
    if (this.parts.paused()) {
      this.withheld.push(line);
      return;
    }
    this.response.write(line);
    if (this.response.writableLength > maxUnreadBytes) this.response.destroy();
  }

  private bookmark(): void {
    const { resource } = this.request;
    const resourceVersion = String(Math.max(this.sentRevision, this.parts.store.revision));
    const metadata = { resourceVersion, creationTimestamp: null };
    this.write('BOOKMARK', JSON.stringify({ kind: resource.kind, apiVersion: apiVersionOf(resource), metadata }));
  }

  private bookmarkLater(): void {
    this.cancelBookmark = this.parts.alarms.after(bookmarkEveryMs, () => {
      this.bookmark();
      if (this.open) this.bookmarkLater();
    });
  }
}
