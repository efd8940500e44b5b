import { type BenchOutcome, type BenchRequest, type BenchTable, numberSetting, type Scenario } from '../scenario.js';
import { percentile, round } from '../statistics.js';
import { type FleetFigures, type FleetOptions, runFleet } from './run.js';
import type { Stage } from './stages.js';

/** A thousand agents on one hub. */
export const fleetScenario: Scenario = {
  summary:
    'many agents on one hub: lag of status into Postgres, rows a second against a bare upsert, memory, a restart',
  settings: {
    agents: { kind: 'string', meaning: 'agents (1000)' },
    works: { kind: 'string', meaning: 'works of each agent, an even number (100)' },
    processes: { kind: 'string', meaning: 'processes that the agents share (4)' },
    steady: { kind: 'string', meaning: 'seconds in which 1 % change each second (30)' },
    idle: { kind: 'string', meaning: 'seconds without a change, for each number of agents (15)' },
    saturated: { kind: 'string', meaning: 'seconds in which agents send as fast as they may (60)' },
    bare: { kind: 'string', meaning: 'seconds of each bare upsert, before and after (15)' },
    'report-works': { kind: 'string', meaning: 'works in a report when saturated (50)' },
    window: { kind: 'string', meaning: 'reports of an agent under way when saturated (2)' },
    profile: { kind: 'string', meaning: 'folder for a CPU profile of the hub' },
  },
  targets: {
    status_lag_p99_ms: { atMost: 300 },
    rows_vs_bare_percent: { atLeast: 35 },
    restart_in_step_s: { atMost: 10 },
  },
  run,
};

