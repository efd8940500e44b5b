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

/** What a subscription reads from. */
interface FeedSource {
  /** The last position given; undefined when the subscription has ended meanwhile. */
  start(): Promise<bigint | undefined>;
  /** The next rows, none at the end of the feed; undefined when the subscription has ended meanwhile. */
  page(after: bigint): Promise<FeedRow[] | undefined>;
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
      const rows = await this.#read();
      if (rows === undefined) await this.source.woken();
      else if (rows.length > 0) return { value: rows, done: false };
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

  /** The wanted ones of the next page; undefined when there is none yet. */
  async #read(): Promise<FeedRow[] | undefined> {
    const after = this.#after;
    if (after === undefined) return undefined;
    const page = await this.source.page(after);
    const [first] = page ?? [];
    const last = page?.at(-1);
    if (page === undefined || first === undefined || last === undefined) return undefined;
    // Positions are dense: what is missing was trimmed before this reader came to it.
    if (first.position !== after + 1n) throw new TokenExpired({ token: `${await this.source.incarnation()}.${after}` });
    this.#after = last.position;
    const { kinds, tenant } = this.options;
    return page.filter(
      (row) => (kinds === undefined || kinds.includes(row.kind)) && (tenant === undefined || row.tenant === tenant),
    );
  }
}
