import { Code, ConnectError, createClient, type Interceptor } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ErrorInfoSchema, QuotaFailureSchema } from '../errors/google-rpc.js';
import { type EchoServer, startEcho } from '../testing/echo-server.js';
import { EchoService } from '../testing/gen/echo_pb.js';

let echo: EchoServer;
beforeEach(async () => {
  echo = await startEcho();
});
afterEach(() => echo.close());

const bearer: Interceptor = (next) => (request) => {
  request.header.set('authorization', 'Bearer ada');
  return next(request);
};

describe.each([
  ['Connect', createConnectTransport],
  ['gRPC-Web', createGrpcWebTransport],
])('a %s client', (_name, transport) => {
  const connect = () =>
    createClient(
      EchoService,
      transport({ baseUrl: `http://${echo.server.httpAddress}`, httpVersion: '1.1', interceptors: [bearer] }),
    );

  it('is answered, once and in a stream', async () => {
    expect(await connect().echo({ text: 'who' })).toMatchObject({ text: 'ada' });
    let count = 0;
    for await (const { text } of connect().repeat({ size: 2, count: 5 })) {
      expect(text).toBe('xx');
      count += 1;
    }
    expect(count).toBe(5);
  });

  it('gets errors with their details', async () => {
    const error = ConnectError.from(
      await connect()
        .echo({ text: 'fail' })
        .catch((cause: unknown) => cause),
    );
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.findDetails(ErrorInfoSchema)).toMatchObject([{ reason: 'QUOTA_EXCEEDED', domain: 'berth.dev' }]);
    expect(error.findDetails(QuotaFailureSchema)[0]?.violations).toMatchObject([{ subject: 'tenants/a' }]);
  });
});
