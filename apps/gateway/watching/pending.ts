/** With as many ids waiting, no further page of the feed is read for this watcher: the feed keeps what follows. */
const mostWaiting = 1_000;

/**
 * What a watcher has yet to be told: ids alone, each once, whatever happens to it meanwhile. That is all that a reader
 * who stands still costs.
 */
export class PendingIds {
  /** In the order in which they were first announced: the first entry's position bounds what was told. */
  readonly #ids = new Map<string, bigint>();
  #read: bigint;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;
  #ended: { error: unknown } | undefined;

  constructor(from: bigint) {
    this.#read = from;
  }

  get size(): number {
    return this.#ids.size;
  }

  /** Everything up to here has been told. */
  get toldUpTo(): bigint {
    for (const first of this.#ids.values()) return first - 1n;
    return this.#read;
  }

  add(id: string, position: bigint): void {
    if (!this.#ids.has(id)) this.#ids.set(id, position);
    this.#read = position;
    this.#wakeReader?.();
  }

  /** Resolves when there is room for more. Whoever waits should hold no announcements meanwhile. */
  async room(): Promise<void> {
    while (this.#ids.size >= mostWaiting && this.#ended === undefined)
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
  }

  /** The next id; undefined once it has ended. Throws what it was ended with. */
  async take(): Promise<string | undefined> {
    for (;;) {
      if (this.#ended !== undefined) {
        if (this.#ended.error !== undefined) throw this.#ended.error;
        return undefined;
      }
      for (const id of this.#ids.keys()) {
        this.#ids.delete(id);
        this.#wakeWriter?.();
        return id;
      }
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
  }

  end(error?: unknown): void {
    this.#ended ??= { error };
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }
}
