import { create, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { type handleBidiStreamingCall, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import type { line } from '#contract';
import type { ServerTls } from '#platform';

type Request = line.ConnectRequest;
type Answer = MessageInitShape<typeof line.ConnectResponseSchema>;

/** A hub that knows nothing but its own description of the line: what it hears is kept, what it says is told to it. */
export class PreviousHub {
  readonly heard: Request[] = [];
  readonly #server = new Server();
  #stream: ServerDuplexStream<Request, Answer> | undefined;
  streams = 0;

  constructor(service: typeof line.AgentService) {
    const { connect } = service.method;
    const handler: handleBidiStreamingCall<Request, Answer> = (stream) => {
      this.streams += 1;
      this.#stream = stream;
      stream.on('data', (message: Request) => void this.heard.push(message));
      stream.on('end', () => stream.end());
      stream.on('error', () => undefined); // the agent hung up
    };
    this.#server.addService(
      {
        connect: {
          path: `/${service.typeName}/${connect.name}`,
          requestStream: true,
          responseStream: true,
          requestSerialize: (message: Request) => Buffer.from(toBinary(connect.input, message)),
          requestDeserialize: (bytes: Buffer): MessageShape<typeof line.ConnectRequestSchema> =>
            fromBinary(connect.input, bytes),
          responseSerialize: (message: Answer) =>
            Buffer.from(toBinary(connect.output, create(connect.output, message))),
          responseDeserialize: (bytes: Buffer) => fromBinary(connect.output, bytes),
        },
      },
      { connect: handler },
    );
  }

  /** Answers the port. */
  listen({ certificate, privateKey, clientAuthority }: ServerTls): Promise<number> {
    const pair = { cert_chain: Buffer.from(certificate), private_key: Buffer.from(privateKey) };
    const authority = clientAuthority === undefined ? null : Buffer.from(clientAuthority);
    const credentials = ServerCredentials.createSsl(authority, [pair], true);
    return new Promise((resolve, reject) => {
      this.#server.bindAsync('127.0.0.1:0', credentials, (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  say(message: Answer): void {
    this.#stream?.write(message);
  }

  all<C extends NonNullable<Request['message']['case']>>(kind: C) {
    return this.heard.flatMap(({ message }) =>
      message.case === kind ? [message.value as Extract<Request['message'], { case: C }>['value']] : [],
    );
  }

  close(): void {
    this.#server.forceShutdown();
  }
}
