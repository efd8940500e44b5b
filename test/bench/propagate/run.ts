import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wire } from '#contract';
import { openChannel } from '#platform';
import { applyBare, applyBareSingly, bareApplies, withNamespace } from './bare.js';
import { type BerthProcesses, startBerth } from './berth.js';
import { type BerthDatabase, startBerthDatabase } from './database.js';
import { type DeploymentWatch, watchDeployments } from './deployment-watch.js';
import {
  commits,
  databaseRows,
  databaseSettings,
  deploymentsIn,
  grown,
  type RequestCounts,
  requestCounts,
} from './evidence.js';
import { controlPlaneMb, type Footprints, footprints, PeakWatch, postmasterOf } from './footprint.js';
import type { Given } from './given.js';
import { type Bench, type BulkTimes, propagateInBulk, propagateSingly, type SingleTimes } from './load.js';
import { type BenchMember, startMembers } from './members.js';

export interface PropagateOptions {
  warmUp: number;
  singles: number;
  /** How long the system is left alone between two of them. */
  restMs: number;
  applications: number;
  replicas: number;
  concurrency: number;
  /** Of the bare client, for each member. */
  connections: number;
  /** How long nothing is done before it is looked how much idle processes hold. */
  idleMs: number;
  profile: string | undefined;
}

export interface PropagateFigures {
  warmUp: SingleTimes;
  single: SingleTimes;
  bulk: BulkTimes;
  /** From the last Deployment until Postgres knows that every member has it. */
  statusSeconds: number;
  bareSeconds: number;
  /** One Deployment in every member at once, by the bare client. */
  bareSingleMs: readonly number[];
  idle: Footprints;
  idleAfter: Footprints;
  /** CPU seconds by process: of the singles, of the applications in bulk (with their status). */
  cpu: { single: Record<string, number>; bulk: Record<string, number> };
  peakMb: Record<string, number>;
  controlPlanePeakMb: number;
  evidence: Record<string, unknown>;
}

interface Site {
  members: readonly BenchMember[];
  database: BerthDatabase;
  berth: BerthProcesses;
  pids: Readonly<Record<string, number>>;
  prefix: string;
  options: PropagateOptions;
  progress(line: string): void;
}

/** The whole scenario on members and a database that are there or are started, with a Berth of its own. */
export async function runPropagate(
  given: Given,
  options: PropagateOptions,
  progress: (line: string) => void,
): Promise<PropagateFigures> {
  const ends: (() => Promise<void>)[] = [];
  const dir = await mkdtemp(join(tmpdir(), 'berth-bench-'));
  try {
    const [own, database] = await Promise.all([
      startMembers(given, options.connections),
      startBerthDatabase(given.databaseUrl),
    ]);
    ends.push(
      () => own.close(),
      () => database.close(),
    );
    progress(`${own.members.length} members and PostgreSQL are up`);
    const berth = await startBerth({ database, members: own.members, dir, profile: options.profile });
    ends.push(() => berth.close());
    const postmaster = await postmasterOf(await database.backendPid());
    const pids = { ...berth.pids(), ...(postmaster === undefined ? {} : { postgres: postmaster }) };
    progress('gateway, scheduler, hub and an agent for each member are up, and the members are ready');
    const prefix = `p${randomBytes(3).toString('hex')}`;
    const site = { members: own.members, database, berth, pids, prefix, options, progress };
    const figures = await watched(site);
    if (!own.isOwn) await tidyUp(site);
    return figures;
  } catch (error) {
    for (const line of await lastWords(dir)) progress(line);
    throw error;
  } finally {
    for (const end of ends.reverse()) await end();
    await rm(dir, { recursive: true, force: true });
  }
}

/** What the processes of a run that failed have said last. */
async function lastWords(dir: string): Promise<string[]> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('.log'));
  const logs = files.map(async (name) => {
    const lines = (await readFile(join(dir, name), 'utf8')).trimEnd().split('\n').slice(-4);
    return lines.filter((line) => line !== '').map((line) => `${name}: ${line.slice(0, 600)}`);
  });
  return (await Promise.all(logs)).flat();
}

