import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Metadata, Server, ServerCredentials, type sendUnaryData, status } from '@grpc/grpc-js';
import { plugin as wire } from '#contract';

type Answer = MessageInitShape<typeof wire.ConsultResponseSchema>;

export interface PluginServer {
  address: string;
  /** What it was asked. */
  readonly asked: readonly wire.ConsultRequest[];
  /** What it was shown as `authorization`. */
  readonly tokens: readonly string[];
  close(): Promise<void>;
}

/** Bytes are sent as they are. */
export type Behaviour = (request: wire.ConsultRequest) => Answer | Uint8Array | Promise<Answer | Uint8Array>;

/** A plug-in as a server of its own, on loopback, with nothing of Berth's own pipeline in it. */
export async function startPluginServer(
  behave: Behaviour,
  address = '127.0.0.1:0',
  credentials = ServerCredentials.createInsecure(),
): Promise<PluginServer> {
  const asked: wire.ConsultRequest[] = [];
  const tokens: string[] = [];
  const server = new Server({ 'grpc.max_receive_message_length': -1 });
  const same = (bytes: Buffer): Buffer => bytes;
  const answer = async (bytes: Buffer): Promise<Buffer> => {
    const request = fromBinary(wire.ConsultRequestSchema, bytes);
    asked.push(request);
    const said = await behave(request);
    if (said instanceof Uint8Array) return Buffer.from(said);
    return Buffer.from(toBinary(wire.ConsultResponseSchema, create(wire.ConsultResponseSchema, said)));
  };
  server.addService(
    {
      consult: {
        path: `/${wire.PlacementPluginService.typeName}/Consult`,
        ...{ requestStream: false, responseStream: false },
        ...{ requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same },
      },
    },
    {
      consult: (call: { request: Buffer; metadata: Metadata }, reply: sendUnaryData<Buffer>) => {
        tokens.push(...call.metadata.get('authorization').map(String));
        answer(call.request).then(
          (bytes) => reply(null, bytes),
          (error: Error) => reply({ code: status.INTERNAL, details: error.message }),
        );
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return {
    address: `127.0.0.1:${port}`,
    asked,
    tokens,
    close: async () => server.forceShutdown(),
  };
}
