import {
  create,
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import { InvalidRequest } from '#domain';
import { callEnded, cancelled } from '../errors/aborted.js';
import type { CallContext } from './call-context.js';
import type { BidiStream, ServerStreamWriter } from './types.js';

/** Bytes that may be on their way to one reader before its writer has to wait. */
export const streamBufferBytes = 64 * 1024;
/** What a message in flight costs beside its bytes: buffers, callbacks, a slot in the stream. */
const messageOverheadBytes = 512;

/** Bytes of messages that are given out more than once; made with the first. */
const sharedBytes = new WeakMap<object, Buffer | undefined>();

/** Says that a message is an answer to many and will not be changed: it is encoded once. */
export const sharedAnswer = <M extends Message>(message: M): M => {
  sharedBytes.set(message, undefined);
  return message;
};

export const encode = <D extends DescMessage>(desc: D, message: MessageInitShape<D>): Buffer => {
  const known = sharedBytes.get(message);
  if (known !== undefined) return known;
  const bytes = toBinary(desc, create(desc, message));
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (sharedBytes.has(message)) sharedBytes.set(message, buffer);
  return buffer;
};

/** Reads a message; bytes that are none are the caller's fault and told so. */
export const decode = <D extends DescMessage>(desc: D, bytes: Uint8Array): MessageShape<D> => {
  try {
    return fromBinary(desc, bytes);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidRequest([{ field: '', description: `not a ${desc.typeName}: ${why}` }]);
  }
};

type Sink = Pick<ServerWritableStream<Buffer, Buffer>, 'write'>;

/**
 * Writes to a call with back-pressure. grpc-js calls back once HTTP/2 flow control has let a message go, so what has
 * not been called back is what a slow reader costs.
 */
export class GrpcStreamWriter<O extends DescMessage> implements ServerStreamWriter<O> {
  #pendingBytes = 0;
  #waiting: (() => void)[] = [];

  constructor(
    private readonly sink: Sink,
    private readonly desc: O,
    private readonly call: CallContext<unknown>,
  ) {
    call.onAbort(() => this.#wake());
  }

  async write(message: MessageInitShape<O>): Promise<void> {
    this.call.throwIfAborted();
    // Node destroys a stream that is written to after its end, and with it a status that waits behind a slow reader.
    if (this.call.finished) throw callEnded();
    const bytes = encode(this.desc, message);
    const cost = bytes.byteLength + messageOverheadBytes;
    this.#pendingBytes += cost;
    this.sink.write(bytes, () => {
      this.#pendingBytes -= cost;
      if (this.#pendingBytes <= streamBufferBytes) this.#wake();
    });
    while (this.#pendingBytes > streamBufferBytes && this.call.aborted === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.call.throwIfAborted();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Both directions of a grpc-js call. What comes in is read only as fast as the handler asks for it. */
export class GrpcBidiStream<I extends DescMessage, O extends DescMessage>
  extends GrpcStreamWriter<O>
  implements BidiStream<I, O>
{
  constructor(
    private readonly duplex: ServerDuplexStream<Buffer, Buffer>,
    private readonly descs: { input: I; output: O },
    private readonly context: CallContext<unknown>,
    private readonly check: (message: Message) => void,
  ) {
    super(duplex, descs.output, context);
  }

  /** Leaving the loop early keeps the call open: what is left unread is dropped when the handler returns. */
  async *[Symbol.asyncIterator](): AsyncGenerator<MessageShape<I>, void, undefined> {
    const arrivals = new Arrivals(this.duplex, this.context);
    try {
      for (;;) {
        this.context.throwIfAborted();
        if (this.duplex.cancelled) throw cancelled();
        const bytes: Buffer | null = this.duplex.read();
        if (bytes === null) {
          if (arrivals.ended) return;
          await arrivals.next();
          continue;
        }
        const message = decode(this.descs.input, bytes);
        this.check(message);
        yield message;
      }
    } finally {
      arrivals.forget();
    }
  }
}

/**
 * Tells that there is something to read, or that there will be nothing more. Node's own iterator would destroy the stream
 * at its first error, and the status that is still to be sent with it: its caller would hear nothing.
 */
class Arrivals {
  ended: boolean;
  #wake = (): void => undefined;
  readonly #arrive = (): void => this.#wake();
  readonly #end = (): void => {
    this.ended = true;
    this.#wake();
  };

  constructor(
    private readonly duplex: ServerDuplexStream<Buffer, Buffer>,
    context: CallContext<unknown>,
  ) {
    this.ended = duplex.readableEnded || duplex.destroyed;
    duplex.on('readable', this.#arrive).on('cancelled', this.#arrive).on('end', this.#end).on('close', this.#end);
    context.onAbort(this.#arrive);
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  forget(): void {
    const { duplex } = this;
    duplex.off('readable', this.#arrive).off('cancelled', this.#arrive).off('end', this.#end).off('close', this.#end);
  }
}
