import { availableParallelism } from 'node:os';
import { type BenchOutcome, type BenchRequest, numberSetting, type Scenario } from '../scenario.js';
import { bindingOf, capacityOf, fleetOf } from './fleets.js';
import { readTrace, type Trace } from './input.js';
import { allJobs, fleets, type TraceJob } from './jobs.js';
import { drawPictures } from './pictures.js';
import { runJobs } from './pool.js';
import { fleetTable, resultsOf, type Series, seriesOf, singleTable } from './report.js';

/** A production trace through the engine and simulated members. */
export const traceScenario: Scenario = {
  summary: 'a production trace over split clusters: misplaced, wrongly refused, allocation against one cluster',
  settings: {
    nodes: { kind: 'string', meaning: 'CSV of nodes (../shared/inputs/trace/openb_node_list_all_node.csv)' },
    pods: { kind: 'string', meaning: 'CSV of pods (../shared/inputs/trace/openb_pod_list_default.csv)' },
    orders: { kind: 'string', meaning: 'orders of arrival: that of creation, the others shuffled (5)' },
    threads: { kind: 'string', meaning: 'threads that runs are shared by (as many as cores)' },
    pictures: { kind: 'string', meaning: 'folder to draw the curves into' },
  },
  targets: {
    misplaced_percent: { atMost: 0.1 },
    misplaced_1000_percent: { atMost: 0.5 },
    wrongly_refused_percent: { atMost: 0.1 },
    headroom_vs_single_percent: { atLeast: 99.5 },
    packing_vs_single_percent: { atLeast: 102 },
  },
  run,
};

async function run(request: BenchRequest): Promise<BenchOutcome> {
  const { nodes, pods, pictures } = request.settings;
  const files = { nodes, pods, seed: request.seed };
  const trace = readTrace(nodes, pods);
  const jobs = allJobs(numberSetting(request, 'orders', 5));
  const threads = Math.min(jobs.length, numberSetting(request, 'threads', availableParallelism()));
  request.progress(`${trace.nodes.length} nodes, ${trace.pods.length} pods, ${jobs.length} runs on ${threads} threads`);
  let ended = 0;
  const figures = await runJobs(jobs, threads, files, (job) => {
    ended += 1;
    if (ended % 10 === 0 || ended === jobs.length) request.progress(`${ended} of ${jobs.length}: ${jobText(job)}`);
  });
  const series = seriesOf(jobs, figures);
  if (pictures !== undefined) {
    const drawn = await drawPictures(pictures, series, bindingOf(trace), capacityOf(bindingOf(trace), trace.nodes));
    request.progress(`drawn: ${drawn.join(', ')}`);
  }
  return outcomeOf(trace, series);
}

const jobText = ({ clusters, refresh, policy, sight, order }: TraceJob): string =>
  `order ${order}, ${clusters} clusters, ${policy}, ${sight}, refresh ${refresh}`;

function outcomeOf(trace: Trace, series: readonly Series[]): BenchOutcome {
  const capacity = { gpu: capacityOf('gpu', trace.nodes), cpu: capacityOf('cpu', trace.nodes) };
  const binding = bindingOf(trace);
  const resources = binding === 'gpu' ? (['gpu', 'cpu'] as const) : (['cpu'] as const);
  return {
    results: resultsOf(series, binding),
    evidence: {
      nodes: trace.nodes.length,
      pods: trace.pods.length,
      capacity,
      fleets: fleets.map(({ clusters }) => fleetOf(trace.nodes, clusters).map(({ nodes }) => nodes.length)),
      runs: series.map(({ job, runs }) => ({ ...job, runs: runs.map(({ curve: _, ...figures }) => figures) })),
    },
    tables: [
      singleTable(series[0]?.singles ?? [], capacity),
      ...fleets.map((fleet) => fleetTable(series, fleet, resources)),
    ],
  };
}
