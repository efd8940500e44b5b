import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
} from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter, createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { Clock } from '#domain';
import { cancelled, deadlineExceeded } from '../errors/aborted.js';
import { toConnectError } from '../errors/mapper.js';
import type { CallContext, CallOrigin } from './call-context.js';
import type { RpcProtocol } from './observer.js';
import type { Pipeline } from './pipeline.js';
import type { BoundMethod, BoundService } from './service.js';
import type { ServerStreamWriter } from './types.js';

/** Of the connection that a call came in on; set by the HTTP server for each request. */
export const connectionKey = createContextKey<{ peer: string; certificate: Uint8Array | undefined }>(
  { peer: 'unknown', certificate: undefined },
  { description: 'connection' },
);

const protocols: Record<string, RpcProtocol> = { connect: 'connect', 'grpc-web': 'grpc-web', grpc: 'grpc' };

const originOf = (context: HandlerContext, clock: Clock): CallOrigin => {
  const connection = context.values.get(connectionKey);
  const timeoutMs = context.timeoutMs();
  return {
    method: context.method,
    protocol: protocols[context.protocolName] ?? 'connect',
    metadata: { get: (name) => context.requestHeader.get(name) ?? undefined },
    peer: connection.peer,
    deadline: timeoutMs === undefined ? undefined : clock.now() + timeoutMs,
    peerCertificate: () => connection.certificate,
  };
};

const abortWith = <P>(signal: AbortSignal, call: CallContext<P>): void => {
  const abort = () => {
    const late = signal.reason instanceof ConnectError && signal.reason.code === Code.DeadlineExceeded;
    call.abort(late ? deadlineExceeded() : cancelled());
  };
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
};

/** Hands messages from a writer to whoever iterates, one at a time: the writer waits until its message is taken. */
class Handover<O extends DescMessage> implements ServerStreamWriter<O> {
  #offers: { message: MessageInitShape<O>; taken: () => void }[] = [];
  #wake: () => void = () => {};
  #closed = false;

  constructor(private readonly call: CallContext<unknown>) {
    call.onAbort(() => this.#releaseWriters());
  }

  async write(message: MessageInitShape<O>): Promise<void> {
    this.call.throwIfAborted();
    await new Promise<void>((taken) => {
      this.#offers.push({ message, taken });
      this.#wake();
    });
    this.call.throwIfAborted();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *messages(): AsyncGenerator<MessageInitShape<O>, void, undefined> {
    for (;;) {
      const offer = this.#offers.shift();
      if (offer !== undefined) {
        yield offer.message;
        offer.taken();
      } else if (this.#closed) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #releaseWriters(): void {
    for (const offer of this.#offers.splice(0)) offer.taken();
  }
}

const route = <P>(router: ConnectRouter, bound: BoundMethod, pipeline: Pipeline<P>, clock: Clock): void => {
  if (bound.kind === 'unary') {
    router.rpc(bound.method as DescMethodUnary, async (request, context) => {
      const call = pipeline.open(originOf(context, clock));
      abortWith(context.signal, call);
      const outcome = await pipeline.unary(
        call,
        bound,
        () => request,
        (answer) => answer,
      );
      if (!outcome.ok) throw toConnectError(outcome.status);
      return outcome.value;
    });
  } else if (bound.kind === 'server_streaming') {
    router.rpc(bound.method as DescMethodServerStreaming, async function* (request, context) {
      const call = pipeline.open(originOf(context, clock));
      abortWith(context.signal, call);
      const out = new Handover<DescMessage>(call);
      const ended = pipeline
        .serverStream(
          call,
          bound,
          () => request,
          () => out,
        )
        .finally(() => out.close());
      try {
        yield* out.messages();
      } finally {
        call.abort(cancelled());
      }
      const outcome = await ended;
      if (!outcome.ok) throw toConnectError(outcome.status);
    });
  } else {
    router.rpc(bound.method as DescMethodBiDiStreaming, async function* () {
      yield* [];
      throw new ConnectError('streams in both directions are served over gRPC only', Code.Unimplemented);
    });
  }
};

/** Routes for Connect, JSON and gRPC-Web, over the same pipeline and handlers as gRPC. */
export const connectRoutes =
  <P>(services: readonly BoundService[], pipeline: Pipeline<P>, clock: Clock) =>
  (router: ConnectRouter): void => {
    for (const { service, methods } of services) {
      for (const method of service.methods) {
        const bound = methods.find((candidate) => candidate.method === method);
        if (bound !== undefined) route(router, bound, pipeline, clock);
      }
    }
  };
