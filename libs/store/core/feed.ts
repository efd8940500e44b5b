import pg from 'pg';
import { type Incarnation, type Position, TokenExpired } from '#domain';
import { channels } from './channels.js';
import { type FeedRow, FeedSubscription, pageRows, type SubscribeOptions } from './feed-subscription.js';
import { type Hint, hintsOf } from './hints.js';
import type { StoreLog } from './log.js';
import { pause, type Sequencer, startSequencer } from './sequencer.js';
import type { FeedKind } from './transaction.js';

const backlogScanMs = 2_000;

/** Named, so that a connection plans it once. */
const pageOfFeed = {
  name: 'feed',
  text: 'SELECT position, tenant_id, kind, resource, version FROM feed WHERE position > $1 ORDER BY position LIMIT $2',
};

interface RawRow {
  position: string;
  tenant_id: string | null;
  kind: FeedKind;
  resource: string;
  version: string;
}

/**
 * The change feed. One connection listens for the process and wakes every subscriber; each reads on from its own
 * position, so a slow one holds nothing but an integer.
 */
export class Feed {
  readonly #waiting = new Set<() => void>();
  readonly #hinted = new Set<(hint: Hint) => void>();
  #listening: pg.Client | undefined;
  /** Announcements so far. */
  #heard = 0;
  readonly #closing = new AbortController();
  #listener: Promise<void> | undefined;
  #incarnation: Incarnation | undefined;
  #sequencer: Sequencer | undefined;

  constructor(
    private readonly url: string,
    private readonly pool: pg.Pool,
    private readonly log: StoreLog,
  ) {}

  async incarnation(): Promise<Incarnation> {
    if (this.#incarnation === undefined) {
      const { rows } = await this.pool.query<{ id: string }>('SELECT id FROM incarnation');
      this.#incarnation = rows[0]?.id ?? '';
    }
    return this.#incarnation;
  }

  /** The last position given. */
  async position(): Promise<bigint> {
    const { rows } = await this.pool.query<{ position: string }>('SELECT position FROM feed_state');
    return BigInt(rows[0]?.position ?? '0');
  }

  /** Refuses a place of another incarnation, ahead of the feed, or in history that is no longer kept. */
  async checkResumable(from: Position): Promise<void> {
    const { rows } = await this.pool.query<{ position: string; kept_from: string }>(
      'SELECT position, kept_from FROM feed_state',
    );
    const last = BigInt(rows[0]?.position ?? '0');
    const keptFrom = BigInt(rows[0]?.kept_from ?? '1');
    const known = from.incarnation === (await this.incarnation());
    if (!known || from.sequence > last || from.sequence < keptFrom - 1n)
      throw new TokenExpired({ token: `${from.incarnation}.${from.sequence}` });
  }

  /**
   * Batches of rows in order, without a gap; ends when the signal aborts. A lost wake-up costs two seconds.
   *
   * @throws TokenExpired for a reader who has fallen behind what is kept: it has to begin anew.
   */
  subscribe(options: SubscribeOptions): FeedSubscription {
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    this.#listener ??= this.listen();
    return new FeedSubscription(
      {
        start: () => this.endUnless(signal),
        page: (after) => this.page(after, signal),
        heard: () => this.#heard,
        woken: () => this.woken(signal),
        incarnation: () => this.incarnation(),
      },
      { ...options, signal },
    );
  }

  /** Calls `take` with hints until what it returns is called. */
  hear(take: (hint: Hint) => void): () => void {
    this.#hinted.add(take);
    // lost with its connection, which listens to both when it comes back
    void this.#listening?.query(`LISTEN ${channels.outbox}`).catch(() => undefined);
    this.#listener ??= this.listen();
    return () => void this.#hinted.delete(take);
  }

  /** Orders the outbox for as long as this store is connected. Several processes may; one leads. */
  startSequencer(): void {
    this.#sequencer ??= startSequencer(this.url, this.log);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const wake of this.#waiting) wake();
    await Promise.all([this.#sequencer?.stop(), this.#listener]);
  }

  /** The last position; undefined when the subscription has ended meanwhile. */
  private async endUnless(signal: AbortSignal): Promise<bigint | undefined> {
    try {
      return signal.aborted ? undefined : await this.position();
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  private async page(after: bigint, signal: AbortSignal): Promise<FeedRow[] | undefined> {
    while (!signal.aborted) {
      try {
        return await this.readPage(after);
      } catch (error) {
        if (signal.aborted) return undefined;
        this.log.warn(
          { error: error instanceof Error ? error.message : String(error) },
          'feed could not be read; trying again',
        );
        await pause(500, signal);
      }
    }
    return undefined;
  }

  private async readPage(after: bigint): Promise<FeedRow[]> {
    const answer = await this.pool.query<RawRow>({ ...pageOfFeed, values: [after.toString(), pageRows] });
    const raw = answer.rows;
    // pg-pool keeps the answer to the statement that opened a connection for as long as that connection lives.
    answer.rows = [];
    return raw.map((row) => ({
      position: BigInt(row.position),
      tenant: row.tenant_id ?? undefined,
      kind: row.kind,
      resource: row.resource,
      version: BigInt(row.version),
    }));
  }

  private woken(signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    const wake = () => waiting.abort('woken');
    this.#waiting.add(wake);
    return pause(backlogScanMs, AbortSignal.any([signal, waiting.signal])).finally(() => this.#waiting.delete(wake));
  }

  private wakeAll(): void {
    this.#heard += 1;
    for (const wake of this.#waiting) wake();
  }

  private async listen(): Promise<void> {
    const signal = this.#closing.signal;
    while (!signal.aborted) {
      const client = new pg.Client({ connectionString: this.url, application_name: 'berth-feed' });
      const ended = new AbortController();
      client.on('error', () => ended.abort());
      client.on('end', () => ended.abort());
      client.on('notification', ({ channel, payload }) => {
        if (channel === channels.feed) this.wakeAll();
        else for (const hint of hintsOf(payload)) for (const take of this.#hinted) take(hint);
      });
      try {
        await client.connect();
        this.#listening = client;
        await client.query(`LISTEN ${channels.feed}`);
        if (this.#hinted.size > 0) await client.query(`LISTEN ${channels.outbox}`);
        this.wakeAll();
        await pause(2 ** 31 - 1, AbortSignal.any([signal, ended.signal]));
      } catch (error) {
        if (!signal.aborted)
          this.log.warn(
            { error: error instanceof Error ? error.message : String(error) },
            'feed listener connects again',
          );
      } finally {
        this.#listening = undefined;
        await client.end().catch(() => undefined); // already ended
      }
      if (!signal.aborted) await pause(500, signal);
    }
  }
}
