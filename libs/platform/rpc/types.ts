import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { RpcProtocol } from './observer.js';

/** The headers of a call. Names in lower case; a header sent twice gives its first value. */
export interface RpcMetadata {
  get(name: string): string | undefined;
}

/** A call before anyone knows who makes it: what an authenticator sees. */
export interface IncomingCall {
  readonly method: DescMethod;
  readonly protocol: RpcProtocol;
  readonly metadata: RpcMetadata;
  /** host:port of the other end of the connection. */
  readonly peer: string;
  /** DER of the client's certificate, once the TLS layer has checked it against the configured authority. */
  readonly peerCertificate: Uint8Array | undefined;
  /** Epoch ms. Unary calls always have one; streams only if the caller set it. */
  readonly deadline: number | undefined;
  /** Fires when the caller cancels or disconnects, the deadline passes, or the server shuts down (for streams). */
  readonly signal: AbortSignal;
}

/** A call as handlers see it. `P` is what the server's authenticator answers. */
export interface RpcCall<P = unknown> extends IncomingCall {
  readonly principal: P;
}

export interface ServerStreamWriter<O extends DescMessage> {
  /**
   * Sends one message; resolves when there is room for the next. A reader that does not read holds the handler here,
   * at a bounded cost. Rejects with CallAborted once the call is over.
   */
  write(message: MessageInitShape<O>): Promise<void>;
}

/** Both directions of a call. Iterate for what comes in (ends at half-close); write as on any stream. */
export interface BidiStream<I extends DescMessage, O extends DescMessage> extends ServerStreamWriter<O> {
  [Symbol.asyncIterator](): AsyncIterator<MessageShape<I>>;
}

export type RpcHandler<M extends DescMethod, P> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, call: RpcCall<P>) => Promise<MessageInitShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, call: RpcCall<P>, out: ServerStreamWriter<O>) => Promise<void>
      : M extends DescMethodBiDiStreaming<infer I, infer O>
        ? (stream: BidiStream<I, O>, call: RpcCall<P>) => Promise<void>
        : never;

/** What a controller of service `S` implements; `P` is the principal that the server's authenticator answers. */
export type RpcHandlers<S extends DescService, P = unknown> = {
  [K in keyof S['method']]: RpcHandler<S['method'][K], P>;
};
