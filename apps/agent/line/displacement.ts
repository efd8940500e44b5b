import type { Instant, Millis } from '#domain';

/** A line that lived so long counts as settled: several times the longest wait of whoever was displaced. */
export const settledMs: Millis = 10 * 60_000;

/**
 * How often in a row another agent of the same cluster took the line. A welcome does not end the count, or two agents
 * would take the line from each other every few seconds for ever; a line that lived for `settledMs` does.
 */
export class Displacements {
  #inARow = 0;

  /** Takes in how a line ended; answers the count with it, 0 where it was not displaced. Times are of one clock. */
  ended(session: { began: Instant; ended: Instant; wasSuperseded: boolean }): number {
    if (session.ended - session.began >= settledMs) this.#inARow = 0;
    if (!session.wasSuperseded) return 0;
    this.#inARow += 1;
    return this.#inARow;
  }
}
