import type { FleetNews } from '../agents/port.js';

/** What was announced, in order; followers read from where they began. */
export class NewsLog {
  #rows: FleetNews[] = [];
  readonly #waiting = new Set<() => void>();

  tell(news: FleetNews): void {
    this.#rows.push(news);
    for (const wake of this.#waiting) wake();
  }

  /** From now on; `read` is the round trip of each look, and may fail. */
  async *follow(signal: AbortSignal, read: () => Promise<void>): AsyncGenerator<readonly FleetNews[], void, undefined> {
    let after = this.#rows.length;
    while (!signal.aborted) {
      await read();
      const rows = this.#rows.slice(after);
      after += rows.length;
      if (rows.length > 0) yield rows;
      else await this.#woken(signal);
    }
  }

  #woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        this.#waiting.delete(finish);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      this.#waiting.add(finish);
      signal.addEventListener('abort', finish);
      if (signal.aborted) finish();
    });
  }
}
