import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../kubernetes/ports.js';
import { startProgram } from '../../kubernetes/process.js';
import { cure, type Refused, refused } from '../../scheduler/refusals.js';
import { Scenario } from '../../scheduler/scenario.js';
import { type BerthDatabase, startBerthDatabase } from '../propagate/database.js';

const program = join(import.meta.dirname, '../../../apps/scheduler/main.js');
const withinMs = 30_000;
/** Far below what is measured, and no burden for the database. */
const lookEveryMs = 2;

export interface Woken {
  /** The filter, or what else refused, and how. */
  kind: string;
  reason: string;
  ms: number;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

async function phaseOf(database: BerthDatabase): Promise<string | undefined> {
  const [row] = await database.query<{ phase: string }>(
    `SELECT phase FROM releases WHERE application_id = 'front' ORDER BY number DESC LIMIT 1`,
  );
  return row?.phase;
}

/** One kind of refusal, with a scheduler process of its own as it ships. */
async function wake(database: BerthDatabase, dir: string, kind: string, given: Refused): Promise<Woken> {
  await database.query('TRUNCATE clusters, tenants, outbox CASCADE');
  const scenario = new Scenario(database);
  await scenario.tenancy();
  for (const [id, fixture] of Object.entries(given.fleet)) await scenario.cluster(id, fixture);
  if (given.given !== undefined) await database.query(given.given);
  const [port = 0] = await freePorts(1);
  const env = {
    BERTH_DATABASE_URL: database.urlFor('berth_scheduler'),
    BERTH_SCHEDULER_HTTP_ADDRESS: `127.0.0.1:${port}`,
    BERTH_LOG_LEVEL: 'warn',
  };
  const scheduler = startProgram({ binary: process.execPath, args: [program], dir, name: 'scheduler', env });
  try {
    await scheduler.ready(
      async () =>
        fetch(`http://127.0.0.1:${port}/readyz`).then(
          ({ ok }) => ok,
          () => false, // not listening yet
        ),
      withinMs,
    );
    if (given.before !== undefined) {
      await scenario.apply('front', given.before);
      await until(`${kind} is placed before`, async () => (await phaseOf(database)) === 'placed');
    }
    await scenario.apply('front', given.asks);
    await until(`${kind} is refused`, async () => (await phaseOf(database)) === 'refused');
    await cure(scenario, given);
    const began = performance.now();
    await until(`${kind} is placed`, async () => (await phaseOf(database)) === 'placed');
    return { kind, reason: given.reason, ms: performance.now() - began };
  } finally {
    await scheduler.stop();
  }
}

/** Every kind in turn, on a PostgreSQL with fsync on. */
export async function wakeEach(progress: (line: string) => void): Promise<Woken[]> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-waking-'));
  const database = await startBerthDatabase(undefined);
  const woken: Woken[] = [];
  try {
    for (const [kind, given] of Object.entries(refused)) {
      const found = await wake(database, dir, kind, given);
      woken.push(found);
      progress(`${kind}: ${Math.round(found.ms)} ms`);
    }
    return woken;
  } finally {
    await database.close();
    await rm(dir, { recursive: true, force: true });
  }
}
