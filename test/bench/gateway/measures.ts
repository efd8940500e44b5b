import { cpuBetween, cpuOf } from '../processes.js';
import { type BenchRequest, numberSetting } from '../scenario.js';
import { median, percentile } from '../statistics.js';
import type { Worker } from './child.js';
import { type BenchDatabase, churn } from './database.js';
import { project } from './input.js';
import type { LoadCommands, RateFigures, RateOrder, ServerAddresses, ServerCommands } from './messages.js';

/** Everything that a measure of the gateway uses. */
export interface GatewayBench {
  request: BenchRequest;
  database: BenchDatabase;
  server: Worker<ServerCommands>;
  load: Worker<LoadCommands>;
  addresses: ServerAddresses;
}

/** Applications that are there while Get and Watch are measured. */
export const applyCount = 400;

/** One by one, each a new application of one component: what a caller who waits for the answer waits. */
export async function measureApply({ load, addresses, request }: GatewayBench) {
  const order = { gateway: addresses.gateway, key: addresses.ownerKey };
  await load.ask('apply', { ...order, prefix: 'warm', count: 100 });
  const { milliseconds } = await load.ask('apply', { ...order, prefix: 'bench', count: applyCount });
  const figures = {
    p50Ms: percentile(milliseconds, 0.5),
    p90Ms: percentile(milliseconds, 0.9),
    p99Ms: percentile(milliseconds, 0.99),
    longestMs: Math.max(...milliseconds),
  };
  request.progress(`apply: median ${figures.p50Ms.toFixed(2)} ms over ${milliseconds.length}`);
  return figures;
}

/** CPU time of one call, microseconds, where it was spent. PostgreSQL's is known on Linux alone. */
export interface CallCost {
  gateway: number;
  postgres: number;
  caller: number;
}

type Measured = RateFigures & { cost: CallCost };

export interface RateRound extends Record<RateOrder['method'], Measured> {
  /** Rate of Get, in percent of the bare method's, and of the bare method's that answers as much. */
  percent: number;
  percentOfAnswer: number;
}

/** Bare methods and Get in turn, several times, so that what the machine does meanwhile falls on all. */
export async function measureGet(bench: GatewayBench) {
  const { server, load, addresses, request } = bench;
  const name = `${project}/applications/bench-0`;
  await server.ask('hold', await load.ask('sample', { gateway: addresses.gateway, key: addresses.ownerKey, name }));
  for (const method of ['bare', 'answer', 'get'] as const) await rateOf(bench, method, 2_000);
  const rounds: RateRound[] = [];
  for (let round = 0; round < numberSetting(request, 'rounds', 5); round++) {
    const bare = await rateOf(bench, 'bare', 4_000);
    const answer = await rateOf(bench, 'answer', 4_000);
    const get = await rateOf(bench, 'get', 4_000);
    const percent = (get.perSecond / bare.perSecond) * 100;
    const percentOfAnswer = (get.perSecond / answer.perSecond) * 100;
    rounds.push({ bare, answer, get, percent, percentOfAnswer });
    const rates = [bare, answer, get].map(({ perSecond }) => `${Math.round(perSecond)}/s`);
    request.progress(`bare ${rates[0]}, bare with Get's answer ${rates[1]}, Get ${rates[2]}: ${percent.toFixed(1)} %`);
  }
  const middle = (of: 'percent' | 'percentOfAnswer') => median(rounds.map((round) => round[of]));
  return { rounds, percent: middle('percent'), percentOfAnswer: middle('percentOfAnswer') };
}

async function rateOf(bench: GatewayBench, method: RateOrder['method'], durationMs: number) {
  const { server, load, addresses } = bench;
  const names = Array.from({ length: applyCount }, (_, index) => `${project}/applications/bench-${index}`);
  const address = method === 'get' ? addresses.gateway : addresses.bare;
  const concurrency = numberSetting(bench.request, 'concurrency', 32);
  const postgresCpu = () =>
    process.platform === 'linux' ? cpuOf(process.pid, 'postgres') : Promise.resolve(new Map<number, number>());
  const [gatewayBefore, postgresBefore] = [await server.ask('cpu', {}), await postgresCpu()];
  const figures = await load.ask('rate', { method, address, key: addresses.ownerKey, names, concurrency, durationMs });
  const cost = {
    gateway: ((await server.ask('cpu', {})) - gatewayBefore) / figures.calls,
    postgres: cpuBetween(postgresBefore, await postgresCpu()) / figures.calls,
    caller: figures.callerCpu / figures.calls,
  };
  return { ...figures, cost };
}

/** Growth of the gateway's memory while the changes passed, bytes. */
export interface StallRound {
  changes: number;
  quiet: { heap: number; resident: number };
  stalled: { heap: number; resident: number };
  /** What the released watcher was then sent: the latest of each application, and not every change. */
  messages: number;
}

const megabyte = 2 ** 20;

/**
 * Changes pass with nobody watching, then again while a watcher stands still; the difference is the watcher's, with
 * all that is made for it: its stream, its share of the connection, compiled code. The first round is not counted: in
 * it V8 compiles what a watch runs and drops what only the start ran, which is more than a watcher costs.
 */
export async function measureStalledWatch(bench: GatewayBench) {
  const { database, request } = bench;
  const wanted = numberSetting(request, 'changes', 100_000);
  const [{ applications } = { applications: 0 }] = await database.query<{ applications: number }>(
    'SELECT count(*)::int AS applications FROM applications',
  );
  await stallRound(bench, wanted / 5, applications);
  const rounds: StallRound[] = [];
  for (let round = 0; round < numberSetting(request, 'rounds', 5); round++) {
    const measured = await stallRound(bench, wanted, applications);
    const [quiet, stalled] = [measured.quiet, measured.stalled].map(({ heap }) => (heap / megabyte).toFixed(2));
    rounds.push(measured);
    request.progress(
      `${measured.changes} changes: heap grew by ${quiet} MB unwatched, ${stalled} MB with a stalled watcher`,
    );
  }
  const cost = (of: 'heap' | 'resident') => median(rounds.map((each) => each.stalled[of] - each.quiet[of])) / megabyte;
  return { rounds, applications, heapMb: cost('heap'), residentMb: cost('resident') };
}

async function stallRound(bench: GatewayBench, wanted: number, applications: number): Promise<StallRound> {
  const { database, load, addresses } = bench;
  // What the last round's watcher leaves behind is gone before the memory is taken.
  await churn(database, wanted / 10);
  const quiet = await growth(bench, () => churn(database, wanted));
  const stalled = await growth(bench, async () => {
    await load.ask('stall', { gateway: addresses.gateway, key: addresses.ownerKey });
    return churn(database, wanted);
  });
  const { changes, version } = stalled.passed;
  const { messages } = await load.ask('release', { version, applications });
  return { changes, quiet: quiet.grown, stalled: stalled.grown, messages };
}

async function growth({ server }: GatewayBench, pass: () => Promise<{ changes: number; version: string }>) {
  const before = await server.ask('memory', {});
  const passed = await pass();
  // The feed's readers look again every two seconds at the latest; by then the gateway has seen the last change.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  const after = await server.ask('memory', {});
  return { passed, grown: { heap: after.heap - before.heap, resident: after.resident - before.resident } };
}
