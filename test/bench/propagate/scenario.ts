import { type BenchOutcome, type BenchRequest, type BenchTable, numberSetting, type Scenario } from '../scenario.js';
import { median, percentile, round } from '../statistics.js';
import { controlPlaneMb, type Footprints, isControlPlane } from './footprint.js';
import { whatIsGiven } from './given.js';
import { type PropagateFigures, type PropagateOptions, runPropagate } from './run.js';

/** From a tenant's call to the objects in three real API servers. */
export const propagateScenario: Scenario = {
  summary: 'from the call to the Deployments in three API servers: one at a time, in bulk, and against bare applies',
  settings: {
    'warm-up': { kind: 'string', meaning: 'single applications that are not counted (20)' },
    singles: { kind: 'string', meaning: 'single applications (50)' },
    applications: { kind: 'string', meaning: 'applications in bulk (500)' },
    concurrency: { kind: 'string', meaning: 'calls at a time in bulk (32)' },
    connections: { kind: 'string', meaning: 'connections of the bare client to each member (16)' },
    profile: { kind: 'string', meaning: 'folder for a CPU profile of each process of Berth' },
  },
  targets: {
    single_p50_ms: { atMost: 25 },
    single_p99_ms: { atMost: 80 },
    bulk_500x3_s: { atMost: 4 },
    bulk_over_bare_apply: { atMost: 2.5 },
    control_plane_peak_mb: { atMost: 500 },
    control_plane_idle_mb: { atMost: 350 },
    largest_agent_mb: { atMost: 120 },
  },
  run,
};

async function run(request: BenchRequest): Promise<BenchOutcome> {
  if (process.platform !== 'linux') throw new Error('the propagate scenario reads /proc and needs Linux');
  const options: PropagateOptions = {
    warmUp: numberSetting(request, 'warm-up', 20),
    singles: numberSetting(request, 'singles', 50),
    restMs: 250,
    applications: numberSetting(request, 'applications', 500),
    replicas: 6,
    concurrency: numberSetting(request, 'concurrency', 32),
    connections: numberSetting(request, 'connections', 16),
    idleMs: 5_000,
    profile: request.settings.profile,
  };
  const figures = await runPropagate(await whatIsGiven(), options, (line) => request.progress(line));
  return outcomeOf(figures, options);
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

const controlPlaneCpu = (cpu: Readonly<Record<string, number>>): number =>
  sum(Object.entries(cpu).map(([name, seconds]) => (isControlPlane(name) ? seconds : 0)));

const agentMb = (peaks: Readonly<Record<string, number>>): number =>
  Math.max(...Object.entries(peaks).map(([name, peak]) => (isControlPlane(name) ? 0 : peak)));

function outcomeOf(figures: PropagateFigures, options: PropagateOptions): BenchOutcome {
  const { single, bulk, bareSeconds, idle, idleAfter, cpu } = figures;
  return {
    results: {
      single_p50_ms: round(median(single.everywhereMs)),
      single_p99_ms: round(percentile(single.everywhereMs, 0.99)),
      bulk_500x3_s: round(bulk.seconds),
      bulk_over_bare_apply: round(bulk.seconds / bareSeconds),
      control_plane_peak_mb: round(figures.controlPlanePeakMb, 1),
      control_plane_idle_mb: round(controlPlaneMb(idle), 1),
      control_plane_idle_after_mb: round(controlPlaneMb(idleAfter), 1),
      control_plane_cpu_s: round(controlPlaneCpu(cpu.bulk)),
      largest_agent_mb: round(agentMb(figures.peakMb), 1),
      bare_apply_s: round(bareSeconds),
      bare_single_p50_ms: round(median(figures.bareSingleMs)),
    },
    evidence: {
      options,
      single: { answeredMs: rounded(single.answeredMs), everywhereMs: rounded(single.everywhereMs) },
      warm_up: { everywhereMs: rounded(figures.warmUp.everywhereMs) },
      bulk: { ...bulk, statusSeconds: figures.statusSeconds, bareSeconds },
      processes: processFacts(figures),
      ...figures.evidence,
    },
    tables: [latencyTable(figures), bulkTable(figures, options), processTable(figures)],
  };
}

const rounded = (values: readonly number[]): number[] => values.map((value) => round(value, 1));

const pssOf = (all: Footprints, name: string): number => round(all[name]?.pssMb ?? 0, 1);

const processFacts = ({ idle, idleAfter, peakMb, cpu }: PropagateFigures) =>
  Object.keys(idle).map((name) => ({
    name,
    idleMb: pssOf(idle, name),
    peakMb: round(peakMb[name] ?? 0, 1),
    idleAfterMb: pssOf(idleAfter, name),
    cpuSecondsSingle: round(cpu.single[name] ?? 0),
    cpuSecondsBulk: round(cpu.bulk[name] ?? 0),
  }));

function latencyTable({ single, bareSingleMs }: PropagateFigures): BenchTable {
  const row = (what: string, values: readonly number[]) => [
    what,
    ...[0.5, 0.9, 0.99].map((share) => round(percentile(values, share), 1)),
    round(Math.max(...values), 1),
  ];
  return {
    title: 'single applications, one after another on an idle system, ms from the call',
    rows: [
      ['until', 'p50', 'p90', 'p99', 'longest'],
      row('the call is answered', single.answeredMs),
      row('all three members have the Deployment', single.everywhereMs),
      row('bare: the three applies alone, at once', bareSingleMs),
    ],
  };
}

const bulkTable = (
  { bulk, statusSeconds, bareSeconds }: PropagateFigures,
  { applications, concurrency, connections }: PropagateOptions,
): BenchTable => ({
  title: `${applications} applications, ${bulk.deployments} Deployments, s from the first call`,
  rows: [
    ['', 's', 'Deployments/s'],
    [`every call answered, ${concurrency} at a time`, round(bulk.answeredSeconds), ''],
    ['every Deployment in its member', round(bulk.seconds), Math.round(bulk.deployments / bulk.seconds)],
    ['every status in Postgres', round(bulk.seconds + statusSeconds), ''],
    [
      `bare: a client with ${connections} connections for each member`,
      round(bareSeconds),
      Math.round(bulk.deployments / bareSeconds),
    ],
  ],
});

function processTable(figures: PropagateFigures): BenchTable {
  const facts = processFacts(figures).map((each) => [
    each.name,
    each.idleMb,
    each.peakMb,
    each.idleAfterMb,
    each.cpuSecondsSingle,
    each.cpuSecondsBulk,
  ]);
  return {
    title: 'processes: PSS in MB before, at the peak, idle afterwards; CPU seconds',
    rows: [['process', 'idle', 'peak', 'after', 'CPU singles', 'CPU bulk'], ...facts],
  };
}
