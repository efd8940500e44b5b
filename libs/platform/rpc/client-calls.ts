import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import {
  type CallOptions,
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { rpcCodeName, rpcCodes } from '../errors/codes.js';
import { RpcError, rpcErrorFromStatus } from '../errors/rpc-error.js';
import type { CallSettings, ChannelSettings, ClientBidi } from './client-types.js';
import { encode, streamBufferBytes } from './grpc-streams.js';

const same = (bytes: Buffer): Buffer => bytes;
const pathOf = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`;

const detailsBin = (metadata: Metadata | undefined): Uint8Array | undefined => {
  const [value] = metadata?.get('grpc-status-details-bin') ?? [];
  return value instanceof Buffer ? value : undefined;
};

const fromService = (error: ServiceError): RpcError =>
  rpcErrorFromStatus(error.code, error.details, detailsBin(error.metadata), error);

/** What a stream emits is a ServiceError; anything else is a fault of ours and passes through. */
const asRpcError = (error: unknown): unknown => {
  if (error instanceof Error && 'code' in error && typeof error.code === 'number')
    return fromService(error as ServiceError);
  return error;
};

const metadataOf = (channel: ChannelSettings, call: CallSettings): Metadata => {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries({ ...channel.metadata?.(), ...call.metadata })) metadata.set(name, value);
  return metadata;
};

const optionsOf = (deadlineMs: number | undefined): CallOptions =>
  deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };

/** Cancels the call when the signal fires. Answers how to stop listening. */
const cancelOn = (signal: AbortSignal | undefined, call: { cancel(): void }): (() => void) => {
  if (signal === undefined) return () => {};
  const cancel = () => call.cancel();
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
  return () => signal.removeEventListener('abort', cancel);
};

/** Nobody would catch what a callback throws. */
const settleWith = <T>(
  read: () => T,
  resolve: (value: T) => void,
  reject: (error: RpcError) => void,
  method: DescMethod,
): void => {
  try {
    resolve(read());
  } catch (cause) {
    reject(
      new RpcError('INTERNAL', `${method.toString()} answered what is no ${method.output.typeName}`, {}, { cause }),
    );
  }
};

export const unaryCall =
  <I extends DescMessage, O extends DescMessage>(
    client: Client,
    method: DescMethod & { input: I; output: O },
    channel: ChannelSettings,
  ) =>
  (request: MessageInitShape<I>, settings: CallSettings = {}): Promise<MessageShape<O>> =>
    new Promise((resolve, reject) => {
      const options = optionsOf(settings.deadlineMs ?? channel.defaultDeadlineMs ?? 30_000);
      const bytes = encode(method.input, request);
      const metadata = metadataOf(channel, settings);
      let forget = () => {};
      const call = client.makeUnaryRequest(pathOf(method), same, same, bytes, metadata, options, (error, answer) => {
        forget();
        if (error !== null) reject(fromService(error));
        else if (answer === undefined) reject(new RpcError('INTERNAL', `${method.toString()} answered nothing`));
        else settleWith(() => fromBinary(method.output, answer), resolve, reject, method);
      });
      forget = cancelOn(settings.signal, call);
    });

/** Listens from the start: a stream's error is emitted once, and whoever begins to read later would see a good end. */
const failureOf = (call: ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>): (() => unknown) => {
  let failure: unknown;
  call.on('error', (error: Error) => {
    failure ??= error;
  });
  return () => failure;
};

async function* read<O extends DescMessage>(
  call: ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>,
  desc: O,
  failure: () => unknown,
): AsyncGenerator<MessageShape<O>, void, undefined> {
  try {
    for await (const bytes of call.iterator({ destroyOnReturn: false })) yield fromBinary(desc, bytes);
    if (failure() !== undefined) throw failure();
  } catch (error) {
    throw asRpcError(error);
  } finally {
    call.cancel();
  }
}

export const serverStreamCall = <I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethod & { input: I; output: O },
  channel: ChannelSettings,
) =>
  async function* (
    request: MessageInitShape<I>,
    settings: CallSettings = {},
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    const bytes = encode(method.input, request);
    const metadata = metadataOf(channel, settings);
    const call = client.makeServerStreamRequest(
      pathOf(method),
      same,
      same,
      bytes,
      metadata,
      optionsOf(settings.deadlineMs),
    );
    const failure = failureOf(call);
    const forget = cancelOn(settings.signal, call);
    try {
      yield* read(call, method.output, failure);
    } finally {
      forget();
    }
  };

/** Writes with back-pressure; what the server has not taken yet costs at most one buffer. */
const writerOf = <I extends DescMessage>(call: ClientDuplexStream<Buffer, Buffer>, desc: I) => {
  let ended: RpcError | undefined;
  let waiting: (() => void)[] = [];
  let pendingBytes = 0;
  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  call.on('status', ({ code, details, metadata }: StatusObject) => {
    ended = rpcErrorFromStatus(code, code === rpcCodes.OK ? 'the call has ended' : details, detailsBin(metadata));
    wake();
  });
  return async (message: MessageInitShape<I>): Promise<void> => {
    if (ended !== undefined) throw ended;
    const bytes = encode(desc, message);
    pendingBytes += bytes.byteLength;
    call.write(bytes, () => {
      pendingBytes -= bytes.byteLength;
      if (pendingBytes <= streamBufferBytes) wake();
    });
    while (pendingBytes > streamBufferBytes && ended === undefined) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
};

export const bidiCall =
  <I extends DescMessage, O extends DescMessage>(
    client: Client,
    method: DescMethod & { input: I; output: O },
    channel: ChannelSettings,
  ) =>
  (settings: CallSettings = {}): ClientBidi<I, O> => {
    const metadata = metadataOf(channel, settings);
    const call = client.makeBidiStreamRequest(pathOf(method), same, same, metadata, optionsOf(settings.deadlineMs));
    const forget = cancelOn(settings.signal, call);
    const failure = failureOf(call);
    const status = new Promise<{ code: string; message: string }>((resolve) => {
      call.on('status', ({ code, details }: StatusObject) => {
        forget();
        resolve({ code: rpcCodeName(code), message: details });
      });
    });
    return {
      write: writerOf(call, method.input),
      end: () => call.end(),
      cancel: () => call.cancel(),
      messages: read(call, method.output, failure),
      status,
    };
  };
