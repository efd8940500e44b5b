import { Socket } from 'node:net';

/**
 * A socket that sends together what is corked in one turn of the event loop. `pg` corks and uncorks it around each
 * statement, so that a transaction of ten pipelined statements would make ten packets, ten system calls and ten
 * awakenings of the server's process.
 */
export class GatheringSocket extends Socket {
  #isHeld = false;

  override cork(): void {
    if (!this.#isHeld) {
      this.#isHeld = true;
      super.cork();
      // after the promises of this turn: what they send still goes along
      process.nextTick(() => {
        this.#isHeld = false;
        this.uncork();
      });
    }
    super.cork();
  }
}
