/** What a scenario is asked to do. */
export interface BenchRequest {
  /** What the scenario itself reads: `--runs 5` is `{ runs: '5' }`, `--fresh` is `{ fresh: 'true' }`. */
  settings: Readonly<Record<string, string>>;
  /** What is drawn at random is drawn from this, so that a run can be repeated. */
  seed: number;
  /** A line for whoever waits; never part of the result. */
  progress(line: string): void;
}

/** A table for people: the first row is the heading. */
export interface BenchTable {
  title: string;
  rows: readonly (readonly (string | number)[])[];
}

export interface BenchOutcome {
  /** Figures by name, the unit last: `demo_ready_s`. */
  results: Readonly<Record<string, number>>;
  /** What shows that the figures are real: settings, processes, rows counted. */
  evidence: Readonly<Record<string, unknown>>;
  tables: readonly BenchTable[];
}

export interface Scenario {
  summary: string;
  /** Settings that it knows: flags are there or not, strings take a value. */
  settings: Readonly<Record<string, { kind: 'boolean' | 'string'; meaning: string }>>;
  /** What each result is held against. */
  targets: Readonly<Record<string, { atMost: number } | { atLeast: number }>>;
  run(request: BenchRequest): Promise<BenchOutcome>;
}

/** A setting or an input file that is not what it may be: said in one line, without a stack. */
export class BenchInputError extends Error {}

/** A whole number of a setting. */
export function numberSetting(request: BenchRequest, name: string, fallback: number): number {
  const text = request.settings[name];
  if (text === undefined) return fallback;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new BenchInputError(`--${name} is "${text}"; allowed is a whole number above 0`);
  return Number(text);
}
