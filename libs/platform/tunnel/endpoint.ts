import type { line } from '#contract';
import {
  dataBytesOf,
  type FramePipe,
  frameOf,
  TunnelOver,
  tunnelPieceBytes,
  tunnelWindowBytes,
  WindowExceeded,
} from './pipe.js';

interface Sender {
  bytes: number;
  go(): void;
  fail(error: Error): void;
}

/**
 * One end of a tunnel, with flow control of its own. It always reads its stream, so that nobody's slowness fills a
 * connection that others share; what it may be sent is bounded by the credit that it gives as its reader takes things.
 */
export class TunnelEndpoint {
  readonly #arrived: line.TunnelFrame[] = [];
  readonly #senders: Sender[] = [];
  #credit = 0;
  #queuedBytes = 0;
  #peakBytes = 0;
  #takenBytes = 0;
  #over: { error: unknown } | undefined;
  #ended: () => void = () => undefined;
  /** Resolves when the stream has ended, well or not. */
  readonly over = new Promise<void>((resolve) => {
    this.#ended = resolve;
  });
  #wake: () => void = () => undefined;

  constructor(
    private readonly pipe: FramePipe,
    private readonly windowBytes = tunnelWindowBytes,
  ) {
    this.#tell(frameOf({ case: 'credit', value: windowBytes }));
    void this.#pump();
  }

  /** The most that was ever held here for a reader that had not taken it yet. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Sends in pieces, each when there is credit for the whole of it. @throws TunnelOver once the tunnel has ended. */
  async send(data: { bytes: Uint8Array; channel?: line.Channel; source?: line.Source }): Promise<void> {
    const { bytes, ...rest } = data;
    for (let start = 0; start < bytes.byteLength; start += tunnelPieceBytes) {
      const piece = bytes.subarray(start, start + tunnelPieceBytes);
      await this.#allowed(piece.byteLength);
      await this.control(frameOf({ case: 'data', value: { ...rest, bytes: piece } }));
    }
  }

  /** Sends what needs no credit. @throws TunnelOver once the tunnel has ended. */
  async control(frame: line.TunnelFrame): Promise<void> {
    if (this.#over !== undefined) throw new TunnelOver('the tunnel has ended', { cause: this.#over.error });
    await this.pipe.write(frame);
  }

  /** What arrives, credits left out. Asking for the next says that the last one is dealt with. Iterate once. */
  async *received(): AsyncGenerator<line.TunnelFrame, void, undefined> {
    for (;;) {
      const frame = this.#arrived.shift();
      if (frame !== undefined) {
        const bytes = dataBytesOf(frame);
        yield frame;
        this.#queuedBytes -= bytes;
        this.#giveBack(bytes);
      } else if (this.#over !== undefined) {
        if (this.#over.error !== undefined) throw this.#over.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  async #pump(): Promise<void> {
    let error: unknown;
    try {
      for await (const frame of this.pipe.frames) this.#take(frame);
    } catch (failure) {
      error = failure;
    }
    this.#over = { error };
    for (const sender of this.#senders.splice(0)) sender.fail(new TunnelOver('the tunnel has ended', { cause: error }));
    this.#wake();
    this.#ended();
  }

  #take(frame: line.TunnelFrame): void {
    if (frame.frame.case === 'credit') {
      this.#credit += frame.frame.value;
      this.#release();
      return;
    }
    this.#queuedBytes += dataBytesOf(frame);
    if (this.#queuedBytes > this.windowBytes) throw new WindowExceeded(this.#queuedBytes, this.windowBytes);
    this.#peakBytes = Math.max(this.#peakBytes, this.#queuedBytes);
    this.#arrived.push(frame);
    this.#wake();
  }

  #giveBack(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#takenBytes < this.windowBytes / 4 || this.#over !== undefined) return;
    this.#tell(frameOf({ case: 'credit', value: this.#takenBytes }));
    this.#takenBytes = 0;
  }

  /** A frame that cannot be written any more is of no use to anybody: the pump tells how the stream ended. */
  #tell(frame: line.TunnelFrame): void {
    void this.pipe.write(frame).catch(() => undefined);
  }

  async #allowed(bytes: number): Promise<void> {
    if (this.#over !== undefined) throw new TunnelOver('the tunnel has ended', { cause: this.#over.error });
    if (this.#senders.length === 0 && this.#credit >= bytes) {
      this.#credit -= bytes;
      return;
    }
    await new Promise<void>((go, fail) => this.#senders.push({ bytes, go, fail }));
  }

  /** In the order in which they came, so that small pieces never overtake a large one for good. */
  #release(): void {
    for (let next = this.#senders[0]; next !== undefined && next.bytes <= this.#credit; next = this.#senders[0]) {
      this.#credit -= next.bytes;
      this.#senders.shift();
      next.go();
    }
  }
}
