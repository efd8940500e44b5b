import type { Position } from '#domain';
import type { FeedKind, FeedRow, Store } from '#store';
import { PendingIds } from './pending.js';
import { readResumeToken, resumeToken } from './resume-token.js';

/** What is watched and how it is told. Bodies are read when they are sent, under the watcher's own rights. */
export interface Watched<T> {
  kind: FeedKind;
  /** The id of the resource that a row speaks of; undefined when this watcher is not concerned. */
  idOf(row: FeedRow): string | undefined;
  /** Everything that is there now, in pages. */
  all(): AsyncIterable<readonly T[]>;
  /** As it is now; undefined when it is gone. */
  read(id: string): Promise<T | undefined>;
  /** Each resolves when there is room for the next. `token` is empty while a resumed watch would have to begin anew. */
  changed(resource: T, token: string): Promise<void>;
  deleted(id: string, token: string): Promise<void>;
  synced(token: string): Promise<void>;
}

/**
 * Sends everything as it is now, then each resource again whenever it changes, until `signal` aborts. A resumed watch
 * leaves the first round out. Nothing is remembered but ids: a slow reader gets the latest state of each once.
 *
 * @throws TokenExpired when the token is of another life of the store, or of history that is gone.
 */
export async function watch<T>(store: Store, from: string, watched: Watched<T>, signal: AbortSignal): Promise<void> {
  const start = await startOf(store, from);
  const tokenAt = (sequence: bigint) => resumeToken({ incarnation: start.incarnation, sequence });
  if (from === '') {
    for await (const page of watched.all()) for (const resource of page) await watched.changed(resource, '');
    await watched.synced(tokenAt(start.sequence));
  }
  const stopping = new AbortController();
  const both = AbortSignal.any([signal, stopping.signal]);
  const pending = new PendingIds(start.sequence);
  const reading = readAhead(store, watched, pending, start.sequence, both);
  try {
    for (let id = await pending.take(); id !== undefined; id = await pending.take()) {
      const resource = await watched.read(id);
      const token = tokenAt(pending.toldUpTo);
      if (resource === undefined) await watched.deleted(id, token);
      else await watched.changed(resource, token);
    }
  } finally {
    stopping.abort();
    pending.end();
    await reading;
  }
  signal.throwIfAborted();
}

async function startOf(store: Store, from: string): Promise<Position> {
  if (from === '') return { incarnation: await store.feed.incarnation(), sequence: await store.feed.position() };
  const position = readResumeToken(from);
  await store.feed.checkResumable(position);
  return position;
}

/** Follows the feed into `pending`, as far ahead of the reader as that has room; waiting, it holds no rows. */
async function readAhead<T>(
  store: Store,
  watched: Watched<T>,
  pending: PendingIds,
  after: bigint,
  signal: AbortSignal,
): Promise<void> {
  const wake = () => pending.end();
  signal.addEventListener('abort', wake, { once: true });
  try {
    const changes = store.feed.subscribe({ after, kinds: [watched.kind], signal });
    while (await addNext(changes, watched, pending)) await pending.room();
    pending.end();
  } catch (error) {
    pending.end(error);
  } finally {
    signal.removeEventListener('abort', wake);
  }
}

/**
 * Adds one page's ids; false at the end of the feed. A function of its own, and no `for await`: a loop that waits for
 * its next page keeps the last one alive.
 */
async function addNext<T>(
  changes: AsyncIterator<readonly FeedRow[], void, undefined>,
  watched: Watched<T>,
  pending: PendingIds,
): Promise<boolean> {
  const { value: rows } = await changes.next();
  for (const row of rows ?? []) {
    const id = watched.idOf(row);
    if (id !== undefined) pending.add(id, row.position);
  }
  return rows !== undefined;
}
