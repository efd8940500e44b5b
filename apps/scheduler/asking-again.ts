import type { Clock, Instant, Millis } from '#domain';
import type { RefusedGroup } from '#placement';

/**
 * When plug-ins are asked again about what they refused: no change of the fleet need be seen for them to say otherwise.
 * Once after the start, since nobody knows what they said to others, and so long after each refusal.
 */
export class AskingAgain {
  #due: Instant | undefined;

  /** `everyMs` undefined: there is nobody to ask. */
  constructor(
    private readonly clock: Clock,
    private readonly everyMs: Millis | undefined,
  ) {
    this.#due = everyMs === undefined ? undefined : clock.now();
  }

  /** True once, when the time has come. */
  isDue(): boolean {
    if (this.#due === undefined || this.clock.now() < this.#due) return false;
    this.#due = undefined;
    return true;
  }

  note(refused: readonly Pick<RefusedGroup, 'wakeOn'>[]): void {
    if (this.everyMs === undefined || this.#due !== undefined) return;
    if (refused.some(({ wakeOn }) => wakeOn.includes('plugin.answers'))) this.#due = this.clock.now() + this.everyMs;
  }
}
