import type { Logger } from '#platform';

export interface LoopOptions {
  name: string;
  /** Runs when woken, and at least this often. */
  everyMs: number;
  /** Once woken it waits so long for company, and lets others go first. */
  lingerMs: number;
  /** After a round, wakings wait this long: what comes meanwhile is one round. */
  atMostEveryMs: number;
  log: Logger;
  onFailure: () => void;
  /** True: there is more to do at once. */
  round: (signal: AbortSignal) => Promise<boolean>;
}

/** After a failure the next try waits this long at first, and twice as long each time, up to the maximum. */
const backoff = { firstMs: 100, mostMs: 5_000 };

/**
 * Something that is done again and again: when woken, and on a timer of its own, so that a lost wake-up costs no more than
 * that. Never two rounds at once. A failed round is logged and begun again.
 */
export class Loop {
  readonly #stopping = new AbortController();
  #woken = false;
  #wake: () => void = () => undefined;
  #done: Promise<void> | undefined;

  constructor(private readonly options: LoopOptions) {}

  start(): this {
    this.#done ??= this.#run();
    return this;
  }

  /** Many wakings before the next round are one. */
  wake(): void {
    this.#woken = true;
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let waitMs: number = backoff.firstMs;
    while (!signal.aborted) {
      this.#woken = false;
      try {
        const more = await this.options.round(signal);
        waitMs = backoff.firstMs;
        if (this.options.atMostEveryMs > 0) await this.#pause(this.options.atMostEveryMs, false);
        if (!more) await this.#pause(this.options.everyMs, true);
        if (!more && this.options.lingerMs > 0) await this.#pause(this.options.lingerMs, false);
      } catch (error) {
        if (signal.aborted) return;
        this.options.onFailure();
        this.options.log.warn({ err: error, loop: this.options.name, againInMs: waitMs }, 'round failed');
        await this.#pause(waitMs, false);
        waitMs = Math.min(waitMs * 2, backoff.mostMs);
      }
    }
  }

  async #pause(ms: number, wakeable: boolean): Promise<void> {
    if (this.#stopping.signal.aborted || (wakeable && this.#woken)) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        if (!wakeable && !this.#stopping.signal.aborted) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
