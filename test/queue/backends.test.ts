import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Unavailable } from '#domain';
import { connectQueue, migrateQueue } from '#queue';
import { describeQueue } from '../../libs/queue/queue.suite.js';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { emptyQueue } from './empty.js';

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

describe('PostgreSQL', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startTestDatabase();
    await migrateQueue(database.ownerUrl, ['berth_scheduler']);
    await migrateQueue(database.ownerUrl, ['berth_scheduler']);
  });
  afterAll(() => database.close());
  describeQueue('PostgreSQL', () => ({ url: database.urlFor('berth_scheduler'), empty: () => emptyQueue(database) }));
});

const redisServer = ['redis-server', 'valkey-server'].find(
  (binary) => spawnSync(binary, ['--version'], { stdio: 'ignore' }).status === 0,
);
if (redisServer === undefined)
  process.stderr.write('queue on Redis: left out, no redis-server or valkey-server on PATH\n');

describe.skipIf(redisServer === undefined)('Redis', () => {
  let server: ChildProcess;
  let url: string;
  let directory: string;
  beforeAll(async () => {
    const port = await freePort();
    directory = await mkdtemp(join(tmpdir(), 'berth-redis-'));
    const flags = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--save', ''];
    server = spawn(redisServer ?? '', flags, { stdio: ['ignore', 'pipe', 'inherit'] });
    url = `redis://127.0.0.1:${port}`;
    await new Promise<void>((resolve) =>
      server.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('Ready to accept')) resolve();
      }),
    );
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill();
    await ended;
    await rm(directory, { recursive: true, force: true });
  });
  describeQueue('Redis', () => ({
    url,
    empty: async () => {
      const client = new Redis(url);
      await client.flushall();
      client.disconnect();
    },
  }));
});

describe('a queue that is not there', () => {
  it('stops the start with what does not answer', async () => {
    const port = await freePort();
    for (const scheme of ['postgres', 'redis'])
      await expect(
        connectQueue({ url: `${scheme}://127.0.0.1:${port}/x`, name: 'none', jobs: {}, handlers: [] }),
      ).rejects.toThrow(Unavailable);
  });
});
