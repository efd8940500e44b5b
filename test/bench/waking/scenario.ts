import { type BenchOutcome, type BenchRequest, type Scenario } from '../scenario.js';
import { median, percentile, round } from '../statistics.js';
import { type Woken, wakeEach } from './run.js';

/** From the end of what stood in a refused release's way to its placement. */
export const wakingScenario: Scenario = {
  summary: 'how long a refused release waits once what was in its way is gone, for every kind of refusal',
  settings: {},
  targets: { waking_longest_ms: { atMost: 1_000 } },
  run,
};

async function run(request: BenchRequest): Promise<BenchOutcome> {
  const woken = await wakeEach((line) => request.progress(line));
  const times = woken.map(({ ms }) => ms);
  return {
    results: {
      waking_longest_ms: round(percentile(times, 1), 0),
      waking_p50_ms: round(median(times), 0),
      kinds: woken.length,
    },
    evidence: { woken: woken.map(({ kind, ms }) => ({ kind, ms: round(ms, 1) })) },
    tables: [tableOf(woken)],
  };
}

const tableOf = (woken: readonly Woken[]) => ({
  title: 'from the commit that takes the reason away to the commit that places, ms',
  rows: [['refused by', 'reason', 'ms'], ...woken.map(({ kind, reason, ms }) => [kind, reason, round(ms, 0)])],
});
