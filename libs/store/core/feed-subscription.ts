import { type Incarnation, TokenExpired } from '#domain';
import type { FeedKind } from './transaction.js';

/** One announced change, in its place in the one order. */
export interface FeedRow {
  position: bigint;
  tenant: string | undefined;
  kind: FeedKind;
  resource: string;
  version: bigint;
}

export interface SubscribeOptions {
  /** Rows with a greater position are delivered; `undefined` begins at the end. */
  after?: bigint;
  kinds?: readonly FeedKind[];
  tenant?: string;
  signal: AbortSignal;
}

/** Rows that are read at a time. */
export const pageRows = 1_000;

/** What a subscription reads from. */
interface FeedSource {
  /** The last position given; undefined when the subscription has ended meanwhile. */
  start(): Promise<bigint | undefined>;
  /** The next rows, none at the end of the feed; undefined when the subscription has ended meanwhile. */
  page(after: bigint): Promise<FeedRow[] | undefined>;
  /** Announcements so far. */
  heard(): number;
  /** Resolves when there may be more, or when the subscription has ended. */
  woken(): Promise<void>;
  incarnation(): Promise<Incarnation>;
}

/**
 * One reader's place in the feed, and nothing else: between two batches it holds an integer. It is no generator,
 * since a generator that waits keeps what its variables last held, here a page of a thousand rows.
 */
export class FeedSubscription implements AsyncIterableIterator<readonly FeedRow[], void, undefined> {
  #after: bigint | undefined;
  #left = false;
  /** Announcements that the last page contains; undefined while there may be another page. */
  #heard: number | undefined;

  constructor(
    private readonly source: FeedSource,
    private readonly options: SubscribeOptions,
  ) {
    this.#after = options.after;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws TokenExpired for a reader who has fallen behind what is kept. */
  async next(): Promise<IteratorResult<readonly FeedRow[], void>> {
    this.#after ??= await this.source.start();
    while (!this.#ended) {
      // What was announced while the last page was read may be missing in it: then there is no waiting.
      if (this.#heard === this.source.heard()) await this.source.woken();
      if (this.#ended) break;
      const rows = await this.#read();
      if (rows.length > 0) return { value: rows, done: false };
    }
    return { value: undefined, done: true };
  }

  async return(): Promise<IteratorReturnResult<void>> {
    this.#left = true;
    return { value: undefined, done: true };
  }

  get #ended(): boolean {
    return this.#left || this.options.signal.aborted;
  }

  /** The wanted ones of the next page. */
  async #read(): Promise<FeedRow[]> {
    const after = this.#after;
    const heard = this.source.heard();
    const page = after === undefined ? undefined : await this.source.page(after);
    if (after === undefined || page === undefined) return []; // it has ended
    this.#heard = page.length < pageRows ? heard : undefined;
    const [first] = page;
    const last = page.at(-1);
    if (first === undefined || last === undefined) return [];
    // Positions are dense: what is missing was trimmed before this reader came to it.
    if (first.position !== after + 1n) throw new TokenExpired({ token: `${await this.source.incarnation()}.${after}` });
    this.#after = last.position;
    const { kinds, tenant } = this.options;
    return page.filter(
      (row) => (kinds === undefined || kinds.includes(row.kind)) && (tenant === undefined || row.tenant === tenant),
    );
  }
}
