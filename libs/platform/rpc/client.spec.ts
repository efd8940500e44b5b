import { afterEach, describe, expect, it, vi } from 'vitest';
import { Unavailable } from '#domain';
import { RpcError } from '../errors/rpc-error.js';
import { startEcho } from '../testing/echo-server.js';
import { EchoService } from '../testing/gen/echo_pb.js';
import { openChannel } from './client.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const start = async (...args: Parameters<typeof startEcho>) => {
  const echo = await startEcho(...args);
  closing.push(() => echo.close());
  return echo;
};

describe('the client', () => {
  it('repeats a call without side effects while the server is unavailable', async () => {
    let calls = 0;
    const { rpc } = await start(
      {},
      {
        echo: async () => {
          calls += 1;
          if (calls < 3) throw new Unavailable({ dependency: 'database' });
          return { text: 'back' };
        },
      },
    );
    expect(await rpc.echo({})).toMatchObject({ text: 'back' });
    expect(calls).toBe(3);
  });

  it('gives up at its deadline, whatever the server does', async () => {
    const { rpc } = await start({}, { echo: () => new Promise<never>(() => {}) }, { defaultDeadlineMs: 100 });
    await expect(rpc.echo({})).rejects.toMatchObject({ name: 'RpcError', code: 'DEADLINE_EXCEEDED' });
  });

  it('says that nobody is there', async () => {
    const channel = openChannel({ address: '127.0.0.1:1', attempts: 1 });
    closing.push(async () => channel.close());
    await expect(channel.ready(300)).rejects.toThrow('127.0.0.1:1 did not answer within 300 ms');
    await expect(channel.client(EchoService).echo({})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('waits in write() while the server does not read', async () => {
    let readOne = () => {};
    const { rpc } = await start(
      {},
      {
        chat: async (_stream, call) => {
          await new Promise<void>((resolve) => {
            readOne = resolve;
            call.signal.addEventListener('abort', () => resolve(), { once: true });
          });
        },
      },
    );
    const chat = rpc.chat();
    let written = 0;
    const text = 'x'.repeat(10_000);
    const writing = (async () => {
      for (; written < 10_000; written += 1) await chat.write({ text });
    })();
    const failed = writing.catch((error: unknown) => error);
    let before = -1;
    await vi.waitFor(
      () => {
        const stalled = written > 0 && written === before;
        before = written;
        expect(stalled).toBe(true);
      },
      { interval: 200, timeout: 10_000 },
    );
    expect(written).toBeLessThan(500);
    readOne();
    expect(await failed).toBeInstanceOf(RpcError);
    expect(await chat.status).toMatchObject({ code: 'OK' });
  });

  it('cancels a stream in both directions', async () => {
    const { rpc } = await start();
    const chat = rpc.chat();
    await chat.write({ text: 'a' });
    const messages = chat.messages[Symbol.asyncIterator]();
    expect(await messages.next()).toMatchObject({ value: { text: 'A' } });
    chat.cancel();
    expect(await chat.status).toMatchObject({ code: 'CANCELLED' });
    await expect(messages.next()).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(chat.write({ text: 'b' })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
