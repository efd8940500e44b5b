import pg from 'pg';
import { channels } from './channels.js';
import type { StoreLog } from './log.js';
import type { FeedKind } from './transaction.js';

/** Any constant: the one session that holds it orders the outbox. */
const leaderLock = 7_237_841;
const batchRows = 2_000;
const backlogScanMs = 2_000;
/** A leader that is gone is followed after so long. */
const standbyMs = 500;
/**
 * Whoever was woken waits so long for company. Each batch wakes every reader of every process, and who waits for a commit
 * itself has heard of it by a hint: readers of the feed are people and their tools.
 */
const lingerMs = 20;
/** Kinds that say no more than "look again": of one resource one announcement a batch is enough. */
const merging: readonly FeedKind[] = ['application', 'cluster', 'work', 'status'];

/**
 * Turns the outbox into one dense order. It takes only rows of transactions below `pg_snapshot_xmin`, so that nothing
 * that commits later can come before what was already given a position; positions are plain integers from then on.
 * What merges takes the last place and the highest version; without a version it says "look in any case", and stays apart.
 */
const sequence = `
  WITH due AS (
    SELECT id FROM outbox WHERE transaction < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY transaction, id LIMIT ${batchRows}
  ), taken AS (
    DELETE FROM outbox WHERE id IN (SELECT id FROM due) RETURNING transaction, id, tenant_id, kind, resource, version
  ), placed AS (
    SELECT row_number() OVER (ORDER BY transaction, id) AS place, tenant_id, kind, resource, version FROM taken
  ), merged AS (
    SELECT max(place) AS place, tenant_id, kind, resource, max(version) AS version FROM placed
    GROUP BY tenant_id, kind, resource, version = 0,
      CASE WHEN kind IN (${merging.map((kind) => `'${kind}'`).join(', ')}) THEN 0 ELSE place END
  ), state AS (
    UPDATE feed_state SET position = position + (SELECT count(*) FROM merged)
    WHERE EXISTS (SELECT FROM merged) RETURNING position - (SELECT count(*) FROM merged) AS base
  ), written AS (
    INSERT INTO feed (position, tenant_id, kind, resource, version)
    SELECT state.base + row_number() OVER (ORDER BY merged.place), tenant_id, kind, resource, version
    FROM merged, state RETURNING position
  )
  , told AS (SELECT pg_notify('${channels.feed}', '') FROM state)
  SELECT (SELECT count(*) FROM taken)::int AS taken, (SELECT count(*) FROM written)::int AS written,
    EXISTS (SELECT FROM outbox WHERE transaction >= pg_snapshot_xmin(pg_current_snapshot())) AS held,
    (SELECT count(*) FROM told) AS told`;

export interface Sequencer {
  stop(): Promise<void>;
}

/** Runs for as long as the process lives; one process leads, the others stand by to take over. */
export function startSequencer(url: string, log: StoreLog): Sequencer {
  const stopping = new AbortController();
  const done = keepRunning(url, log, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await done;
    },
  };
}

async function keepRunning(url: string, log: StoreLog, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'berth-sequencer',
      // How rows merge depends on when they are looked at: a position that a reader has seen must not come back otherwise.
      options: '-c synchronous_commit=on',
    });
    const ended = new AbortController();
    client.on('error', (error) => {
      log.warn({ error: error.message }, 'sequencer lost its connection');
      ended.abort();
    });
    client.on('end', () => ended.abort());
    try {
      await client.connect();
      await lead(client, AbortSignal.any([signal, ended.signal]));
    } catch (error) {
      if (!signal.aborted)
        log.warn({ error: error instanceof Error ? error.message : String(error) }, 'sequencer starts again');
    } finally {
      await client.end().catch(() => undefined); // already ended
    }
    if (!signal.aborted) await pause(500, signal);
  }
}

async function lead(client: pg.Client, signal: AbortSignal): Promise<void> {
  const wake = wakeUps(client, signal);
  await client.query(`LISTEN ${channels.outbox}`);
  // Not by what wakes the leader: those who stand by would ask for the lead with every commit.
  while (!signal.aborted && !(await tryLead(client))) await pause(standbyMs, signal);
  let patienceMs = 1;
  while (!signal.aborted) {
    // It notifies once a batch; never in a business transaction, since NOTIFY takes a global lock at commit.
    const { rows } = await client.query<{ taken: number; held: boolean }>({ name: 'sequence', text: sequence });
    const { taken = 0, held = false } = rows[0] ?? {};
    patienceMs = taken > 0 ? 1 : Math.min(patienceMs * 2, 64);
    if (taken === batchRows) continue;
    // Rows above the horizon wait for a running transaction, whose end nobody announces.
    if (await wake.next(held ? patienceMs : backlogScanMs)) await pause(lingerMs, signal);
  }
}

async function tryLead(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ leads: boolean }>('SELECT pg_try_advisory_lock($1) AS leads', [leaderLock]);
  return rows[0]?.leads === true;
}

/** Notifications that came while nobody waited count for the next wait. It answers whether there was any. */
function wakeUps(client: pg.Client, signal: AbortSignal): { next(atMostMs: number): Promise<boolean> } {
  let pending = false;
  let release: (() => void) | undefined;
  client.on('notification', () => {
    pending = true;
    release?.();
  });
  return {
    next: async (atMostMs) => {
      if (!pending) {
        const waiting = new AbortController();
        release = () => waiting.abort('woken'); // without a reason it would make an exception
        await pause(atMostMs, AbortSignal.any([signal, waiting.signal]));
        release = undefined;
      }
      const isWoken = pending;
      pending = false;
      return isWoken;
    },
  };
}

/** Resolves after `ms`, or at once when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish, { once: true });
  });
}
