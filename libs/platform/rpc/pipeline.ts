import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { Clock } from '#domain';
import { deadlineExceeded, shuttingDown } from '../errors/aborted.js';
import type { RpcStatus } from '../errors/mapper.js';
import { CallContext, type CallOrigin } from './call-context.js';
import type { RpcObserver } from './observer.js';
import type { BoundMethod } from './service.js';
import type { BidiStream, IncomingCall, RpcCall, ServerStreamWriter } from './types.js';

/** What stands between the wire and a handler, the same for every protocol. Each step refuses by throwing. */
export interface PipelineOptions<P> {
  /** Says who calls. */
  authenticate(call: IncomingCall): P | Promise<P>;
  /** Says whether they may call this method (its descriptor carries the permission as an option). */
  authorize?(call: RpcCall<P>): void | Promise<void>;
  /** Checks one request message, also each message of a stream. */
  validate?(request: Message, call: RpcCall<P>): void;
  /** For unary calls whose caller set none. Default 30 s. */
  defaultDeadlineMs?: number;
  observe?: RpcObserver;
}

/** How a call ended: an answer, or a status that is not OK. */
export type Outcome<T> = { ok: true; value: T } | { ok: false; status: RpcStatus };

/** setTimeout fires at once for anything longer: 24.8 days. */
const longestTimer = 2 ** 31 - 1;

type Of<K extends BoundMethod['kind']> = Extract<BoundMethod, { kind: K }>;

/** deadline → authenticate → authorize → validate → handler → map errors. */
export class Pipeline<P> {
  readonly #streams = new Set<CallContext<P>>();
  readonly #defaultDeadlineMs: number;
  #closing = false;

  constructor(
    private readonly options: PipelineOptions<P>,
    private readonly toStatus: (error: unknown, method: string) => RpcStatus,
    private readonly clock: Clock,
  ) {
    this.#defaultDeadlineMs = options.defaultDeadlineMs ?? 30_000;
  }

  /** Opens the context of a call. Unary calls without a deadline get the default one. */
  open(origin: CallOrigin): CallContext<P> {
    const unary = origin.method.methodKind === 'unary';
    const deadline = origin.deadline ?? (unary ? this.clock.now() + this.#defaultDeadlineMs : undefined);
    return new CallContext<P>(origin, deadline);
  }

  /** Tells every open stream that the server goes away, and refuses new ones. Unary calls run on. */
  abortStreams(): void {
    this.#closing = true;
    for (const call of this.#streams) call.abort(shuttingDown());
  }

  /** What `write` makes of the answer; an answer that it cannot write fails the call like anything else. */
  unary<T>(
    call: CallContext<P>,
    bound: Of<'unary'>,
    read: () => Message,
    write: (answer: Record<string, unknown>) => T,
  ): Promise<Outcome<T>> {
    return this.#run(call, async () => {
      await this.#admit(call);
      const request = read();
      this.options.validate?.(request, call);
      return write(await bound.handle(request, call));
    });
  }

  serverStream(
    call: CallContext<P>,
    bound: Of<'server_streaming'>,
    read: () => Message,
    open: () => ServerStreamWriter<DescMessage>,
  ): Promise<Outcome<void>> {
    return this.#stream(call, async () => {
      await this.#admit(call);
      const request = read();
      this.options.validate?.(request, call);
      await bound.handle(request, call, open());
    });
  }

  bidiStream(
    call: CallContext<P>,
    bound: Of<'bidi_streaming'>,
    open: (check: (message: Message) => void) => BidiStream<DescMessage, DescMessage>,
  ): Promise<Outcome<void>> {
    return this.#stream(call, async () => {
      await this.#admit(call);
      await bound.handle(
        open((message) => this.options.validate?.(message, call)),
        call,
      );
    });
  }

  async #admit(call: CallContext<P>): Promise<void> {
    call.admit(await this.options.authenticate(call));
    await this.options.authorize?.(call);
  }

  async #stream(call: CallContext<P>, handle: () => Promise<void>): Promise<Outcome<void>> {
    this.#streams.add(call);
    if (this.#closing) call.abort(shuttingDown());
    try {
      return await this.#run(call, handle);
    } finally {
      this.#streams.delete(call);
    }
  }

  /** An aborted call answers at once, even if its handler does not listen to the signal. */
  async #run<T>(call: CallContext<P>, handle: () => Promise<T>): Promise<Outcome<T>> {
    const startedAt = this.clock.now();
    const { deadline } = call;
    const left = deadline === undefined ? Number.POSITIVE_INFINITY : deadline - startedAt;
    const timer = left < longestTimer ? setTimeout(() => call.abort(deadlineExceeded()), left) : undefined;
    let outcome: Outcome<T>;
    try {
      const value = await new Promise<T>((resolve, reject) => {
        call.onAbort(reject);
        if (call.aborted === undefined) handle().then(resolve, reject);
      });
      outcome = { ok: true, value };
    } catch (error) {
      outcome = { ok: false, status: this.toStatus(call.aborted ?? error, call.method.toString()) };
    }
    clearTimeout(timer);
    call.finish();
    this.#observe(call, outcome.ok ? 'OK' : outcome.status.code, startedAt);
    return outcome;
  }

  #observe(call: CallContext<P>, code: RpcStatus['code'], startedAt: number): void {
    const { method, protocol } = call;
    this.options.observe?.({ method, protocol, code, durationMs: this.clock.now() - startedAt });
  }
}
