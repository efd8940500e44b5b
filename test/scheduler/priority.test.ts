import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import { aPlacer } from './placers.js';
import { component, Scenario, spec } from './scenario.js';

let database: TestDatabase;
let scenario: Scenario;

beforeEach(async () => {
  database = await startTestDatabase();
  scenario = new Scenario(database);
  await scenario.tenancy();
});
afterEach(() => database.close());

/** A core each. */
const wanting = (priority: number) => ({ ...spec([component('web', { mcpu: 1000 })]), priority });

describe('priority', () => {
  it.each([1, 3, 50])('gives scarce room to the highest that waits, in batches of %i', async (batchSize) => {
    await scenario.cluster('small', { cores: 3 });
    const priorities = { low: -5, plain: 0, early: 7, high: 1_000_000, late: 7, lowest: -1_000_000 };
    for (const [name, priority] of Object.entries(priorities)) await scenario.apply(name, wanting(priority));
    const { placer } = await aPlacer(database, 's1', batchSize);
    await placer.refresh();
    for (let round = 0; round < 6; round++) await placer.round();
    expect(await scenario.phases()).toEqual({
      high: 'placed',
      early: 'placed',
      late: 'placed',
      plain: 'refused',
      low: 'refused',
      lowest: 'refused',
    });
  });
});
