import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuOf } from '../processes.js';
import { type BerthDatabase, startBerthDatabase } from '../propagate/database.js';
import { databaseSettings } from '../propagate/evidence.js';
import { type Footprints, footprints, postmasterOf } from '../propagate/footprint.js';
import { upsertBare } from './bare.js';
import { addWorks, backends, fleetRows, type Written, writtenTo } from './database.js';
import { Fleet } from './fleet.js';
import { startHubProcess } from './hub.js';
import { enrolFleet } from './identities.js';
import type { AgentSpec } from './messages.js';
import { hubMemory, measureStage, type Stage, type StageSite } from './stages.js';

export interface FleetOptions {
  agents: number;
  worksPerAgent: number;
  /** Processes that the agents share. */
  processes: number;
  steadySeconds: number;
  idleSeconds: number;
  saturatedSeconds: number;
  bareSeconds: number;
  profileSeconds: number;
  worksPerReport: number;
  window: number;
  /** Rows of a statement of the bare client: as many as the hub puts into one at most. */
  batchRows: number;
  seed: number;
  databaseUrl: string | undefined;
  profile: string | undefined;
}

export interface Restart {
  /** From the kill until the last agent's full report is stored. */
  inStepSeconds: number;
  /** Connections that the new hub accepted, in the busiest second. */
  peakHandshakes: number;
  handshakes: number;
  /** Streams that ended or failed meanwhile; beyond one for each agent they are tries that came too early. */
  lost: number;
  /** Of those, by the hub's reason or gRPC's code. */
  failed: Record<string, number>;
  /** CPU from the kill on: the new hub's, PostgreSQL's and all the agents', who have machines of their own elsewhere. */
  cpuSeconds: { hub: number; postgres: number; agents: number };
}

export interface Saturated {
  seconds: number;
  rows: number;
  reports: number;
  /** Works' rows as Postgres has counted them. */
  written: Written;
  cpuSeconds: Record<string, number>;
  postgresCpuSeconds: Record<string, number>;
  hubSelfMicros: Record<string, number>;
  bytesPerAgentPerMinute: number;
}

export interface FleetFigures {
  stages: readonly Stage[];
  /** Of the hub's heap and PSS, with so many works more held by the same agents. */
  moreWorks: { works: number; heapMb: number; pssMb: number };
  bareRowsPerSecond: readonly number[];
  restart: Restart;
  saturated: Saturated;
  lostUnasked: number;
  processes: Footprints;
  evidence: Record<string, unknown>;
}

interface Site extends StageSite {
  database: BerthDatabase;
  specs: readonly AgentSpec[];
  options: FleetOptions;
  postmaster: number | undefined;
  progress(line: string): void;
}

