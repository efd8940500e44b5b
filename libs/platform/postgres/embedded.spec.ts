import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CompiledProgram, compileProgram } from '../testing/compile.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.js';

// A folder for temporary folders of our own: other suites start servers too.
let ours = '';
beforeAll(async () => {
  ours = await mkdtemp(join(tmpdir(), 'berth-spec-'));
  await chmod(ours, 0o755);
  vi.stubEnv('TMPDIR', ours);
});
afterAll(() => rm(ours, { recursive: true, force: true }));

const started: EmbeddedPostgres[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.close()));
});

const start = async (options: Parameters<typeof startEmbeddedPostgres>[0] = {}) => {
  const server = await startEmbeddedPostgres(options);
  started.push(server);
  return server;
};

const query = async (url: string, sql: string): Promise<Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
};

const folders = async () => (await readdir(ours)).filter((name) => name.startsWith('berth-postgres-'));
const isOpen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

describe('embedded PostgreSQL', () => {
  it('runs two servers at once that do not see each other, durable and on loopback only, and leaves nothing', async () => {
    const [one, two] = await Promise.all([start({ user: 'harbour' }), start({ user: 'harbour' })]);
    await query(one.url, 'CREATE TABLE ships (name text)');
    expect(await query(two.url, `SELECT to_regclass('ships') AS ships`)).toEqual([{ ships: null }]);
    const settings = await query(
      one.url,
      `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'listen_addresses') ORDER BY name`,
    );
    expect(settings.map(({ setting }) => setting)).toEqual(['on', 'on', '127.0.0.1', 'on']);
    expect(await folders()).toHaveLength(2);
    await Promise.all([one.close(), two.close()]);
    expect(await isOpen(one.port)).toBe(false);
    expect(await isOpen(two.port)).toBe(false);
    expect(await folders()).toEqual([]);
  });

  it('lets nobody in without the password', async () => {
    const server = await start();
    const wrong = server.superuserUrl.replace(/:[^:@]+@/, ':wrong@');
    await expect(query(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    expect(await query(server.superuserUrl, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toEqual([
      { rolsuper: true },
    ]);
  });

  it('keeps a data folder that is given, and leaves alone a server that runs there already', async () => {
    const dataDir = join(ours, 'kept');
    const kept = { dataDir, password: 'hunter2' };
    const first = await start(kept);
    await query(first.url, 'CREATE TABLE ships (name text)');
    await expect(startEmbeddedPostgres(kept)).rejects.toThrow(/postmaster\.pid/);
    expect(await query(first.url, 'SELECT * FROM ships')).toEqual([]);
    await first.close();
    const second = await start(kept);
    expect(await query(second.url, 'SELECT * FROM ships')).toEqual([]);
  });

  describe('when its process ends', () => {
    let program: CompiledProgram;
    beforeAll(async () => {
      program = await compileProgram(
        'postgres/embedded.ts',
        `import { startEmbeddedPostgres } from './libs/platform/postgres/embedded.js';
         const server = await startEmbeddedPostgres();
         console.log(server.port);
         setInterval(() => {}, 1000);`,
      );
    });
    afterAll(() => program.remove());

    it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
      'by %s, ends with it and takes its folder along',
      async (signal) => {
        const child = spawn(process.execPath, [program.path], { stdio: ['ignore', 'pipe', 'inherit'] });
        const [line] = await once(child.stdout, 'data');
        const port = Number(String(line));
        expect(await isOpen(port)).toBe(true);
        child.kill(signal);
        await vi.waitFor(
          async () => {
            expect(await isOpen(port)).toBe(false);
            expect(await folders()).toEqual([]);
          },
          { timeout: 10_000, interval: 50 },
        );
      },
    );
  });
});
