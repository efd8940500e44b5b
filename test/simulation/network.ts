import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { Metadata } from '@grpc/grpc-js';
import { line } from '#contract';
import type { Millis } from '#domain';
import { type BidiStream, CallAborted, RpcError, silentLogger } from '#platform';
import type { Stream } from '../../apps/agent/line/session.js';
import { errorMapper, toGrpcError } from '../../libs/platform/errors/mapper.js';
import { rpcErrorFromStatus } from '../../libs/platform/errors/rpc-error.js';
import type { SeededRandom } from './random.js';
import type { Life, VirtualTime } from './virtual-time.js';

/** Messages that may be on their way before their writer has to wait. */
const window = 32;
/** So long until either side of a dead connection has noticed: keep-alive pings of 20 s, 10 s to answer. */
const noticedWithin: Millis = 30_000;

/** One direction of a call: in order, each message late by chance, none lost but with the connection. */
class Pipe<D extends DescMessage> {
  readonly #arrived: MessageShape<D>[] = [];
  #onTheWay = 0;
  #lastArrival = 0;
  /** How it ended for its reader. */
  #end: { error: unknown } | 'finished' | undefined;
  /** What its writer is told. */
  #refusal: { error: unknown } | undefined;
  #isDead = false;
  #wakeReader: (() => void) | undefined;
  readonly #wakeWriters: (() => void)[] = [];

  constructor(
    private readonly desc: D,
    private readonly time: VirtualTime,
    private readonly delay: () => Millis,
    private readonly readPause: () => Millis,
  ) {}

  /** As bytes, as everything that crosses a wire. */
  async write(message: MessageInitShape<D>): Promise<void> {
    this.#throwIfRefused();
    const bytes = toBinary(this.desc, create(this.desc, message));
    this.#later(() => this.#arrived.push(fromBinary(this.desc, bytes)));
    while (this.#onTheWay + this.#arrived.length > window && this.#refusal === undefined)
      await new Promise<void>((resolve) => this.#wakeWriters.push(resolve));
    this.#throwIfRefused();
  }

  /** After what is on its way. */
  finish(error?: unknown): void {
    this.#later(() => {
      this.#end ??= error === undefined ? 'finished' : { error };
    });
  }

  failReader(error: unknown): void {
    this.#end ??= { error };
    this.lose();
    this.#wake();
  }

  failWriter(error: unknown): void {
    this.#refusal ??= { error };
    this.#wake();
  }

  /** Nothing that is on its way, or written from now on, arrives; nobody is told. */
  lose(): void {
    this.#isDead = true;
  }