export async function runFleet(options: FleetOptions, progress: (line: string) => void): Promise<FleetFigures> {
  const ends: (() => Promise<unknown>)[] = [];
  const directory = await mkdtemp(join(tmpdir(), 'berth-fleet-'));
  ends.push(() => rm(directory, { recursive: true, force: true }));
  try {
    const database = await startBerthDatabase(options.databaseUrl);
    ends.push(() => database.close());
    const { profile, agents, seed } = options;
    const hub = await startHubProcess({ databaseUrl: database.urlFor('berth_hub'), directory, profile });
    ends.push(() => hub.end());
    await hub.ready();
    const authority = await hub.authority();
    const clusters = Array.from({ length: agents }, (_, index) => `fleet-${String(index).padStart(5, '0')}`);
    const specs = await enrolFleet(database, authority, clusters);
    await addWorks(database, clusters, options.worksPerAgent / 2);
    progress(
      `PostgreSQL and hub are up; ${agents} clusters with ${options.worksPerAgent / 2} works each are registered`,
    );
    const start = { hub: hub.address, authority: authority.certificate, seed };
    const fleet = await Fleet.start(options.processes, start);
    ends.push(() => fleet.end());
    const postmaster = await postmasterOf(await database.backendPid());
    const own: Record<string, number> = postmaster === undefined ? {} : { postgres: postmaster };
    const look = () => footprints({ hub: hub.pid, ...own, ...fleet.pids });
    const { idleSeconds } = options;
    return await measure({ hub, fleet, footprints: look, idleSeconds, database, specs, options, postmaster, progress });
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

async function measure(site: Site): Promise<FleetFigures> {
  const { hub, fleet, specs, options, database, progress } = site;
  const stages: Stage[] = [];
  const sizes = [...new Set([10, 100, options.agents])].filter((size) => size <= options.agents);
  for (const [index, size] of sizes.entries())
    stages.push(await joined(site, specs.slice(sizes[index - 1] ?? 0, size), size === options.agents));
  const moreWorks = await withMoreWorks(site);
  const lostUnasked = (await fleet.counts()).lost;
  const { batchRows, bareSeconds: seconds } = options;
  const { url } = database;
  const bareAmid = await upsertBare({ url, seconds, batchRows, firstSequence: 1_000_000_000 });
  progress(`bare client, agents idle: ${Math.round(bareAmid)} rows/s`);
  const restart = await restarted(site);
  const saturated = await saturate(site);
  const processes = await site.footprints();
  const evidence = {
    pg_settings: await databaseSettings(database),
    rows: await fleetRows(database),
    hub: { pid: hub.pid, memory: await hubMemory(hub) },
  };
  await fleet.end();
  const bareAlone = await upsertBare({ url, seconds, batchRows, firstSequence: 2_000_000_000 });
  progress(`bare client, agents gone: ${Math.round(bareAlone)} rows/s`);
  const bareRowsPerSecond = [bareAmid, bareAlone];
  return { stages, moreWorks, bareRowsPerSecond, restart, saturated, lostUnasked, processes, evidence };
}

async function joined(site: Site, specs: readonly AgentSpec[], isLast: boolean): Promise<Stage> {
  const { fleet, options, progress } = site;
  const from = Date.now();
  await fleet.add(specs);
  const { agents } = await fleet.counts();
  const works = (agents * options.worksPerAgent) / 2;
  const { lastInStepAt } = await fleet.settled(works, 180_000);
  const joinSeconds = (lastInStepAt - from) / 1000;
  progress(`${agents} agents in step, ${joinSeconds.toFixed(1)} s after the first came`);
  // one in a hundred of all that an agent holds in the end, so that every stage has the same to do for each agent
  const changesPerAgent = options.worksPerAgent / 100;
  const steadySeconds = isLast ? options.steadySeconds : Math.min(6, options.steadySeconds);
  return measureStage(site, { agents, works, joinSeconds, steadySeconds, changesPerAgent });
}

async function withMoreWorks({ hub, fleet, specs, options, database, progress }: Site) {
  const before = await hubMemory(hub);
  await addWorks(
    database,
    specs.map(({ cluster }) => cluster),
    options.worksPerAgent / 2,
  );
  const { worksHeld } = await fleet.settled(options.agents * options.worksPerAgent, 180_000);
  await new Promise((resolve) => setTimeout(resolve, 5_000)); // their first status is stored
  const after = await hubMemory(hub);
  progress(`${worksHeld} works held`);
  return { works: worksHeld / 2, heapMb: after.heapMb - before.heapMb, pssMb: after.pssMb - before.pssMb };
}

async function restarted(site: Site): Promise<Restart> {
  const { hub, fleet, progress } = site;
  const before = await fleet.counts();
  const feetBefore = await site.footprints();
  const from = Date.now();
  hub.restart();
  for (const deadline = from + 180_000; (await fleet.counts()).lost < before.lost + before.agents; ) {
    if (Date.now() > deadline) throw new Error('not every agent has noticed that the hub was killed');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const after = await fleet.settled(before.worksHeld, 180_000);
  const feet = await site.footprints();
  const cpuOf = (name: string) => feet[name]?.cpuSeconds ?? 0;
  const { perSecond } = await hub.probe.ask('accepted', {});
  const each = Object.values(perSecond);
  const restart = {
    inStepSeconds: (after.lastInStepAt - from) / 1000,
    peakHandshakes: Math.max(...each),
    handshakes: each.reduce((sum, count) => sum + count, 0),
    lost: after.lost - before.lost,
    failed: difference(new Map(Object.entries(before.failed)), new Map(Object.entries(after.failed))),
    cpuSeconds: {
      hub: cpuOf('hub'),
      postgres: cpuOf('postgres') - (feetBefore.postgres?.cpuSeconds ?? 0),
      agents: (after.cpuMicros - before.cpuMicros) / 1e6,
    },
  };
  progress(`hub killed and started: ${after.agents} agents in step after ${restart.inStepSeconds.toFixed(1)} s`);
  return restart;
}

/** Full speed is reached before the measure begins, and kept until it has ended. */
const rampSeconds = 5;

async function saturate(site: Site): Promise<Saturated> {
  const { fleet, hub, options, database, progress } = site;
  const { saturatedSeconds: seconds, profileSeconds, worksPerReport, window } = options;
  const whole = fleet.saturate({ seconds: rampSeconds + seconds + profileSeconds + 2, worksPerReport, window });
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const measuring = async (): Promise<Saturated> => {
    await pause(rampSeconds * 1000);
    const look = () =>
      Promise.all([fleet.counts(), site.footprints(), postgresCpu(site), writtenTo(database, 'work_status')]);
    const from = performance.now();
    const [counts, feet, backendCpu, written] = await look();
    await pause(seconds * 1000);
    const elapsed = (performance.now() - from) / 1000;
    const [countsAfter, feetAfter, backendCpuAfter, writtenAfter] = await look();
    const { selfMicros } = await hub.probe.ask('profile', { seconds: profileSeconds });
    const rows = countsAfter.rowsStored - counts.rowsStored;
    progress(`saturated: ${Math.round(rows / elapsed)} rows/s`);
    return {
      seconds: elapsed,
      rows,
      reports: countsAfter.reportsStored - counts.reportsStored,
      written: {
        inserted: writtenAfter.inserted - written.inserted,
        updated: writtenAfter.updated - written.updated,
      },
      cpuSeconds: Object.fromEntries(
        Object.entries(feetAfter).map(([name, { cpuSeconds }]) => [name, cpuSeconds - (feet[name]?.cpuSeconds ?? 0)]),
      ),
      postgresCpuSeconds: difference(backendCpu, backendCpuAfter),
      hubSelfMicros: selfMicros,
      bytesPerAgentPerMinute: ((countsAfter.wireBytes - counts.wireBytes) / counts.agents / elapsed) * 60,
    };
  };
  const [figures] = await Promise.all([measuring(), whole]);
  return figures;
}

/** CPU seconds of the server's processes by what they work for. */
async function postgresCpu({ database, postmaster }: Site): Promise<Map<string, number>> {
  const sums = new Map<string, number>();
  if (postmaster === undefined) return sums;
  const [names, cpu] = await Promise.all([backends(database), cpuOf(postmaster, 'postgres')]);
  for (const [pid, micros] of cpu) {
    const name = names.get(pid) ?? 'other processes of the server';
    sums.set(name, (sums.get(name) ?? 0) + micros / 1e6);
  }
  return sums;
}

const difference = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...after].map(([name, seconds]) => [name, seconds - (before.get(name) ?? 0)]));
