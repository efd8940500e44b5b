import { seededChance } from '#domain';
import { applyDecision, decide } from '#placement';
import { BenchInputError, type BenchOutcome, type BenchRequest, numberSetting, type Scenario } from '../scenario.js';
import { percentile, round } from '../statistics.js';
import { type DurableFigures, runDurable } from './durable.js';
import { benchFleet } from './fleet.js';
import { benchRequest } from './requests.js';

/** Decisions of the engine on one core, records packed, without a store. */
export const placementScenario: Scenario = {
  summary: 'decisions a second on one core by the size of the fleet, each with its packed record',
  settings: {
    seconds: { kind: 'string', meaning: 'how long each of the eight phases takes (5)' },
    'durable-releases': { kind: 'string', meaning: 'releases that four schedulers place through PostgreSQL (6000)' },
    batch: { kind: 'string', meaning: 'releases that such a scheduler decides at a time' },
    profile: { kind: 'string', meaning: 'folder for a CPU profile of each scheduler' },
    only: { kind: 'string', meaning: '"durable" leaves out the engine alone, "engine" the store' },
  },
  targets: {
    simple_1000_per_s: { atLeast: 30_000 },
    constrained_1000_per_s: { atLeast: 8_000 },
    p99_1000_ms: { atMost: 0.3 },
    growth_5000_over_1000: { atMost: 3 },
    record_bytes_1000: { atMost: 8192 },
    durable_1000_per_s: { atLeast: 3_000 },
  },
  run,
};

interface Phase {
  clusters: number;
  constrained: boolean;
  decisions: number;
  placed: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  longestMs: number;
  recordBytes: number;
}

/** Records are kept for a while, as on their way to a store. */
const keptRecords = 1_000;
/** A fleet takes so many decisions for each cluster before it is emptied, outside the clock. */
const decisionsPerCluster = 20;

function measure(clusters: number, constrained: boolean, seconds: number, seed: number): Phase {
  const draw = seededChance(seed);
  const records: Uint8Array[] = [];
  const taken: number[] = [];
  let placed = 0;
  let bytes = 0;
  let spentMs = -1_000; // a second to warm up, not counted
  let decisions = 0;
  let snapshot = benchFleet(clusters, seed);
  for (let at = 0; spentMs < seconds * 1000; at++) {
    if (at % (clusters * decisionsPerCluster) === 0) snapshot = benchFleet(clusters, seed);
    const request = benchRequest(at, draw, constrained);
    const began = performance.now();
    const decision = decide(request, snapshot);
    const record = decision.packed;
    applyDecision(snapshot, decision);
    const tookMs = performance.now() - began;
    spentMs += tookMs;
    records[at % keptRecords] = record;
    if (spentMs <= 0) continue;
    taken.push(tookMs);
    decisions += 1;
    placed += decision.placed ? 1 : 0;
    bytes += record.length;
  }
  return {
    ...{ clusters, constrained, decisions, placed },
    perSecond: decisions / (taken.reduce((sum, each) => sum + each, 0) / 1000),
    p50Ms: percentile(taken, 0.5),
    p99Ms: percentile(taken, 0.99),
    longestMs: percentile(taken, 1),
    recordBytes: bytes / decisions,
  };
}

async function run(request: BenchRequest): Promise<BenchOutcome> {
  const { only = '' } = request.settings;
  if (!['', 'durable', 'engine'].includes(only))
    throw new BenchInputError(`--only is "${only}"; allowed is durable or engine`);
  const engine = only === 'durable' ? nothing : runEngine(request);
  return only === 'engine' ? engine : withDurable(engine, await runDurable(request));
}

const nothing: BenchOutcome = { results: {}, evidence: {}, tables: [] };

const withDurable = (
  { results, evidence, tables }: BenchOutcome,
  { perSecond, table, evidence: durable }: DurableFigures,
): BenchOutcome => ({
  results: { ...results, durable_1000_per_s: round(perSecond, 0) },
  evidence: { ...evidence, durable },
  tables: [...tables, table],
});

function runEngine(request: BenchRequest): BenchOutcome {
  const seconds = numberSetting(request, 'seconds', 5);
  const phases: Phase[] = [];
  for (const clusters of [10, 100, 1_000, 5_000])
    for (const constrained of [false, true]) {
      const phase = measure(clusters, constrained, seconds, request.seed);
      phases.push(phase);
      request.progress(
        `${clusters} clusters, ${constrained ? 'constrained' : 'simple'}: ${round(phase.perSecond, 0)}/s`,
      );
    }
  return outcomeOf(phases);
}

function outcomeOf(phases: readonly Phase[]): BenchOutcome {
  const of = (clusters: number, constrained: boolean): Phase => {
    const found = phases.find((each) => each.clusters === clusters && each.constrained === constrained);
    if (found === undefined) throw new Error(`nothing was measured at ${clusters} clusters`);
    return found;
  };
  const thousand = of(1_000, false);
  return {
    results: {
      simple_1000_per_s: round(thousand.perSecond, 0),
      constrained_1000_per_s: round(of(1_000, true).perSecond, 0),
      p99_1000_ms: round(thousand.p99Ms, 3),
      growth_5000_over_1000: round(thousand.perSecond / of(5_000, false).perSecond),
      record_bytes_1000: round(thousand.recordBytes, 0),
    },
    evidence: { phases },
    tables: [
      {
        title: 'decisions on one core, each with its packed record; ms with garbage collection',
        rows: [
          ['clusters', 'kind', 'decisions', 'placed', 'a second', 'p50 ms', 'p99 ms', 'longest', 'bytes of record'],
          ...phases.map((each) => [
            each.clusters,
            each.constrained ? 'constrained' : 'simple',
            each.decisions,
            each.placed,
            round(each.perSecond, 0),
            round(each.p50Ms, 3),
            round(each.p99Ms, 3),
            round(each.longestMs, 1),
            round(each.recordBytes, 0),
          ]),
        ],
      },
    ],
  };
}
