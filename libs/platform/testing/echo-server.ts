import { Buffer } from 'node:buffer';
import { QuotaExceeded, Unauthenticated } from '#domain';
import { silentLogger } from '../log/logger.js';
import { openChannel } from '../rpc/client.js';
import type { ChannelSettings, RpcClient } from '../rpc/client-types.js';
import { RpcServer, type RpcServerOptions } from '../rpc/server.js';
import { bindService } from '../rpc/service.js';
import type { RpcHandlers } from '../rpc/types.js';
import { EchoService } from './gen/echo_pb.js';

export interface Caller {
  name: string;
}

/** Answers as asked; `text: 'fail'` and `'crash'` throw a domain error and an unknown one. */
export const echoHandlers = (): RpcHandlers<typeof EchoService, Caller> => ({
  echo: async ({ text, number }, call) => {
    if (text === 'fail') throw new QuotaExceeded({ subject: 'tenants/a', resource: 'cpu', asked: '4', left: '1.5' });
    if (text === 'crash') throw new Error('the password is hunter2');
    const answer = text === 'who' ? call.principal.name : text;
    return number === undefined ? { text: answer } : { text: answer, number };
  },
  repeat: async ({ size, count }, _call, out) => {
    const text = 'x'.repeat(size);
    for (let sent = 0; sent < count; sent += 1) await out.write({ text });
  },
  chat: async (stream) => {
    for await (const { text } of stream) await stream.write({ text: text.toUpperCase() });
  },
});

export const echoOptions = (changes: Partial<RpcServerOptions<Caller>> = {}): RpcServerOptions<Caller> => ({
  app: 'echo',
  log: silentLogger(),
  grpc: { host: '127.0.0.1', port: 0 },
  http: { host: '127.0.0.1', port: 0 },
  drainMs: 500,
  authenticate: ({ metadata }) => {
    const [scheme, name] = metadata.get('authorization')?.split(' ') ?? [];
    if (scheme !== 'Bearer' || name === undefined) throw new Unauthenticated('NO_CREDENTIAL', 'send a bearer token');
    return { name };
  },
  ...changes,
});

export interface EchoServer {
  readonly server: RpcServer<Caller>;
  readonly rpc: RpcClient<typeof EchoService>;
  /** An HTTP call to a method, as JSON. */
  json(method: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

export const startEcho = async (
  changes: Partial<RpcServerOptions<Caller>> = {},
  handlers: Partial<RpcHandlers<typeof EchoService, Caller>> = {},
  client: Partial<ChannelSettings> = {},
): Promise<EchoServer> => {
  const server = new RpcServer(echoOptions(changes), [bindService(EchoService, { ...echoHandlers(), ...handlers })]);
  await server.start();
  const metadata = () => ({ authorization: 'Bearer ada' });
  const channel = openChannel({ address: server.grpcAddress, ownConnection: true, metadata, ...client });
  return {
    server,
    rpc: channel.client(EchoService),
    json: (method, body, headers = { authorization: 'Bearer ada' }) =>
      fetch(`http://${server.httpAddress}/${EchoService.typeName}/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: Buffer.from(JSON.stringify(body)),
      }),
    close: async () => {
      channel.close();
      await server.close();
    },
  };
};
