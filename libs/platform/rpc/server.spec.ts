import 'reflect-metadata';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type CallOptions, Client, credentials, Metadata, type StatusObject } from '@grpc/grpc-js';
import { Module } from '@nestjs/common';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PermissionDenied } from '#domain';
import { RpcError } from '../errors/rpc-error.js';
import { silentLogger } from '../log/logger.js';
import { startNest } from '../start-nest.js';
import { type Caller, echoHandlers, echoOptions, startEcho } from '../testing/echo-server.js';
import { EchoService } from '../testing/gen/echo_pb.js';
import { createRpcClient } from './client.js';
import { RpcHost, RpcModule } from './module.js';
import { RpcServer } from './server.js';
import { bindService, RpcService } from './service.js';
import type { RpcCall, RpcHandlers } from './types.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const start = async (...args: Parameters<typeof startEcho>) => {
  const echo = await startEcho(...args);
  closing.push(() => echo.close());
  return echo;
};

const failure = async (promise: Promise<unknown>): Promise<RpcError> => {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof RpcError)) throw new Error(`expected an RpcError, got ${String(error)}`);
  return error;
};

const collect = async <T>(messages: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
};

describe('a call', () => {
  it('is answered over gRPC and as JSON by the same handler', async () => {
    const { rpc, json } = await start();
    expect(await rpc.echo({ text: 'ahoy', number: 7n })).toMatchObject({ text: 'ahoy', number: 7n });
    const response = await json('Echo', { text: 'ahoy', number: '7' });
    expect([response.status, await response.json()]).toEqual([200, { text: 'ahoy', number: '7' }]);
  });

  it('streams from the server over both', async () => {
    const { rpc, server } = await start();
    expect(await collect(rpc.repeat({ size: 3, count: 200 }))).toHaveLength(200);
    const body = Buffer.concat([Buffer.from([0, 0, 0, 0, 20]), Buffer.from('{"size":3,"count":5}')]);
    const response = await fetch(`http://${server.httpAddress}/${EchoService.typeName}/Repeat`, {
      method: 'POST',
      headers: { 'content-type': 'application/connect+json', authorization: 'Bearer ada' },
      body,
    });
    expect((await response.text()).match(/"text":"xxx"/g)).toHaveLength(5);
  });

  it('talks both ways until the client has said all', async () => {
    const { rpc } = await start();
    const chat = rpc.chat();
    const answers = collect(chat.messages);
    for (const text of ['a', 'b', 'c']) await chat.write({ text });
    chat.end();
    expect((await answers).map(({ text }) => text)).toEqual(['A', 'B', 'C']);
    expect(await chat.status).toMatchObject({ code: 'OK' });
  });

  it('is refused without a credential, over every protocol and kind, and the handler never runs', async () => {
    const echo = vi.fn(echoHandlers().echo);
    const { rpc, json, server } = await start({}, { echo }, { metadata: () => ({}) });
    expect(await failure(rpc.echo({ text: 'ahoy' }))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await failure(collect(rpc.repeat({ count: 1 })))).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await failure(collect(rpc.chat().messages))).toMatchObject({ code: 'UNAUTHENTICATED' });
    const response = await json('Echo', { text: 'ahoy' }, {});
    expect([response.status, await response.json()]).toMatchObject([401, { code: 'unauthenticated' }]);
    expect(server.httpAddress).toBeDefined();
    expect(echo).not.toHaveBeenCalled();
  });

  it('passes authentication, authorization and validation in that order', async () => {
    const steps: string[] = [];
    const { rpc } = await start({
      authenticate: () => {
        steps.push('authenticate');
        return { name: 'bo' };
      },
      authorize: ({ method, principal }) => {
        steps.push(`authorize ${principal.name}`);
        if (method.name === 'Repeat') throw new PermissionDenied({ permission: 'repeat', principal: 'bo' });
      },
      validate: (request) => {
        steps.push(`validate ${request.$typeName}`);
      },
    });
    expect(await rpc.echo({ text: 'who' })).toMatchObject({ text: 'bo' });
    expect(steps).toEqual(['authenticate', 'authorize bo', 'validate platform.testing.v1.EchoRequest']);
    expect(await failure(collect(rpc.repeat({ count: 1 })))).toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('with a larger request than allowed is RESOURCE_EXHAUSTED and told the limit', async () => {
    const { rpc, json } = await start();
    const text = 'x'.repeat(10 * 1024 * 1024);
    const error = await failure(rpc.echo({ text }));
    expect(error.code).toBe('RESOURCE_EXHAUSTED');
    expect(error.message).toContain('4194304');
    const response = await json('Echo', { text });
    expect([response.status, await response.text()]).toEqual([429, expect.stringContaining('4194304')]);
  });

  it('that is not a message of its type is INVALID_ARGUMENT', async () => {
    const { server } = await start();
    const client = new Client(server.grpcAddress, credentials.createInsecure());
    closing.push(async () => client.close());
    const options: CallOptions = { deadline: Date.now() + 5000 };
    const metadata = new Metadata();
    metadata.set('authorization', 'Bearer ada');
    const same = (bytes: Buffer) => bytes;
    const path = `/${EchoService.typeName}/Echo`;
    const status = await new Promise<StatusObject>((resolve) => {
      client
        .makeUnaryRequest(path, same, same, Buffer.from([0xff, 0xff, 0xff]), metadata, options, () => {})
        .on('status', resolve);
    });
    expect(status.code).toBe(3);
  });
});

describe('the signal of a call', () => {
  const waiting = () => {
    const reasons: unknown[] = [];
    const wait = async (call: RpcCall<Caller>): Promise<never> => {
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve, { once: true }));
      reasons.push(call.signal.reason);
      throw call.signal.reason;
    };
    return { reasons, wait };
  };

  it('fires when the caller cancels, for unary calls and streams', async () => {
    const { reasons, wait } = waiting();
    const { rpc } = await start({}, { echo: (_request, call) => wait(call), repeat: (_request, call) => wait(call) });
    for (const call of [
      (signal: AbortSignal) => rpc.echo({}, { signal }),
      (signal: AbortSignal) => collect(rpc.repeat({}, { signal })),
    ]) {
      const abort = new AbortController();
      const failed = failure(call(abort.signal));
      setTimeout(() => abort.abort(), 50);
      expect(await failed).toMatchObject({ code: 'CANCELLED' });
    }
    await vi.waitFor(() => expect(reasons).toMatchObject([{ code: 'CANCELLED' }, { code: 'CANCELLED' }]));
  });

  it('fires at the deadline that the caller set, over gRPC and HTTP', async () => {
    const { reasons, wait } = waiting();
    const { rpc, json } = await start({}, { echo: (_request, call) => wait(call) });
    expect(await failure(rpc.echo({}, { deadlineMs: 100 }))).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const headers = { authorization: 'Bearer ada', 'connect-timeout-ms': '100' };
    expect((await json('Echo', {}, headers)).status).toBe(504);
    await vi.waitFor(() =>
      expect(reasons).toMatchObject([{ code: 'DEADLINE_EXCEEDED' }, { code: 'DEADLINE_EXCEEDED' }]),
    );
  });

  it('fires at the default deadline when the caller set none, even if the handler does not listen', async () => {
    const echo = () => new Promise<never>(() => {});
    const { json } = await start({ defaultDeadlineMs: 100 }, { echo });
    expect((await json('Echo', {})).status).toBe(504);
  });

  it('fires when the reader of a stream goes away', async () => {
    const { reasons, wait } = waiting();
    const { rpc } = await start(
      {},
      {
        repeat: async (_request, call, out) => {
          await out.write({ text: 'one' });
          await wait(call);
        },
      },
    );
    for await (const { text } of rpc.repeat({})) {
      expect(text).toBe('one');
      break;
    }
    await vi.waitFor(() => expect(reasons).toMatchObject([{ code: 'CANCELLED' }]));
  });
});

