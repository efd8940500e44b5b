import type { BenchOutcome, BenchRequest, Scenario } from '../scenario.js';
import { numberSetting } from '../scenario.js';
import { round } from '../statistics.js';
import { type DayResult, liveDay } from './day.js';

const row = (name: string, day: DayResult): (string | number)[] => [
  name,
  round(day.requestedPercent, 1),
  round(day.usedPercent, 1),
  day.admitted,
  day.evicted,
  round(evictedPercent(day), 1),
  round(day.overloadedPercent, 2),
];

const evictedPercent = ({ evicted, admitted }: DayResult): number => (admitted === 0 ? 0 : (evicted * 100) / admitted);

/** How much of a fleet is used that is requested to the full, with and without best-effort pods. */
export const utilizationScenario: Scenario = {
  summary: 'a day of a fleet that is requested to the full and used at 20 %: what best-effort pods make of it',
  settings: {
    clusters: { kind: 'string', meaning: 'clusters (default 20)' },
    cores: { kind: 'string', meaning: 'cores of each (default 100)' },
    hours: { kind: 'string', meaning: 'how long (default 24)' },
  },
  // Nobody has said what it should reach: the figure is for whoever weighs use against evictions.
  targets: {},
  run: (request: BenchRequest): Promise<BenchOutcome> => {
    const setting = {
      clusters: numberSetting(request, 'clusters', 20),
      coresEach: numberSetting(request, 'cores', 100),
      minutes: numberSetting(request, 'hours', 24) * 60,
      seed: request.seed,
    };
    request.progress('requests alone');
    const alone = liveDay({ ...setting, bestEffort: false });
    request.progress('with the best-effort tier');
    const shared = liveDay({ ...setting, bestEffort: true });
    const heading = ['', 'requested %', 'used %', 'admitted', 'evicted', 'evicted %', 'overloaded cluster-minutes %'];
    return Promise.resolve({
      results: {
        requests_used_percent: round(alone.usedPercent, 1),
        best_effort_used_percent: round(shared.usedPercent, 1),
        best_effort_evicted_percent: round(evictedPercent(shared), 1),
        best_effort_overloaded_percent: round(shared.overloadedPercent, 2),
      },
      evidence: { setting, alone, shared },
      tables: [{ title: 'a day', rows: [heading, row('requests alone', alone), row('best effort beside', shared)] }],
    });
  },
};
