import { parseArgs } from 'node:util';
import { describeMachine } from './machine.js';
import { machineLine, resultTable, tableLines } from './print.js';
import { scenarios } from './registry.js';
import { BenchInputError, type BenchOutcome, type BenchRequest, type Scenario } from './scenario.js';

/** What is drawn at random is drawn from this, so that a run can be repeated. */
const defaultSeed = 7;

function usage(): string {
  const lines = Object.entries(scenarios).flatMap(([name, { summary, settings }]) => [
    `  ${name.padEnd(10)} ${summary}`,
    ...Object.entries(settings).map(([setting, { meaning }]) => `    --${setting.padEnd(12)} ${meaning}`),
  ]);
  return ['usage: npm run bench -- NAME [--json] [--seed N] [settings]', ...lines].join('\n');
}

function refuse(message: string): never {
  console.error(`bench: ${message}\n${usage()}`);
  process.exit(2);
}

function readSettings(scenario: Scenario, args: readonly string[]) {
  const own = Object.entries(scenario.settings).map(([setting, { kind }]) => [setting, { type: kind }] as const);
  try {
    const options = { json: { type: 'boolean' }, seed: { type: 'string' }, ...Object.fromEntries(own) } as const;
    const { json, seed, ...settings } = parseArgs({ args: [...args], options, strict: true }).values;
    const texts = Object.entries(settings).map(([setting, value]) => [setting, String(value)]);
    return { json: json === true, seed: Number(seed ?? defaultSeed), settings: Object.fromEntries(texts) };
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

async function runOrRefuse(scenario: Scenario, request: BenchRequest): Promise<BenchOutcome> {
  try {
    return await scenario.run(request);
  } catch (error) {
    if (!(error instanceof BenchInputError)) throw error;
    console.error(`bench: ${error.message}`);
    process.exit(2);
  }
}

const [name = '', ...rest] = process.argv.slice(2);
const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined;
if (scenario === undefined) refuse(`found "${name}"; allowed is one of ${Object.keys(scenarios).join(', ')}`);
const { json, seed, settings } = readSettings(scenario, rest);
const machine = describeMachine();
const started = Date.now();
console.log(`${name}: ${scenario.summary}\n${machineLine(machine)}\n`);
const outcome = await runOrRefuse(scenario, {
  settings,
  seed,
  progress: (line) => console.error(`  ${String(Math.round((Date.now() - started) / 1000)).padStart(4)} s  ${line}`),
});
for (const table of [...outcome.tables, resultTable(outcome, scenario.targets)])
  for (const line of tableLines(table)) console.log(line);
if (json) {
  const { results, evidence } = outcome;
  console.log(JSON.stringify({ bench: name, machine, seed, results, evidence }));
}