describe('a reader that does not read', () => {
  const kilobyte = 'x'.repeat(1000);
  /** Waits until the count stands still, and answers it. */
  const standstill = async (count: () => number): Promise<number> => {
    let before = 0;
    await vi.waitFor(
      () => {
        const stalled = before > 0 && count() === before;
        before = count();
        expect(stalled).toBe(true);
      },
      { interval: 300, timeout: 10_000 },
    );
    return before;
  };

  const startEndless = async () => {
    let sent = 0;
    const repeat: RpcHandlers<typeof EchoService, Caller>['repeat'] = async (_request, _call, out) => {
      for (; sent < 100_000; sent += 1) await out.write({ text: kilobyte });
    };
    return { ...(await start({}, { repeat })), sent: () => sent };
  };

  it('holds the writer over gRPC', async () => {
    const { rpc, sent } = await startEndless();
    const reader = rpc.repeat({})[Symbol.asyncIterator]();
    await reader.next();
    // What is out fills the reader's HTTP/2 window and buffers (its side), and one buffer of 64 KiB on ours.
    expect(await standstill(sent)).toBeLessThan(400);
    await reader.return?.(undefined);
  });

  it('holds the writer over HTTP', async () => {
    const { server, sent } = await startEndless();
    const [host, port] = server.httpAddress?.split(':') ?? [];
    const request = httpRequest({
      host,
      port,
      method: 'POST',
      path: `/${EchoService.typeName}/Repeat`,
      headers: { 'content-type': 'application/connect+json', authorization: 'Bearer ada' },
    });
    request.end(Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d]));
    const [response] = await once(request, 'response');
    // The kernel's socket buffers take a few megabytes; the process holds next to nothing.
    expect(await standstill(sent)).toBeLessThan(20_000);
    response.destroy();
  });
});

