import type { Clock, Instant, Millis } from '#domain';

const failuresInARow = 3;
const pause = { firstMs: 1_000, mostMs: 30_000 } as const;

/**
 * Leaves a plug-in alone that failed three times in a row, so that it does not cost every decision its whole timeout: for a
 * second, then for twice as long each time, up to half a minute. One question tries whether it is back.
 */
export class Rest {
  #failures = 0;
  #pauseMs: Millis = pause.firstMs;
  #until: Instant = 0;
  /** Why it failed last; undefined while it answers. */
  lastFailure: string | undefined;

  constructor(private readonly clock: Clock) {}

  /** It is not to be asked now. */
  get isOn(): boolean {
    return this.clock.now() < this.#until;
  }

  /** True when it had failed before. */
  noteAnswer(): boolean {
    const hadFailed = this.lastFailure !== undefined;
    this.#failures = 0;
    this.#pauseMs = pause.firstMs;
    this.#until = 0;
    this.lastFailure = undefined;
    return hadFailed;
  }

  /** True when it had answered before. */
  noteFailure(why: string): boolean {
    const hadAnswered = this.lastFailure === undefined;
    this.lastFailure = why;
    this.#failures += 1;
    if (this.#failures >= failuresInARow) {
      this.#until = this.clock.now() + this.#pauseMs;
      this.#pauseMs = Math.min(this.#pauseMs * 2, pause.mostMs);
    }
    return hadAnswered;
  }
}