async function run(request: BenchRequest): Promise<BenchOutcome> {
  if (process.platform !== 'linux') throw new Error('the fleet scenario reads /proc and needs Linux');
  const options: FleetOptions = {
    agents: numberSetting(request, 'agents', 1_000),
    worksPerAgent: numberSetting(request, 'works', 100),
    processes: numberSetting(request, 'processes', 4),
    steadySeconds: numberSetting(request, 'steady', 30),
    idleSeconds: numberSetting(request, 'idle', 15),
    saturatedSeconds: numberSetting(request, 'saturated', 60),
    bareSeconds: numberSetting(request, 'bare', 15),
    profileSeconds: 8,
    worksPerReport: numberSetting(request, 'report-works', 50),
    window: numberSetting(request, 'window', 2),
    batchRows: 2_000,
    seed: request.seed,
    databaseUrl: process.env.DATABASE_URL || undefined,
    profile: request.settings.profile,
  };
  if (options.worksPerAgent % 2 > 0 || options.worksPerReport * options.window > options.worksPerAgent)
    throw new Error('--works is even, and at least --report-works × --window: no report may be overtaken by another');
  return outcomeOf(await runFleet(options, (line) => request.progress(line)), options);
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const lag = ({ lagsMs }: Stage, share: number): number => round(percentile(lagsMs, share), 1);

function outcomeOf(figures: FleetFigures, options: FleetOptions): BenchOutcome {
  const { stages, saturated, bareRowsPerSecond, restart, moreWorks } = figures;
  const first = stages[0];
  const last = stages.at(-1);
  if (first === undefined || last === undefined) throw new Error('nothing was measured');
  const rowsPerSecond = saturated.rows / saturated.seconds;
  const kbPerAgent = (pick: (stage: Stage) => number): number =>
    first === last ? 0 : ((pick(last) - pick(first)) / (last.agents - first.agents)) * 1024;
  return {
    results: {
      status_lag_p99_ms: lag(last, 0.99),
      status_lag_p50_ms: lag(last, 0.5),
      rows_per_s: Math.round(rowsPerSecond),
      bare_rows_per_s: Math.round(mean(bareRowsPerSecond)),
      rows_vs_bare_percent: round((rowsPerSecond / mean(bareRowsPerSecond)) * 100, 1),
      hub_kb_per_agent: round(
        kbPerAgent((stage) => stage.hubPssMb),
        1,
      ),
      hub_heap_kb_per_agent: round(
        kbPerAgent((stage) => stage.hubHeapMb),
        1,
      ),
      hub_kb_per_work: round((moreWorks.pssMb * 1024) / moreWorks.works, 3),
      agent_idle_bytes_per_min: Math.round(last.idle.bytesPerMinute),
      agent_busy_bytes_per_min: Math.round(last.busy.bytesPerMinute),
      restart_in_step_s: round(restart.inStepSeconds),
      restart_peak_handshakes_per_s: restart.peakHandshakes,
    },
    evidence: {
      options: { ...options, databaseUrl: options.databaseUrl === undefined ? 'own' : 'given' },
      stages: stages.map(({ lagsMs, ...stage }) => ({ ...stage, reports: lagsMs.length })),
      more_works: moreWorks,
      bare_rows_per_s: bareRowsPerSecond.map(Math.round),
      restart,
      saturated,
      streams_lost_unasked: figures.lostUnasked,
      processes: Object.entries(figures.processes).map(([name, { pssMb }]) => ({ name, pssMb: round(pssMb, 1) })),
      ...figures.evidence,
    },
    tables: [stageTable(stages), saturatedTable(figures), cpuTable(figures), hubTable(figures)],
  };
}

const stageTable = (stages: readonly Stage[]): BenchTable => ({
  title:
    'with so many agents: joining, memory after a collection, traffic of an agent, lag of a status until its commit is told',
  rows: [
    [
      ...['agents', 'works', 'join s', 'hub PSS MB', 'heap MB', 'idle B/min', 'busy B/min', 'hub CPU % idle', 'busy'],
      ...['p50 ms', 'p99 ms', 'longest'],
    ],
    ...stages.map((stage) => [
      ...[stage.agents, stage.works, round(stage.joinSeconds, 1), round(stage.hubPssMb, 1), round(stage.hubHeapMb, 1)],
      ...[Math.round(stage.idle.bytesPerMinute), Math.round(stage.busy.bytesPerMinute)],
      ...[round(stage.idle.hubCpuPercent, 1), round(stage.busy.hubCpuPercent, 1)],
      ...[lag(stage, 0.5), lag(stage, 0.99), lag(stage, 1)],
    ]),
  ],
});

const saturatedTable = ({ saturated, bareRowsPerSecond, restart }: FleetFigures): BenchTable => ({
  title: 'saturated, and a hub that was killed and started again',
  rows: [
    ['', 'value'],
    ['rows/s acknowledged', Math.round(saturated.rows / saturated.seconds)],
    [
      'rows/s that Postgres counted',
      Math.round((saturated.written.updated + saturated.written.inserted) / saturated.seconds),
    ],
    ['reports/s', Math.round(saturated.reports / saturated.seconds)],
    ['bare client, agents idle, rows/s', Math.round(bareRowsPerSecond[0] ?? 0)],
    ['bare client, agents gone, rows/s', Math.round(bareRowsPerSecond[1] ?? 0)],
    ['bytes of an agent a minute', Math.round(saturated.bytesPerAgentPerMinute)],
    ['restart: s until all are in step', round(restart.inStepSeconds)],
    ['restart: connections accepted', restart.handshakes],
    ['restart: in the busiest second', restart.peakHandshakes],
    ['restart: streams lost', restart.lost],
    ...Object.entries(restart.failed).map(([why, count]) => [`restart: failed with ${why}`, count]),
    ...Object.entries(restart.cpuSeconds).map(([name, seconds]) => [`restart: CPU s, ${name}`, round(seconds, 1)]),
  ],
});

function cpuTable({ saturated }: FleetFigures): BenchTable {
  const perRow = (seconds: number) => round((seconds / saturated.rows) * 1e6, 1);
  const line = (name: string, seconds: number) => [name, round(seconds, 1), perRow(seconds)];
  const agents = Object.entries(saturated.cpuSeconds).filter(([name]) => name.startsWith('agents'));
  const servers = Object.entries(saturated.postgresCpuSeconds).filter(([, seconds]) => seconds >= 0.05);
  return {
    title: `where the rest goes: CPU in ${Math.round(saturated.seconds)} s`,
    rows: [
      ['', 'CPU s', 'µs a row'],
      line('hub', saturated.cpuSeconds.hub ?? 0),
      line('postgres', saturated.cpuSeconds.postgres ?? 0),
      ...servers.sort(([, a], [, b]) => b - a).map(([name, seconds]) => line(`  ${name}`, seconds)),
      line(
        "agents' processes",
        agents.reduce((sum, [, seconds]) => sum + seconds, 0),
      ),
    ],
  };
}

function hubTable({ saturated: { hubSelfMicros } }: FleetFigures): BenchTable {
  const total = Object.values(hubSelfMicros).reduce((sum, micros) => sum + micros, 0);
  const rows = Object.entries(hubSelfMicros)
    .sort(([, a], [, b]) => b - a)
    .filter(([, micros]) => micros / total >= 0.005)
    .map(([place, micros]) => [place, round((micros / total) * 100, 1)]);
  return { title: "the hub's own time while saturated, % by where the code comes from", rows: [['', '%'], ...rows] };
}