describe('errors', () => {
  it('reach gRPC callers with their details', async () => {
    const { rpc } = await start();
    const error = await failure(rpc.echo({ text: 'fail' }));
    expect(error.code).toBe('RESOURCE_EXHAUSTED');
    expect(error.message).toBe('tenants/a has 1.5 cpu left of its quota, 4 was asked for');
    expect(error.details.errorInfo).toMatchObject({ reason: 'QUOTA_EXCEEDED', domain: 'berth.dev' });
    expect(error.details.quotaFailure?.violations).toMatchObject([{ subject: 'tenants/a' }]);
  });

  it('reach HTTP callers with the same details', async () => {
    const { json } = await start();
    const response = await json('Echo', { text: 'fail' });
    expect(response.status).toBe(429);
    const body = (await response.json()) as { details: { type: string }[] };
    expect(body.details.map(({ type }) => type)).toEqual(['google.rpc.ErrorInfo', 'google.rpc.QuotaFailure']);
  });

  it('reach callers of a stream that is being read and still written to', async () => {
    const { rpc } = await start(
      {},
      {
        chat: async (stream) => {
          const incoming = stream[Symbol.asyncIterator]();
          await incoming.next();
          void incoming.next().catch(() => undefined);
          void stream.write({ text: 'x'.repeat(200_000) }).catch(() => undefined);
          throw new PermissionDenied({ permission: 'chat', principal: 'ada' });
        },
      },
    );
    const chat = rpc.chat({ deadlineMs: 3_000 });
    await chat.write({ text: 'a' });
    expect(await failure(collect(chat.messages))).toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('that nobody foresaw tell the caller an id, and nothing else', async () => {
    const { rpc, json } = await start({ newErrorId: () => 'e-1' });
    const error = await failure(rpc.echo({ text: 'crash' }));
    expect([error.code, error.message]).toEqual(['INTERNAL', `internal error e-1; the server's log says more`]);
    expect(await (await json('Echo', { text: 'crash' })).text()).not.toContain('hunter2');
  });
});

describe('a server under Nest', () => {
  @RpcService(EchoService)
  class EchoController implements Pick<RpcHandlers<typeof EchoService, Caller>, 'echo'> {
    async echo(_request: unknown, { principal }: RpcCall<Caller>) {
      return { text: `nest ${principal.name}` };
    }
  }

  it('serves the controllers that it finds; what they leave out is UNIMPLEMENTED', async () => {
    @Module({ imports: [RpcModule.forRoot(echoOptions())], providers: [EchoController] })
    class App {}
    const app = await startNest(App, silentLogger());
    closing.push(() => app.close());
    const { grpcAddress } = app.get(RpcHost).server;
    const metadata = () => ({ authorization: 'Bearer ada' });
    const client = createRpcClient(EchoService, { address: grpcAddress, metadata, ownConnection: true });
    closing.push(async () => client.close());
    expect(await client.rpc.echo({})).toMatchObject({ text: 'nest ada' });
    expect(await failure(collect(client.rpc.repeat({})))).toMatchObject({ code: 'UNIMPLEMENTED' });
  });

  it('says in one line which port is in use, and what chooses it', async () => {
    const { server } = await start();
    const port = Number(server.grpcAddress.split(':')[1]);
    const grpc = { host: '127.0.0.1', port, setting: 'BERTH_GATEWAY_PORT' };
    @Module({ imports: [RpcModule.forRoot(echoOptions({ app: 'gateway', grpc }))], providers: [EchoController] })
    class App {}
    await expect(startNest(App, silentLogger())).rejects.toMatchObject({
      name: 'StartupError',
      message: `gateway: port 127.0.0.1:${port} is in use (BERTH_GATEWAY_PORT); choose another or stop what listens there`,
    });
  });

  it('leaves no gRPC port bound when the HTTP port is in use', async () => {
    const { server } = await start();
    const http = { host: '127.0.0.1', port: Number(server.httpAddress?.split(':')[1]), setting: 'BERTH_HTTP_PORT' };
    const second = new RpcServer(echoOptions({ http }), [bindService(EchoService, echoHandlers())]);
    await expect(second.start()).rejects.toThrow(/is in use \(BERTH_HTTP_PORT\)/);
    const third = new RpcServer(echoOptions({ grpc: { host: '127.0.0.1', port: portOf(second) } }), []);
    await third.start();
    await third.close();
  });

  it('lets unary calls end on shutdown, and tells streams to go elsewhere', async () => {
    const releases: (() => void)[] = [];
    const { rpc, server } = await start(
      {},
      {
        echo: () => new Promise((resolve) => releases.push(() => resolve({ text: 'done' }))),
        repeat: async (_request, call, out) => {
          await out.write({ text: 'open' });
          await new Promise((resolve) => call.signal.addEventListener('abort', resolve, { once: true }));
        },
      },
    );
    const stream = rpc.repeat({})[Symbol.asyncIterator]();
    await stream.next();
    const unary = rpc.echo({});
    await vi.waitFor(() => expect(releases).toHaveLength(1));
    const closed = server.close();
    expect(await failure(Promise.resolve(stream.next()))).toMatchObject({ code: 'UNAVAILABLE' });
    releases[0]?.();
    expect(await unary).toMatchObject({ text: 'done' });
    await closed;
  });
});

const portOf = (server: RpcServer<Caller>): number => Number(server.grpcAddress.split(':')[1]);
