import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '#store';
import { startTestDatabase, type TestDatabase } from '../../../libs/store/testing/database.js';
import { watch } from './watch.js';

const system = { kind: 'system', actor: 'writer' } as const;
const changes = 3_000;

function gate(): { opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('a watcher who stands still', () => {
  let database: TestDatabase;
  let writer: Store;
  let reader: Store;
  beforeAll(async () => {
    database = await startTestDatabase();
    writer = await database.connect('berth_scheduler');
    reader = await database.connect('berth_gateway');
    writer.feed.startSequencer();
  });
  afterAll(() => database.close());

  /** Opens a watch whose reader takes nothing, and answers how it is told, what it was announced, and how it ends. */
  function standStill() {
    const leaving = new AbortController();
    const announced: WeakRef<object>[] = [];
    const told: string[] = [];
    const moving = gate();
    const synced = gate();
    const watched = {
      kind: 'application' as const,
      idOf: (row: { resource: string }) => {
        announced.push(new WeakRef(row));
        return row.resource;
      },
      all: async function* () {},
      read: async (id: string) => id,
      changed: async (id: string) => {
        await moving.opened;
        told.push(id);
      },
      deleted: async () => {},
      synced: async () => synced.open(),
    };
    const done = watch<string>(reader, '', watched, leaving.signal).catch(() => undefined); // it is left
    const leave = async () => {
      leaving.abort();
      moving.open();
      await done;
    };
    return { announced, told, synced: synced.opened, move: moving.open, leave };
  }

  async function change(resources: readonly string[]) {
    await writer.unitOfWork.run(system, (tx) =>
      tx.outbox.append(
        ...resources.map((resource) => ({ tenant: undefined, kind: 'application' as const, resource, version: 1n })),
      ),
    );
  }

  /** Ordered by hand, and not merged: what many batches would have brought. */
  async function order(resources: readonly string[]) {
    await database.query(
      `WITH state AS (UPDATE feed_state SET position = position + $2::bigint RETURNING position - $2::bigint AS base)
       INSERT INTO feed (position, kind, resource, version)
       SELECT state.base + place, 'application', resource, 1
       FROM state, unnest($1::text[]) WITH ORDINALITY AS named (resource, place)`,
      [resources, resources.length],
    );
    await database.query('NOTIFY berth_feed');
  }

  it('costs ids alone: no row of the feed is held while it waits, and it misses nothing afterwards', async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const watcher = standStill();
    await watcher.synced;
    const resources = Array.from({ length: 10 }, (_, index) => `project/application-${index}`);
    for (let round = 0; round < changes / 100; round++) await order(Array(10).fill(resources).flat());
    await expect.poll(() => watcher.announced.length, { timeout: 20_000 }).toBe(changes);
    const held = () => {
      collect();
      return watcher.announced.filter((row) => row.deref() !== undefined).length;
    };
    await expect.poll(held, { timeout: 10_000 }).toBe(0);
    await change(['project/last']);
    watcher.move();
    await expect
      .poll(() => new Set(watcher.told), { timeout: 20_000 })
      .toEqual(new Set([...resources, 'project/last']));
    expect(watcher.told.length).toBeLessThan(50);
    await watcher.leave();
  });

  it('leaves in the feed what it has no room for, and is told of it all once it moves', async () => {
    const watcher = standStill();
    await watcher.synced;
    const resources = Array.from({ length: 4_500 }, (_, index) => `project/many-${index}`);
    for (let from = 0; from < resources.length; from += 500) await change(resources.slice(from, from + 500));
    await expect.poll(() => watcher.announced.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(1_000);
    await expect.poll(() => reader.feed.position(), { timeout: 20_000 }).toBeGreaterThanOrEqual(4_500n);
    expect(watcher.announced.length).toBeLessThanOrEqual(2_001);
    watcher.move();
    await expect.poll(() => new Set(watcher.told).size, { timeout: 20_000 }).toBe(4_500);
    await watcher.leave();
  });
});
