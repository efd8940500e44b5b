import { type MeasuredProcess, megabytes } from '../processes.js';
import { type BenchOutcome, type BenchRequest, type BenchTable, numberSetting, type Scenario } from '../scenario.js';
import { median, round } from '../statistics.js';
import { type DemoRun, runDemo } from './demo-run.js';
import { type FreshRun, runFresh } from './fresh-run.js';

/** The demo from command to all ready, and what its processes cost in memory. */
export const startScenario: Scenario = {
  summary: 'the demo, installed and built: seconds from command to all ready, and memory of all its processes',
  settings: {
    runs: { kind: 'string', meaning: 'how often the demo is started (3)' },
    fresh: {
      kind: 'boolean',
      meaning: 'also `npm run demo -- --once` in a fresh clone of HEAD, with the npm cache as it is',
    },
  },
  targets: { demo_ready_s: { atMost: 20 }, demo_memory_mb: { atMost: 600 }, demo_fresh_s: { atMost: 90 } },
  run,
};

async function run(request: BenchRequest): Promise<BenchOutcome> {
  if (process.platform !== 'linux')
    throw new Error(
      'the start scenario reads /proc for memory and needs Linux; `time npm run demo -- --once` does not',
    );
  const wanted = numberSetting(request, 'runs', 3);
  const runs: DemoRun[] = [];
  for (let index = 0; index < wanted; index++) {
    const done = await runDemo();
    request.progress(`run ${index + 1}: ready after ${round(done.readySeconds)} s`);
    runs.push(done);
  }
  const left = runs.flatMap((each) => each.left);
  if (left.length > 0) throw new Error(`processes outlived the demo: ${JSON.stringify(left)}`);
  const fresh = request.settings.fresh === undefined ? undefined : runFresh();
  if (fresh !== undefined) request.progress(`fresh clone: ${round(fresh.seconds)} s`);
  return outcomeOf(runs, fresh);
}

function outcomeOf(runs: readonly DemoRun[], fresh: FreshRun | undefined): BenchOutcome {
  const largest = runs.reduce((a, b) => (a.peakBytes >= b.peakBytes ? a : b));
  return {
    results: {
      demo_ready_s: round(median(runs.map((each) => each.readySeconds))),
      demo_memory_mb: round(megabytes(largest.peakBytes), 1),
      ...(fresh === undefined ? {} : { demo_fresh_s: round(fresh.seconds) }),
    },
    evidence: {
      runs: runs.map((each) => ({
        readySeconds: round(each.readySeconds),
        peakMb: round(megabytes(each.peakBytes), 1),
        atReadyMb: round(megabytes(each.readyBytes), 1),
        endSeconds: round(each.endSeconds),
        processesLeft: each.left.length,
        steps: each.steps.map(({ atSeconds, line }) => ({ atSeconds: round(atSeconds), line })),
      })),
      processes: largest.processes.map(({ pid, name, pssBytes }) => ({
        pid,
        name,
        pssMb: round(megabytes(pssBytes), 1),
      })),
      ...(fresh === undefined ? {} : { fresh }),
    },
    tables: [runTable(runs), stepTable(runs), processTable(largest.processes)],
  };
}

const runTable = (runs: readonly DemoRun[]): BenchTable => ({
  title: 'each run',
  rows: [
    ['run', 'ready s', 'peak MB', 'at ready MB', 'Ctrl-C to end s', 'processes left'],
    ...runs.map((each, index) => [
      index + 1,
      round(each.readySeconds),
      round(megabytes(each.peakBytes), 1),
      round(megabytes(each.readyBytes), 1),
      round(each.endSeconds),
      each.left.length,
    ]),
  ],
});

/** Of the run in the middle: where the seconds go. */
function stepTable(runs: readonly DemoRun[]): BenchTable {
  const sorted = [...runs].sort((a, b) => a.readySeconds - b.readySeconds);
  const { steps = [] } = sorted[Math.floor((sorted.length - 1) / 2)] ?? {};
  const rows = steps.map(({ atSeconds, line }) => [round(atSeconds), line.slice(0, 90)]);
  return { title: 'steps of the run in the middle', rows: [['at s', 'the demo says'], ...rows] };
}

/** PostgreSQL has many processes of one name: one line for each name. */
function processTable(processes: readonly MeasuredProcess[]): BenchTable {
  const names = [...new Set(processes.map(({ name }) => name))];
  const rows = names.map((name) => {
    const same = processes.filter((each) => each.name === name);
    return [name, same.length, round(megabytes(same.reduce((sum, each) => sum + each.pssBytes, 0)), 1)];
  });
  return { title: 'processes at the peak', rows: [['name', 'processes', 'PSS MB'], ...rows] };
}
