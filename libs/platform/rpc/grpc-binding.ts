import type { DescMethod } from '@bufbuild/protobuf';
import {
  Metadata,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { cancelled, deadlineExceeded } from '../errors/aborted.js';
import { toGrpcError } from '../errors/mapper.js';
import type { CallContext, CallOrigin } from './call-context.js';
import { decode, encode, GrpcBidiStream, GrpcStreamWriter } from './grpc-streams.js';
import type { Outcome, Pipeline } from './pipeline.js';
import type { BoundMethod, BoundService } from './service.js';

interface Surface
  extends Pick<ServerUnaryCall<Buffer, Buffer>, 'metadata' | 'getPeer' | 'getDeadline' | 'getAuthContext'> {
  on(event: 'cancelled', listener: () => void): unknown;
}

const same = (bytes: Buffer): Buffer => bytes;

/** Messages stay bytes inside grpc-js: a malformed one is refused by the pipeline, after authentication. */
const methodDefinition = (method: DescMethod): MethodDefinition<Buffer, Buffer> => ({
  path: `/${method.parent.typeName}/${method.name}`,
  requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
  responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
});

const metadataOf = (metadata: Metadata) => ({
  get: (name: string): string | undefined => {
    const [value] = metadata.get(name);
    return value === undefined ? undefined : value.toString();
  },
});

const deadlineOf = (call: Surface): number | undefined => {
  const deadline = Number(call.getDeadline());
  return Number.isFinite(deadline) ? deadline : undefined;
};

const originOf = (method: DescMethod, call: Surface): CallOrigin => ({
  method,
  protocol: 'grpc',
  metadata: metadataOf(call.metadata),
  peer: call.getPeer(),
  deadline: deadlineOf(call),
  peerCertificate: () => call.getAuthContext().sslPeerCertificate?.raw,
});

const abortWith = <P>(call: Surface, context: CallContext<P>): void => {
  call.on('cancelled', () => {
    const late = context.deadline !== undefined && Date.now() >= context.deadline;
    context.abort(late ? deadlineExceeded() : cancelled());
  });
};

interface Ending {
  readonly destroyed: boolean;
  emit(event: 'error', error: Error): boolean;
  end(): unknown;
}

const endStream = (stream: Ending, outcome: Outcome<void>): void => {
  if (stream.destroyed) return;
  if (outcome.ok) stream.end();
  else stream.emit('error', toGrpcError(outcome.status));
};

const handlerOf = <P>(bound: BoundMethod, pipeline: Pipeline<P>): UntypedHandleCall => {
  const { input, output } = bound.method;
  switch (bound.kind) {
    case 'unary':
      return async (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
        const context = pipeline.open(originOf(bound.method, call));
        abortWith(call, context);
        const outcome = await pipeline.unary(
          context,
          bound,
          () => decode(input, call.request),
          (answer) => encode(output, answer),
        );
        if (outcome.ok) callback(null, outcome.value);
        else callback(toGrpcError(outcome.status));
      };
    case 'server_streaming':
      return async (call: ServerWritableStream<Buffer, Buffer>) => {
        const context = pipeline.open(originOf(bound.method, call));
        abortWith(call, context);
        const open = () => {
          call.sendMetadata(new Metadata());
          return new GrpcStreamWriter(call, output, context);
        };
        endStream(call, await pipeline.serverStream(context, bound, () => decode(input, call.request), open));
      };
    case 'bidi_streaming':
      return async (call: ServerDuplexStream<Buffer, Buffer>) => {
        const context = pipeline.open(originOf(bound.method, call));
        abortWith(call, context);
        const outcome = await pipeline.bidiStream(context, bound, (check) => {
          call.sendMetadata(new Metadata());
          return new GrpcBidiStream(call, { input, output }, context, check);
        });
        endStream(call, outcome);
      };
  }
};

/** A service as grpc-js takes it. Methods without a handler are in the definition and answer UNIMPLEMENTED. */
export const grpcService = <P>(
  { service, methods }: BoundService,
  pipeline: Pipeline<P>,
): { definition: ServiceDefinition; implementation: UntypedServiceImplementation } => {
  const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  for (const method of service.methods) definition[method.name] = methodDefinition(method);
  const implementation: UntypedServiceImplementation = {};
  for (const bound of methods) implementation[bound.method.name] = handlerOf(bound, pipeline);
  return { definition, implementation };
};