/** Opens what looks and calls, and closes it. */
async function watched(site: Site): Promise<PropagateFigures> {
  const { berth, members, prefix } = site;
  let wake: () => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const broken = new Promise<never>((_, reject) => {
    fail = reject;
  });
  broken.catch(() => undefined); // told to whoever waits for news
  const watches: DeploymentWatch[] = [];
  const channel = openChannel({
    address: berth.gateway,
    metadata: () => ({ authorization: `Bearer ${berth.ownerKey}` }),
  });
  try {
    for (const { api } of members)
      watches.push(await watchDeployments(api, { prefix, onSeen: () => wake(), onFailure: fail }));
    const news = () =>
      Promise.race([
        broken,
        new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 1_000);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        }),
      ]);
    return await measure(site, { applications: channel.client(wire.ApplicationService), watches, news, repeated: 0 });
  } finally {
    channel.close();
    for (const watch of watches) await watch.close();
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function measure(site: Site, bench: Bench): Promise<PropagateFigures> {
  const { database, members, options, pids, prefix, progress } = site;
  const counted = () => Promise.all(members.map(requestCounts));
  await rest(options.idleMs);
  const idle = await footprints(pids);
  const requests = [await counted()];
  const peak = new PeakWatch(pids);
  try {
    const { restMs } = options;
    const look = () => peak.look();
    const warmUp = await propagateSingly(bench, { prefix: `${prefix}-w`, count: options.warmUp, restMs, look });
    progress(`${options.warmUp} single applications to warm up`);
    const beforeSingle = await footprints(pids);
    const single = await propagateSingly(bench, { prefix: `${prefix}-s`, count: options.singles, restMs, look });
    progress(`${options.singles} single applications`);
    await statusSettled(site);
    requests.push(await counted());
    const commitsBefore = await commits(database);
    const beforeBulk = await footprints(pids);
    const { applications: count, concurrency, replicas } = options;
    peak.start(1_000);
    const bulk = await propagateInBulk(bench, { prefix: `${prefix}-b`, count, concurrency, replicas });
    progress(`${count} applications in ${bulk.seconds.toFixed(2)} s`);
    const statusSeconds = await statusSettled(site);
    await peak.look();
    const afterBulk = await footprints(pids);
    requests.push(await counted());
    const commitsOfBulk = (await commits(database)) - commitsBefore;
    await rest(options.idleMs);
    const idleAfter = await footprints(pids);
    await peak.stop();
    const { bareSeconds, bareSingleMs } = await measureBare(site);
    return {
      ...{ warmUp, single, bulk, statusSeconds, bareSeconds, bareSingleMs, idle, idleAfter },
      cpu: { single: cpuBetween(beforeSingle, beforeBulk), bulk: cpuBetween(beforeBulk, afterBulk) },
      peakMb: Object.fromEntries(peak.peaks),
      controlPlanePeakMb: Math.max(peak.controlPlaneMb, controlPlaneMb(idle)),
      evidence: { calls_repeated: bench.repeated, ...(await evidenceOf(site, requests, commitsOfBulk)) },
    };
  } finally {
    await peak.stop();
  }
}

const cpuBetween = (before: Footprints, after: Footprints): Record<string, number> =>
  Object.fromEntries(
    Object.entries(after).map(([name, { cpuSeconds }]) => [name, cpuSeconds - (before[name]?.cpuSeconds ?? 0)]),
  );

/** Seconds until Postgres has a status of every work's newest generation. */
async function statusSettled({ database }: Site): Promise<number> {
  const from = performance.now();
  const sql = `SELECT count(*)::int AS open FROM works w LEFT JOIN work_status s ON s.work_id = w.id
    WHERE s.generation IS DISTINCT FROM w.generation`;
  while (((await database.query<{ open: number }>(sql))[0]?.open ?? 0) > 0) {
    if (performance.now() - from > 120_000) throw new Error('not every work has been reported');
    await rest(50);
  }
  return (performance.now() - from) / 1000;
}

async function measureBare({ database, members, prefix, options, progress }: Site) {
  const namespace = `${prefix}-bare`;
  const remove = await withNamespace(members, namespace);
  try {
    const applies = await bareApplies(database, members, `${prefix}-b`, namespace);
    const seconds = await applyBare(applies, options.connections);
    const count = applies.reduce((sum, { manifests }) => sum + manifests.length, 0);
    progress(`${count} bare applies in ${seconds.toFixed(2)} s`);
    const singles = await bareApplies(database, members, `${prefix}-s`, namespace);
    return { bareSeconds: seconds, bareSingleMs: await applyBareSingly(singles, options.restMs) };
  } finally {
    await remove();
  }
}

async function evidenceOf(
  { database, members, prefix, pids }: Site,
  requests: readonly (readonly RequestCounts[])[],
  commitsOfBulk: number,
): Promise<Record<string, unknown>> {
  const named = <T>(of: (member: BenchMember, index: number) => T): Record<string, T> =>
    Object.fromEntries(members.map((member, index) => [member.name, of(member, index)]));
  const between = (from: number) =>
    named((_, index) => grown(requests[from]?.[index] ?? new Map(), requests[from + 1]?.[index] ?? new Map()));
  const deployments = await Promise.all(members.map((member) => deploymentsIn(member, prefix)));
  return {
    pg_settings: await databaseSettings(database),
    rows: await databaseRows(database),
    commits_of_bulk: commitsOfBulk,
    deployments_by_namespace: named((_, index) => deployments[index]),
    apiserver_request_total: { single: between(0), bulk: between(1) },
    pids,
  };
}

/** Members that were handed in lose what the bench has put there. */
async function tidyUp({ database, members }: Site): Promise<void> {
  const rows = await database.query<{ namespace: string }>('SELECT DISTINCT namespace FROM works');
  for (const { namespace } of rows)
    await Promise.all(members.map(({ api }) => api.delete(`/api/v1/namespaces/${namespace}`)));
}
