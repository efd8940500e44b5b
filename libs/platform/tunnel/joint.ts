import type { line } from '#contract';
import { dataBytesOf, type FramePipe, tunnelWindowBytes, WindowExceeded } from './pipe.js';

/** What a frame without data may cost who holds it. */
const frameOverheadBytes = 64;
/** Credits, resizes and ends beside a full window of data. */
const slackBytes = 64 * 1024;

/** Frames on their way from one end to the other, read at once and written as fast as the other takes them. */
class Direction {
  readonly #held: line.TunnelFrame[] = [];
  #heldBytes = 0;
  #isRead = false;
  #wake: () => void = () => undefined;

  constructor(
    private readonly from: FramePipe,
    private readonly to: FramePipe,
  ) {}

  /** Resolves when `from` has ended and everything is passed on; rejects when either end fails. */
  async run(): Promise<void> {
    const reading = this.read().finally(() => {
      this.#isRead = true;
      this.#wake();
    });
    await Promise.all([reading, this.write()]);
  }

  private async read(): Promise<void> {
    for await (const frame of this.from.frames) {
      this.#heldBytes += dataBytesOf(frame) + frameOverheadBytes;
      if (this.#heldBytes > tunnelWindowBytes + slackBytes)
        throw new WindowExceeded(this.#heldBytes, tunnelWindowBytes);
      this.#held.push(frame);
      this.#wake();
    }
  }

  private async write(): Promise<void> {
    for (;;) {
      const frame = this.#held.shift();
      if (frame !== undefined) {
        await this.to.write(frame);
        this.#heldBytes -= dataBytesOf(frame) + frameOverheadBytes;
      } else if (this.#isRead) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

/**
 * Passes frames between two ends until one of them has ended. Both are read at all times, however slow the other is:
 * who sends more than a window beyond what the other has taken ends the tunnel (WindowExceeded).
 */
export async function joinPipes(one: FramePipe, other: FramePipe): Promise<void> {
  await Promise.race([new Direction(one, other).run(), new Direction(other, one).run()]);
}
