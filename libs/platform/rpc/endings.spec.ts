import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { InvalidRequest, NotFound, PermissionDenied } from '#domain';
import { RpcError } from '../errors/rpc-error.js';
import { startEcho } from '../testing/echo-server.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const start = async (...args: Parameters<typeof startEcho>) => {
  const echo = await startEcho(...args);
  closing.push(() => echo.close());
  return echo;
};

/** What a stream fails with; undefined if it ends well. */
const failureOf = async (messages: AsyncIterable<unknown>): Promise<unknown> => {
  try {
    for await (const _ of messages);
    return undefined;
  } catch (error) {
    return error;
  }
};

const violations = Array.from({ length: 5_000 }, (_, at) => ({ field: `field${at}`, description: 'found nothing' }));
const denied = () => new PermissionDenied({ permission: 'chat', principal: 'ada' });

describe('the status of a stream', () => {
  it('reaches its caller though somebody still writes once the handler has failed', async () => {
    let late: Promise<unknown> = Promise.resolve();
    const { rpc } = await start(
      {},
      {
        chat: async (stream) => {
          // More than HTTP/2 lets go at once: the status waits behind it.
          void stream.write({ text: 'x'.repeat(200_000) }).catch(() => undefined);
          late = turn().then(() => stream.write({ text: 'late' }));
          void late.catch(() => undefined);
          throw denied();
        },
      },
    );
    const chat = rpc.chat({ deadlineMs: 3_000 });
    expect(await failureOf(chat.messages)).toMatchObject({ code: 'PERMISSION_DENIED' });
    await expect(late).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('reaches its caller whatever characters its message has', async () => {
    const half = '\u{1F6A2}'.slice(0, 1);
    const notFound = () => new NotFound({ kind: 'tunnel', name: half });
    const { rpc } = await start(
      {},
      {
        echo: () => Promise.reject(notFound()),
        chat: () => Promise.reject(notFound()),
      },
    );
    const answered: unknown = await rpc.echo({ text: 'a' }, { deadlineMs: 3_000 }).catch((error: unknown) => error);
    expect(answered).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('\uFFFD') });
    expect(await failureOf(rpc.chat({ deadlineMs: 3_000 }).messages)).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is INTERNAL when an answer cannot be written', async () => {
    const { rpc } = await start({}, { echo: () => Promise.resolve({ text: 'a', number: 2n ** 70n }) });
    const answered: unknown = await rpc.echo({ text: 'a' }, { deadlineMs: 3_000 }).catch((error: unknown) => error);
    expect(answered).toMatchObject({ code: 'INTERNAL' });
  });

  it.each([
    ['a long message', () => new NotFound({ kind: 'tunnel', name: 'x'.repeat(200_000) })],
    ['a long message of wide characters', () => new NotFound({ kind: 'tunnel', name: '\u8239'.repeat(20_000) })],
    ['many details', () => new InvalidRequest(violations)],
  ])('reaches its caller with %s, as far as there is room', async (_, refused) => {
    const { rpc } = await start({}, { echo: () => Promise.reject(refused()), chat: () => Promise.reject(refused()) });
    const { code } = refused();
    const answered: unknown = await rpc.echo({ text: 'a' }, { deadlineMs: 3_000 }).catch((error: unknown) => error);
    expect(answered).toMatchObject({ code, message: expect.stringMatching(/…$/) });
    expect(await failureOf(rpc.chat({ deadlineMs: 3_000 }).messages)).toMatchObject({ code });
  });

  it('is heard by who starts to read once the stream is over', async () => {
    const { rpc } = await start({}, { chat: () => Promise.reject(denied()) });
    const chat = rpc.chat({ deadlineMs: 3_000 });
    await chat.status;
    const error = await failureOf(chat.messages);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED' });
  });
});