  async *read(): AsyncGenerator<MessageShape<D>, void, undefined> {
    for (;;) {
      const pauseMs = this.readPause();
      if (pauseMs > 0) await this.time.sleep(pauseMs);
      const message = this.#arrived.shift();
      if (message !== undefined) {
        this.#wake();
        yield message;
      } else if (this.#end === 'finished') return;
      else if (this.#end !== undefined) throw this.#end.error;
      else
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
    }
  }

  #throwIfRefused(): void {
    if (this.#refusal !== undefined) throw this.#refusal.error;
  }

  #later(arrive: () => void): void {
    this.#onTheWay += 1;
    this.#lastArrival = Math.max(this.#lastArrival, this.time.now() + this.delay());
    this.time.after(this.#lastArrival - this.time.now(), () => {
      this.#onTheWay -= 1;
      if (!this.#isDead) arrive();
      this.#wake();
    });
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
    for (const wake of this.#wakeWriters.splice(0)) wake();
  }
}

export interface CallHooks {
  /** What crosses the line, as its writer wrote it. */
  onRequest(message: line.ConnectRequest['message']): void;
  onResponse(message: line.ConnectResponse['message']): void;
}

export interface Ends {
  client: Life;
  server: Life;
}

/** One call of the line between two simulated processes. */
export class SimulatedCall {
  readonly #up: Pipe<typeof line.ConnectRequestSchema>;
  readonly #down: Pipe<typeof line.ConnectResponseSchema>;
  readonly #aborting = new AbortController();
  #isOver = false;
  /** Milliseconds that each message takes its reader; a slow reader for a while. */
  readPauseMs: Millis = 0;

  constructor(
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
    private readonly hooks: CallHooks,
    ends: Ends,
  ) {
    const delay = () => random.delay(1, 400);
    const readPause = () => this.readPauseMs;
    this.#up = new Pipe(line.ConnectRequestSchema, time, delay, () => 0);
    this.#down = new Pipe(line.ConnectResponseSchema, time, delay, readPause);
    ends.client.onKill(() => {
      this.#down.lose();
      this.#serverLoses(random.delay(0, 500));
    });
    ends.server.onKill(() => {
      this.#up.lose();
      this.#clientLoses(random.delay(0, 500));
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The server's signal of the call. */
  get signal(): AbortSignal {
    return this.#aborting.signal;
  }

  readonly client: Stream = {
    write: (message) => {
      const whole = create(line.ConnectRequestSchema, message);
      this.hooks.onRequest(whole.message);
      return this.#up.write(whole);
    },
    end: () => this.#up.finish(),
    cancel: () => {
      this.#clientLosesNow(new RpcError('CANCELLED', 'the call was cancelled'));
      this.#serverLoses(this.random.delay(0, 500));
    },
    messages: { [Symbol.asyncIterator]: () => this.#down.read() },
    status: new Promise(() => undefined),
  };

  readonly server: BidiStream<typeof line.ConnectRequestSchema, typeof line.ConnectResponseSchema> = {
    write: (message) => {
      const whole = create(line.ConnectResponseSchema, message);
      this.hooks.onResponse(whole.message);
      return this.#down.write(whole);
    },
    [Symbol.asyncIterator]: () => this.#up.read(),
  };

  /** The handler has returned, or thrown this. */
  answered(error?: unknown): void {
    this.#isOver = true;
    this.#up.lose();
    this.#down.finish(error === undefined ? undefined : asClientSees(error));
    this.#down.failWriter(cancelled());
  }

  /** Both ends learn of it soon. */
  cut(): void {
    this.#lose();
    this.#clientLoses(this.random.delay(0, 2_000));
    this.#serverLoses(this.random.delay(0, 2_000));
  }

  /** Half-open: each end thinks that the other lives, until its keep-alive tells it. */
  freeze(): void {
    this.#lose();
    this.#clientLoses(this.random.between(1_000, noticedWithin));
    this.#serverLoses(this.random.between(1_000, noticedWithin));
  }

  /** The simulation is over. */
  end(): void {
    this.#lose();
    this.#aborting.abort(cancelled());
  }

  #lose(): void {
    this.#up.lose();
    this.#down.lose();
  }

  #clientLoses(afterMs: Millis): void {
    this.time.after(afterMs, () => this.#clientLosesNow(new RpcError('UNAVAILABLE', 'the connection was lost')));
  }

  #clientLosesNow(error: RpcError): void {
    this.#down.failReader(error);
    this.#up.failWriter(error);
  }

  #serverLoses(afterMs: Millis): void {
    this.time.after(afterMs, () => {
      this.#isOver = true;
      this.#up.failReader(cancelled());
      this.#down.failWriter(cancelled());
      this.#aborting.abort(cancelled());
    });
  }
}

const cancelled = () => new CallAborted('CANCELLED', 'the caller has gone');
const toStatus = errorMapper(silentLogger(), () => 'simulated');

/** The error as it is after a real answer's status and trailer. */
function asClientSees(error: unknown): RpcError {
  const { code, details, metadata }: { code?: number; details?: string; metadata?: Partial<Metadata> } = toGrpcError(
    toStatus(error, 'Connect'),
  );
  const [trailer] = metadata?.get?.('grpc-status-details-bin') ?? [];
  return rpcErrorFromStatus(code ?? 2, details ?? '', typeof trailer === 'string' ? undefined : trailer);
}
