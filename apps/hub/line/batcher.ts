import type { Millis } from '#domain';
import type { Sleep } from '../parts.js';

export interface BatcherOptions<Item, Verdict> {
  sleep: Sleep;
  /** How long the first item of a batch waits for others. */
  lingerMs: Millis;
  /** So long after a batch the next one begins, unless it is full before: a transaction for each item would cost more. */
  paceMs: Millis;
  /** A batch holds items up to this weight, and always one. */
  maxWeight: number;
  weigh(item: Item): number;
  /** Handles a whole batch; verdicts in the order of the items. */
  handle(items: readonly Item[]): Promise<readonly Verdict[]>;
}

interface Waiting<Item, Verdict> {
  item: Item;
  resolve(verdict: Verdict): void;
  reject(error: unknown): void;
}

/**
 * Gathers what many streams bring into few transactions. One batch is under way at a time, so that items of one stream
 * keep their order. A batch that fails is tried item by item: one bad report fails for its own stream alone.
 */
export class Batcher<Item, Verdict> {
  readonly #unending = new AbortController();
  #waiting: Waiting<Item, Verdict>[] = [];
  #running: Promise<void> | undefined;

  constructor(private readonly options: BatcherOptions<Item, Verdict>) {}

  add(item: Item): Promise<Verdict> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    const { sleep, lingerMs, paceMs } = this.options;
    await sleep(lingerMs, this.#unending.signal);
    while (this.#waiting.length > 0) {
      await this.#handle(this.#take());
      if (!this.#isFull()) await sleep(paceMs, this.#unending.signal);
    }
    this.#running = undefined;
  }

  #isFull(): boolean {
    const { maxWeight, weigh } = this.options;
    let weight = 0;
    for (const { item } of this.#waiting) {
      weight += weigh(item);
      if (weight >= maxWeight) return true;
    }
    return false;
  }

  #take(): Waiting<Item, Verdict>[] {
    let weight = 0;
    let count = 0;
    for (const { item } of this.#waiting) {
      weight += this.options.weigh(item);
      if (count > 0 && weight > this.options.maxWeight) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #handle(batch: readonly Waiting<Item, Verdict>[]): Promise<void> {
    try {
      const verdicts = await this.options.handle(batch.map(({ item }) => item));
      batch.forEach((waiting, index) => {
        const verdict = verdicts[index];
        if (verdict === undefined) waiting.reject(new Error('the batch gave no verdict for this item'));
        else waiting.resolve(verdict);
      });
    } catch (error) {
      const [only, ...others] = batch;
      if (others.length === 0) only?.reject(error);
      else for (const waiting of batch) await this.#handle([waiting]);
    }
  }
}
