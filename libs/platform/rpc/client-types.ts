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

/** PEM of what a client needs for TLS; with an authority or a certificate of one's own nothing older than TLS 1.3 is spoken. Read once, and not changed afterwards. */
export interface ClientTls {
  /** Authority of the server's certificate. Left out: the system's. */
  authority?: string | Buffer;
  /** For mTLS. */
  certificate?: string | Buffer;
  privateKey?: string | Buffer;
  /** Name that the server's certificate must carry, when it is not the address' host. */
  serverName?: string;
}

export interface ChannelSettings {
  /** host:port. */
  address: string;
  /** Left out: plain text. */
  tls?: ClientTls;
  /** Headers for every call, asked for anew each time: `() => ({ authorization: 'Bearer …' })`. */
  metadata?: () => Readonly<Record<string, string>>;
  /** For unary calls that bring none. Default 30 s. */
  defaultDeadlineMs?: number;
  /** Attempts at a call without side effects (its `idempotency_level`) while the server is UNAVAILABLE. Default 4. */
  attempts?: number;
  /** Largest answer, in bytes. Default 16 MiB. */
  maxResponseBytes?: number;
  /** A connection of its own, shared with no other channel to the same address. */
  ownConnection?: boolean;
}

export interface CallSettings {
  signal?: AbortSignal;
  /** From now. Streams have none unless set. */
  deadlineMs?: number;
  metadata?: Readonly<Record<string, string>>;
}

/** A stream in both directions, as its caller holds it. */
export interface ClientBidi<I extends DescMessage, O extends DescMessage> {
  /** Resolves when there is room for the next; rejects with RpcError once the call has ended. */
  write(message: MessageInitShape<I>): Promise<void>;
  /** Says that nothing more will be written. */
  end(): void;
  cancel(): void;
  /** What the server writes; ends when the call ends well, throws RpcError when it does not. Iterate once. */
  readonly messages: AsyncIterable<MessageShape<O>>;
  /** How the call ended; never rejects. */
  readonly status: Promise<{ code: string; message: string }>;
}

type ClientMethod<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, settings?: CallSettings) => Promise<MessageShape<O>>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, settings?: CallSettings) => AsyncIterable<MessageShape<O>>
      : M extends DescMethodBiDiStreaming<infer I, infer O>
        ? (settings?: CallSettings) => ClientBidi<I, O>
        : never;

/**
 * The methods of a service. Unary calls answer a promise; server streams an iterable that begins the call when it is
 * iterated and cancels it when the loop is left. All fail with RpcError.
 */
export type RpcClient<S extends DescService> = { readonly [K in keyof S['method']]: ClientMethod<S['method'][K]> };
