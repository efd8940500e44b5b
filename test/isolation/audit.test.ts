import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writersOf } from '../gateway/rows.js';
import { cases } from './cases.js';
import { createWorld, type World } from './world.js';

/** Methods that change nothing; every other one does. */
const reads = /\.(Get|List|Watch|Explain)/;

describe('every mutation is audited in its own transaction', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(() => world.harness.close());

  it.each(Object.entries(cases))('%s', async (name, { right, arrange }) => {
    const { db } = world.harness;
    const call = await arrange(world);
    const before = await writersOf(db);
    await call(world.as(right));
    const after = await writersOf(db);
    const written = [...after].filter(([writer]) => !before.has(writer));
    if (reads.test(name)) {
      expect(written).toEqual([]);
      return;
    }
    const [transaction, ...others] = written;
    expect(others).toEqual([]);
    expect(transaction?.[1]).toContain('audit');
    const entries = await db.query<Record<string, string>>(
      `SELECT actor, action, target, at::text FROM audit WHERE xmin::text = $1`,
      [transaction?.[0]],
    );
    expect(entries).toHaveLength(1);
    for (const value of Object.values(entries[0] ?? {})) expect(value).not.toBe('');
  });
});
