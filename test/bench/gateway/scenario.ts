import { join } from 'node:path';
import { measureTree, megabytes } from '../processes.js';
import type { BenchOutcome, BenchRequest, BenchTable, Scenario } from '../scenario.js';
import { median, round } from '../statistics.js';
import { startWorker } from './child.js';
import { durability, placeEverything, rowCounts, startBenchDatabase } from './database.js';
import { type GatewayBench, measureApply, measureGet, measureStalledWatch, type RateRound } from './measures.js';
import type { LoadCommands, RateOrder, ServerCommands } from './messages.js';

export const gatewayScenario: Scenario = {
  summary: 'Get against a bare method of the same Nest application, latency of Apply, memory of a stalled watcher',
  settings: {
    rounds: { kind: 'string', meaning: 'rounds of bare and Get, and of the stalled watcher (5)' },
    concurrency: { kind: 'string', meaning: 'calls at a time (32)' },
    changes: { kind: 'string', meaning: 'changes that pass the stalled watcher (100000)' },
    only: { kind: 'string', meaning: 'one of get, watch: leaves the other out' },
    profile: { kind: 'string', meaning: "folder for a CPU profile of the gateway's process" },
  },
  targets: {
    get_vs_bare_percent: { atLeast: 50 },
    apply_p50_ms: { atMost: 10 },
    stalled_watch_mb: { atMost: 1 },
  },
  run,
};

async function run(request: BenchRequest): Promise<BenchOutcome> {
  const database = await startBenchDatabase();
  const { profile } = request.settings;
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const program = (name: string) => join(import.meta.dirname, `${name}.js`);
  const server = startWorker<ServerCommands>(program('server'), ['--expose-gc', ...profiling]);
  const load = startWorker<LoadCommands>(program('load'), []);
  try {
    const addresses = await server.ask('start', { databaseUrl: database.urlFor('berth_gateway') });
    request.progress('PostgreSQL, gateway and caller are up');
    return await measure({ request, database, server, load, addresses });
  } finally {
    await load.end();
    await server.end();
    await database.close();
  }
}

async function measure(bench: GatewayBench): Promise<BenchOutcome> {
  const { only } = bench.request.settings;
  const apply = await measureApply(bench);
  await placeEverything(bench.database);
  const get = only === 'watch' ? undefined : await measureGet(bench);
  const stall = only === 'get' ? undefined : await measureStalledWatch(bench);
  const processes = await processFacts();
  return {
    results: {
      ...(get === undefined
        ? {}
        : {
            get_vs_bare_percent: round(get.percent, 1),
            get_vs_bare_same_answer_percent: round(get.percentOfAnswer, 1),
          }),
      apply_p50_ms: round(apply.p50Ms),
      apply_p99_ms: round(apply.p99Ms),
      ...(stall === undefined
        ? {}
        : { stalled_watch_mb: round(stall.heapMb), stalled_watch_rss_mb: round(stall.residentMb) }),
    },
    evidence: {
      pg_settings: await durability(bench.database),
      rows: await rowCounts(bench.database),
      processes,
      apply,
      ...(get === undefined ? {} : { rounds: get.rounds }),
      ...(stall === undefined ? {} : { stalledWatch: stall }),
    },
    tables: [
      ...(get === undefined ? [] : [rateTable(get.rounds), costTable(get.rounds)]),
      applyTable(apply),
      ...(stall === undefined ? [] : [stallTable(stall)]),
    ],
  };
}

async function processFacts() {
  const tree = process.platform === 'linux' ? await measureTree(process.pid) : [];
  return tree.map(({ pid, name, pssBytes }) => ({ pid, name, pssMb: round(megabytes(pssBytes), 1) }));
}

function rateTable(rounds: readonly RateRound[]): BenchTable {
  const heading = [
    'round',
    'bare /s',
    'its answer /s',
    'Get /s',
    '% of bare',
    '% of answer',
    'bare p50 ms',
    'Get p50 ms',
    'Get p99 ms',
  ];
  const rows = rounds.map(({ bare, answer, get, percent, percentOfAnswer }, index) => [
    index + 1,
    Math.round(bare.perSecond),
    Math.round(answer.perSecond),
    Math.round(get.perSecond),
    round(percent, 1),
    round(percentOfAnswer, 1),
    round(bare.p50Ms),
    round(get.p50Ms),
    round(get.p99Ms),
  ]);
  return {
    title: 'unary calls, in turn; "its answer": bare, with the answer that Get gives',
    rows: [heading, ...rows],
  };
}

/** Where a call's time goes: what two cores have to share. */
function costTable(rounds: readonly RateRound[]): BenchTable {
  const row = (name: string, method: RateOrder['method']) => [
    name,
    ...(['gateway', 'postgres', 'caller'] as const).map((where) =>
      Math.round(median(rounds.map((each) => each[method].cost[where]))),
    ),
  ];
  return {
    title: 'CPU of one call, µs (median)',
    rows: [
      ['', 'gateway', 'PostgreSQL', 'caller'],
      row('bare', 'bare'),
      row("bare, Get's answer", 'answer'),
      row('Get', 'get'),
    ],
  };
}

const applyTable = (apply: Awaited<ReturnType<typeof measureApply>>): BenchTable => ({
  title: 'Apply of one component, one after the other',
  rows: [
    ['p50 ms', 'p90 ms', 'p99 ms', 'longest ms'],
    [round(apply.p50Ms), round(apply.p90Ms), round(apply.p99Ms), round(apply.longestMs)],
  ],
});

function stallTable({ rounds, applications }: Awaited<ReturnType<typeof measureStalledWatch>>): BenchTable {
  const heading = [
    'round',
    'changes',
    'heap MB unwatched',
    'heap MB stalled',
    'RSS MB unwatched',
    'RSS MB stalled',
    'told after',
  ];
  const rows = rounds.map((each, index) => [
    index + 1,
    each.changes,
    round(megabytes(each.quiet.heap)),
    round(megabytes(each.stalled.heap)),
    round(megabytes(each.quiet.resident)),
    round(megabytes(each.stalled.resident)),
    each.messages,
  ]);
  return {
    title: `growth of the gateway while changes of ${applications} applications pass, without and with a stalled watcher`,
    rows: [heading, ...rows],
  };
}
