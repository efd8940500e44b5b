import { createHash } from 'node:crypto';
import type { Clock } from '#domain';

const kept = 150;

/** What happened, in order: the last of it to read, all of it as a hash to compare runs by. */
export class Trace {
  readonly #hash = createHash('sha256');
  #last: string[] = [];
  #count = 0;
  readonly #began: number;

  constructor(private readonly clock: Clock) {
    this.#began = clock.now();
  }

  note(who: string, what: string): void {
    const line = `${((this.clock.now() - this.#began) / 1000).toFixed(3).padStart(9)} ${who.padEnd(14)} ${what}`;
    this.#hash.update(line);
    this.#count += 1;
    this.#last.push(line);
    if (this.#last.length > 2 * kept) this.#last = this.#last.slice(-kept);
  }

  get count(): number {
    return this.#count;
  }

  get last(): readonly string[] {
    return this.#last.slice(-kept);
  }

  digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}
