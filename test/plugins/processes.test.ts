import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unpackRecord } from '#placement';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { type RunningProgram, startProgram } from '../kubernetes/process.js';
import { component, Scenario, spec, until } from '../scheduler/scenario.js';
import { type BuiltApps, buildApps } from '../start/built.js';
import { type PriceServer, startPriceServer } from './examples.js';

let apps: BuiltApps;
let database: TestDatabase;
let prices: PriceServer;
let scheduler: RunningProgram;

beforeAll(async () => {
  [apps, database, prices] = await Promise.all([
    buildApps(),
    startTestDatabase(),
    startPriceServer({ north: 1, south: 2 }),
  ]);
});
afterAll(async () => {
  await scheduler.stop();
  await prices.stop();
  await apps.close();
  await database.close();
});

it('a scheduler as it is delivered goes by the plug-ins of its file', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'berth-plugins-'));
  const file = join(dir, 'plugins.yaml');
  const example = join(import.meta.dirname, '../../examples/plugins/maintenance-hours');
  await writeFile(
    file,
    JSON.stringify({
      plugins: [
        { name: 'hours', package: example, timeoutMs: 5_000, filter: { onFailure: 'refuse' } },
        { name: 'prices', grpc: { address: prices.address }, timeoutMs: 5_000, score: { weight: 50, onFailure: 0 } },
      ],
    }),
  );
  const scenario = new Scenario(database);
  await scenario.tenancy();
  for (const id of ['north', 'south']) await scenario.cluster(id);
  await scenario.apply('shop', spec([component('web')], { maxClusters: 1 }));
  scheduler = startProgram({
    ...{ name: 'scheduler', dir },
    binary: process.execPath,
    args: [apps.mainOf('scheduler')],
    env: { BERTH_DATABASE_URL: database.urlFor('berth_scheduler'), BERTH_PLUGINS: file },
  });
  await until('it is placed', async () => (await scenario.phases()).shop === 'placed');
  const [row] = await database.query<{ record: Buffer }>('SELECT record FROM decisions');
  const [group] = row === undefined ? [] : unpackRecord(row.record).groups;
  expect(group?.plugins).toEqual([
    { plugin: 'hours', version: '1.0.0', failure: undefined, reasons: [], verdicts: [0, 0], scores: undefined },
    { plugin: 'prices', version: '1.0.0', failure: undefined, reasons: [], verdicts: undefined, scores: [1000, 500] },
  ]);
});
