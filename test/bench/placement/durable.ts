import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../kubernetes/ports.js';
import { type RunningProgram, startProgram } from '../../kubernetes/process.js';
import { cpuBetween, cpuOf, processTree } from '../processes.js';
import { type BerthDatabase, startBerthDatabase } from '../propagate/database.js';
import { type BenchRequest, type BenchTable, numberSetting } from '../scenario.js';
import { round } from '../statistics.js';
import { copyBare, rowsWritten, violations } from './durable-check.js';
import { addApplications, addFleet, letAllWait } from './durable-load.js';

const clusters = 1_000;
const schedulers = 4;
const withinMs = 60_000;
const program = join(import.meta.dirname, '../../../apps/scheduler/main.js');

export interface DurableFigures {
  /** Releases placed a second, all that belongs to them committed. */
  perSecond: number;
  table: BenchTable;
  evidence: Readonly<Record<string, unknown>>;
}

interface Running {
  programs: readonly RunningProgram[];
  addresses: readonly string[];
}

type Counters = Readonly<Record<string, number>>;

async function countersOf(addresses: readonly string[]): Promise<Counters> {
  const sums: Record<string, number> = {};
  for (const address of addresses) {
    const text = await (await fetch(`http://${address}/metrics`)).text();
    for (const [, name, labels = '', value] of text.matchAll(/^berth_scheduler_(\w+)(?:\{(.*)\})? ([\d.e+-]+)$/gm)) {
      if (name === undefined || labels.includes('le=')) continue;
      const outcome = /outcome="(\w+)"/.exec(labels)?.[1];
      const key = outcome === undefined ? name : `${name} ${outcome}`;
      sums[key] = (sums[key] ?? 0) + Number(value);
    }
  }
  return sums;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** As they ship, each a process of its own; resolves once all know the whole fleet. */
async function startSchedulers(
  database: BerthDatabase,
  dir: string,
  settings: BenchRequest['settings'],
  programs: RunningProgram[],
): Promise<Running> {
  const addresses = (await freePorts(schedulers)).map((port) => `127.0.0.1:${port}`);
  for (const [at, address] of addresses.entries()) {
    const name = `scheduler-${at}`;
    const { profile, batch } = settings;
    const profiling =
      profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${name}.cpuprofile`];
    const env = {
      BERTH_DATABASE_URL: database.urlFor('berth_scheduler'),
      BERTH_SCHEDULER_HTTP_ADDRESS: address,
      BERTH_LOG_LEVEL: 'warn',
      ...(batch === undefined ? {} : { BERTH_SCHEDULER_BATCH: batch }),
    };
    programs.push(startProgram({ binary: process.execPath, args: [...profiling, program], dir, name, env }));
  }
  await until('every scheduler knows the fleet', async () =>
    countersOf(addresses).then(
      (counters) => counters.clusters === clusters * schedulers,
      () => false, // not listening yet
    ),
  );
  return { programs, addresses };
}

/** Seconds of CPU since `before` was taken, by who used them. */
async function cpuLook(database: BerthDatabase, running: Running) {
  const backend = await database.backendPid();
  const [server] = (await processTree(process.pid)).filter((each) => each.pid === backend);
  const tree = server === undefined ? [] : await processTree(server.parent);
  const postgres = server === undefined ? new Map<number, number>() : await cpuOf(server.parent, tree[0]?.name ?? '');
  const own = await Promise.all(
    running.programs.map(async ({ pid }) => cpuOf(pid, (await processTree(pid))[0]?.name ?? '')),
  );
  return { postgres, schedulers: new Map(own.flatMap((each) => [...each])) };
}

async function measure(database: BerthDatabase, running: Running) {
  const before = { cpu: await cpuLook(database, running), counters: await countersOf(running.addresses) };
  const commitsSql = 'SELECT xact_commit::int AS commits FROM pg_stat_database WHERE datname = current_database()';
  const [started] = await database.query<{ commits: number }>(commitsSql);
  const began = performance.now();
  await letAllWait(database);
  const handedInMs = performance.now() - began;
  await until('nothing waits', async () => {
    const [row] = await database.query<{ waits: boolean }>(
      `SELECT EXISTS (SELECT FROM releases WHERE phase = 'waiting') AS waits`,
    );
    return row?.waits === false;
  });
  const seconds = (performance.now() - began - handedInMs) / 1000;
  const cpu = await cpuLook(database, running);
  const counters = await countersOf(running.addresses);
  const [ended] = await database.query<{ commits: number }>(commitsSql);
  const grown = Object.entries(counters).map(([name, value]) => [name, value - (before.counters[name] ?? 0)] as const);
  return {
    seconds,
    counters: Object.fromEntries(
      grown.filter(([name]) => /^(decisions|commits|conflicts|round_seconds_(sum|count)|failures)/.test(name)),
    ),
    cpu: {
      schedulers: cpuBetween(before.cpu.schedulers, cpu.schedulers) / 1e6,
      postgres: cpuBetween(before.cpu.postgres, cpu.postgres) / 1e6,
    },
    transactions: (ended?.commits ?? 0) - (started?.commits ?? 0),
  };
}

async function durability({ query }: BerthDatabase): Promise<Record<string, string>> {
  const rows = await query<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version')`,
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

/**
 * From waiting releases in PostgreSQL to everything that a placed one has, committed and on disk: four scheduler processes,
 * a thousand clusters, three of them a decision, half of the load on ten. Throws when the tables show anything amiss.
 */
export async function runDurable(request: BenchRequest): Promise<DurableFigures> {
  if (process.platform !== 'linux') throw new Error('the durable figure reads /proc and needs Linux');
  const releases = numberSetting(request, 'durable-releases', 6_000);
  const dir = await mkdtemp(join(tmpdir(), 'berth-durable-'));
  const database = await startBerthDatabase(undefined);
  const programs: RunningProgram[] = [];
  try {
    await addFleet(database, clusters, request.seed);
    await addApplications(database, releases, request.seed);
    const running = await startSchedulers(database, dir, request.settings, programs);
    request.progress(`${schedulers} schedulers know ${clusters} clusters; ${releases} releases begin to wait`);
    const measured = await measure(database, running);
    await Promise.all(programs.map((each) => each.stop()));
    const wrong = await violations(database);
    if (wrong.length > 0) throw new Error(`after placing: ${wrong.join('; ')}`);
    const rows = await rowsWritten(database);
    const bareSeconds = await copyBare(database, measured.counters.commits_total ?? 1);
    return figuresOf(releases, measured, { rows, bareSeconds, durability: await durability(database) });
  } finally {
    await Promise.all(programs.map((each) => each.stop()));
    await database.close();
    await rm(dir, { recursive: true, force: true });
  }
}

function figuresOf(
  releases: number,
  { seconds, counters, cpu, transactions }: Awaited<ReturnType<typeof measure>>,
  seen: { rows: Readonly<Record<string, number>>; bareSeconds: number; durability: Readonly<Record<string, string>> },
): DurableFigures {
  const perSecond = releases / seconds;
  const commits = counters.commits_total ?? 0;
  const perRelease = (cpuSeconds: number): number => round((cpuSeconds * 1000) / releases, 3);
  return {
    perSecond,
    table: {
      title: `durable decisions: ${releases} releases, ${clusters} clusters, ${schedulers} schedulers`,
      rows: [
        ['what', 'figure'],
        ['seconds', round(seconds)],
        ['decisions a second', round(perSecond, 0)],
        ['CPU ms a decision, schedulers', perRelease(cpu.schedulers)],
        ['CPU ms a decision, Postgres', perRelease(cpu.postgres)],
        ['commits of batches', commits],
        ['releases a commit', round(releases / Math.max(1, commits), 1)],
        ['commits that met a conflict', counters.conflicts_total ?? 0],
        ['stale, decided again', counters['decisions_total stale'] ?? 0],
        ['lost to another scheduler', counters['decisions_total lost'] ?? 0],
        ['transactions of the server', transactions],
        ['rows written', Object.values(seen.rows).reduce((sum, each) => sum + each, 0)],
        ['the same rows copied bare, decisions a second', round(releases / seen.bareSeconds, 0)],
      ],
    },
    evidence: { releases, clusters, schedulers, seconds, counters, cpuSeconds: cpu, transactions, ...seen },
  };
}
