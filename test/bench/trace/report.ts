import type { BenchTable } from '../scenario.js';
import { round } from '../statistics.js';
import type { Binding } from './fleets.js';
import { type Fleet, fleets, policies, refreshes, type TraceJob } from './jobs.js';
import type { Sight, TracePolicy } from './run.js';
import type { RunFigures } from './tally.js';

/** All runs of one kind, an order each. */
export interface Series {
  job: Omit<TraceJob, 'order'>;
  runs: readonly RunFigures[];
  /** The single cluster in the same orders. */
  singles: readonly RunFigures[];
}

export interface MeanAndWorst {
  mean: number;
  worst: number;
}

type Wrong = 'misplaced' | 'wronglyRefused' | 'hopeless';

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** In per cent of all arrivals; the worst order has the most. */
export function wrongPercent({ runs }: Series, what: Wrong): MeanAndWorst {
  const percents = runs.map((run) => (run[what] * 100) / run.arrivals);
  return { mean: meanOf(percents), worst: Math.max(...percents) };
}

/** What was started, in per cent of what the single cluster started; the worst order has the least. */
export function versusSingle({ runs, singles }: Series, resource: Binding): MeanAndWorst {
  const percents = runs.map((run, order) => {
    const mark = singles[order];
    const started = mark === undefined ? 0 : allocationOf(mark, resource);
    return started === 0 ? 100 : (allocationOf(run, resource) * 100) / started;
  });
  return { mean: meanOf(percents), worst: Math.min(...percents) };
}

export const allocationOf = (run: Pick<RunFigures, 'deviceMilli' | 'mcpu'>, resource: Binding): number =>
  resource === 'gpu' ? run.deviceMilli : run.mcpu;

/** Groups runs by all but the order. */
export function seriesOf(jobs: readonly TraceJob[], figures: readonly RunFigures[]): Series[] {
  const groups = new Map<string, { job: Omit<TraceJob, 'order'>; runs: RunFigures[] }>();
  for (const [at, { order, ...job }] of jobs.entries()) {
    const run = figures[at];
    if (run === undefined) throw new Error(`order ${order} of ${JSON.stringify(job)} was not run`);
    const group = groups.get(JSON.stringify(job)) ?? { job, runs: [] };
    group.runs.push(run);
    groups.set(JSON.stringify(job), group);
  }
  const all = [...groups.values()];
  const singles = all.find(({ job }) => job.clusters === 1)?.runs ?? [];
  return all.map((group) => ({ ...group, singles }));
}

export function findSeries(
  series: readonly Series[],
  wanted: { clusters: number; refresh: number; policy: TracePolicy; sight: Sight },
): Series {
  const found = series.find(({ job }) => JSON.stringify(job) === JSON.stringify({ ...job, ...wanted }));
  if (found === undefined) throw new Error(`no run of ${JSON.stringify(wanted)}`);
  return found;
}

const sightText: Record<Sight, string> = { classes: 'classes', sums: 'sums only', exact: 'exact nodes' };

/** For each fleet a table of all ways to decide. */
export function fleetTable(series: readonly Series[], fleet: Fleet, resources: readonly Binding[]): BenchTable {
  const rows = series
    .filter(({ job }) => job.clusters === fleet.clusters)
    .sort((a, b) => orderOf(a) - orderOf(b))
    .map((each) => {
      const { sight, policy, refresh } = each.job;
      const wrongs = (['misplaced', 'wronglyRefused', 'hopeless'] as const).map((what) => wrongPercent(each, what));
      const marks = resources.map((resource) => versusSingle(each, resource));
      const figures = [...wrongs, ...marks].flatMap(({ mean, worst }) => [round(mean, 3), round(worst, 3)]);
      return [sightText[sight], policy, sight === 'exact' ? '-' : refresh, each.runs.length, ...figures];
    });
  const named = [
    'misplaced',
    'wrongly refused',
    'hopeless',
    ...resources.map((each) => `${each.toUpperCase()} vs one`),
  ];
  return {
    title: `${fleet.name}, ${fleet.clusters} clusters: per cent of arrivals, and of what one cluster with all nodes started`,
    rows: [['engine sees', 'policy', 'refresh', 'orders', ...named.flatMap((name) => [name, 'worst'])], ...rows],
  };
}

function orderOf({ job }: Series): number {
  const sights: readonly Sight[] = ['classes', 'sums', 'exact'];
  return sights.indexOf(job.sight) * 100 + policies.indexOf(job.policy) * 10 + refreshes.indexOf(job.refresh);
}

/** What one cluster with all nodes started, by order. */
export function singleTable(singles: readonly RunFigures[], capacity: Readonly<Record<Binding, number>>): BenchTable {
  const share = (run: RunFigures, resource: Binding): number | string =>
    capacity[resource] === 0 ? '-' : round((allocationOf(run, resource) * 100) / capacity[resource], 2);
  const rows = singles.map((run, order) => [
    order === 0 ? 'by creation' : `shuffled ${order}`,
    run.arrivals,
    run.started,
    share(run, 'gpu'),
    share(run, 'cpu'),
  ]);
  return {
    title: 'one cluster with all nodes',
    rows: [['order', 'arrivals', 'started', '% of GPU', '% of CPU'], ...rows],
  };
}

/** The figures of the issue: worst order, fleet 1, refresh 100, the worse of both policies, unless named. */
export function resultsOf(series: readonly Series[], resource: Binding): Record<string, number> {
  const clusters = fleets[0]?.clusters ?? 0;
  const at = (policy: TracePolicy, refresh: number, sight: Sight = 'classes') =>
    findSeries(series, { clusters, refresh, policy, sight });
  const worst = (what: Wrong, refresh: number) =>
    Math.max(...policies.map((policy) => wrongPercent(at(policy, refresh), what).worst));
  return {
    misplaced_percent: round(worst('misplaced', 100), 3),
    misplaced_1000_percent: round(worst('misplaced', 1000), 3),
    misplaced_sums_only_percent: round(wrongPercent(at('headroom', 100, 'sums'), 'misplaced').worst, 3),
    wrongly_refused_percent: round(worst('wronglyRefused', 100), 3),
    headroom_vs_single_percent: round(versusSingle(at('headroom', 100), resource).worst, 2),
    packing_vs_single_percent: round(versusSingle(at('packing', 100), resource).worst, 2),
  };
}
