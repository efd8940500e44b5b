import 'reflect-metadata';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { entities } from '../entities/index.js';
import { channels } from './channels.js';
import { translateFailure } from './failures.js';
import { Feed } from './feed.js';
import { GatheringSocket } from './gathering-socket.js';
import { PendingHints } from './hints.js';
import type { StoreLog } from './log.js';
import type { Announcement } from './transaction.js';
import { UnitOfWork } from './unit-of-work.js';

export interface StoreOptions {
  /** `postgres://role:password@host:port/database`; the role decides what may be seen and changed. */
  url: string;
  /** Connections at most, besides one that listens and one that sequences. */
  poolSize?: number;
  applicationName?: string;
  log?: StoreLog;
}

/** One process' door to Postgres. */
export class Store {
  readonly unitOfWork: UnitOfWork;
  readonly feed: Feed;
  readonly #hints = new PendingHints();
  #poking = false;
  #pokeAgain = false;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly pool: pg.Pool,
    url: string,
    private readonly log: StoreLog,
  ) {
    this.unitOfWork = new UnitOfWork(dataSource, pool, (announced) => this.tell(announced));
    this.feed = new Feed(url, pool, log);
  }

  /** Resolves when the database answers. */
  async ping(): Promise<void> {
    await this.pool.query('SELECT 1').catch((error: unknown) => {
      throw translateFailure(error);
    });
  }

  /** Repeated calls wait for the first. */
  close(): Promise<void> {
    this.#closing ??= this.closeOnce();
    return this.#closing;
  }

  private async closeOnce(): Promise<void> {
    await this.feed.close();
    await this.dataSource.destroy();
    await this.pool.end();
  }

  private tell(announced: readonly Announcement[]): void {
    this.#hints.add(announced);
    this.poke();
  }

  /** Tells the sequencer that there is something, on its own and after the commit; many pokes become one. */
  private poke(): void {
    if (this.#poking) {
      this.#pokeAgain = true;
      return;
    }
    this.#poking = true;
    this.pool
      .query('SELECT pg_notify($1, $2)', [channels.outbox, this.#hints.take()])
      .catch((error: Error) =>
        this.log.warn({ error: error.message }, 'sequencer was not told; it finds out by its scan'),
      )
      .finally(() => {
        this.#poking = false;
        if (!this.#pokeAgain) return;
        this.#pokeAgain = false;
        this.poke();
      });
  }
}

/** Connects and checks that the database answers; `Unavailable` when it does not. */
export async function connectStore(options: StoreOptions): Promise<Store> {
  const { url, poolSize = 10, applicationName = 'berth', log = { warn: () => undefined } } = options;
  // Statements of one transaction that do not wait for each other's answers travel together, in their order.
  const stream = () => new GatheringSocket();
  const extra = { pipeline: true, max: poolSize, connectionTimeoutMillis: 5_000, stream };
  const dataSource = new DataSource({ type: 'postgres', url, applicationName, extra, entities });
  // Reads and pokes take the short way, without TypeORM's query runner.
  const pool = new pg.Pool({
    connectionString: url,
    application_name: applicationName,
    max: Math.max(2, Math.ceil(poolSize / 2)),
    connectionTimeoutMillis: 5_000,
    // A read's plan depends on no value: every read is by index, and planning would cost more than reading.
    // And what it says to others (NOTIFY commits like a write) need not wait for the disk: nobody hears it after a crash.
    options: '-c plan_cache_mode=force_generic_plan -c synchronous_commit=off',
  });
  pool.on('error', (error) => log.warn({ error: error.message }, 'idle database connection was lost'));
  // Of a connection in use the statement under way tells; without a listener its loss would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  try {
    await dataSource.initialize();
  } catch (error) {
    await pool.end();
    throw translateFailure(error);
  }
  return new Store(dataSource, pool, url, log);
}
