import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TokenExpired } from '#domain';
import { startTestDatabase, type TestDatabase } from '../testing/database.js';
import type { FeedRow } from './feed-subscription.js';
import type { Hint } from './hints.js';
import type { Store } from './store.js';

let database: TestDatabase;
let writer: Store;
let reader: Store;

beforeAll(async () => {
  database = await startTestDatabase();
  writer = await database.connect('berth_scheduler', { poolSize: 24 });
  reader = await database.connect('berth_gateway');
  writer.feed.startSequencer();
});
afterAll(() => database.close());

const system = { kind: 'system', actor: 'writer' } as const;

/** Reads until `count` rows of this round have come, leaving and coming back wherever `stops` says. */
async function readWithInterruptions(
  from: bigint,
  round: string,
  count: number,
  stops: readonly number[],
): Promise<FeedRow[]> {
  const seen: FeedRow[] = [];
  let after = from;
  let sitting = 0;
  while (seen.length < count) {
    const leave = new AbortController();
    const readsUntilLeaving = stops[sitting++ % stops.length] ?? 1;
    let read = 0;
    for await (const rows of reader.feed.subscribe({ after, kinds: ['application'], signal: leave.signal })) {
      for (const row of rows) {
        after = row.position;
        if (row.resource.startsWith(round)) seen.push(row);
        if (++read >= readsUntilLeaving) break;
      }
      if (seen.length >= count || read >= readsUntilLeaving) leave.abort();
    }
  }
  return seen;
}

/** Many transactions at once, each holding its rows for a while before it commits or gives up. */
async function write(
  round: string,
  writers: readonly { rows: number; holdMs: number; commits: boolean }[],
): Promise<void> {
  await Promise.allSettled(
    writers.map((plan, index) =>
      writer.unitOfWork.run(system, async (tx) => {
        for (let row = 0; row < plan.rows; row++) {
          await tx.outbox.append({ tenant: undefined, kind: 'application', resource: `${round}/${index}/${row}` });
          await tx.query('SELECT pg_sleep($1)', [plan.holdMs / 1000 / plan.rows]);
        }
        if (!plan.commits) throw new Error('gives up');
      }),
    ),
  );
}

describe('change feed', () => {
  it('hints at what was committed beside the feed, also to who begins to hear while it listens', async () => {
    const told: Hint[] = [];
    const release = { tenant: undefined, kind: 'release', resource: 'hinted/live/1' } as const;
    const deaf = reader.feed.hear((hint) => told.push(hint));
    const isTold = () => told.some(({ kind, resource }) => kind === 'release' && resource === release.resource);
    for (let tries = 0; !isTold() && tries < 200; tries++) {
      await writer.unitOfWork.run(system, (tx) => tx.outbox.append(release));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(isTold()).toBe(true);
    deaf();
    const before = await reader.feed.position();
    await writer.unitOfWork.run(system, (tx) => tx.outbox.append({ ...release, resource: 'hinted/live/2' }));
    for await (const rows of reader.feed.subscribe({
      after: before,
      kinds: ['release'],
      signal: AbortSignal.timeout(10_000),
    }))
      if (rows.some(({ resource }) => resource === 'hinted/live/2')) break;
    expect(told.some(({ resource }) => resource === 'hinted/live/2')).toBe(false);
  });

  it('misses nothing and repeats nothing while many commit at once and readers resume at random', async () => {
    let rounds = 0;
    const plan = fc.record({
      rows: fc.integer({ min: 1, max: 4 }),
      holdMs: fc.integer({ min: 0, max: 40 }),
      commits: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(plan, { minLength: 1, maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
        async (writers, stops) => {
          const round = `round-${rounds++}`;
          const from = await reader.feed.position();
          const committed = writers.flatMap((each, index) =>
            each.commits ? Array.from({ length: each.rows }, (_, row) => `${round}/${index}/${row}`) : [],
          );
          const reading = [stops, [1], [1000]].map((pattern) =>
            readWithInterruptions(from, round, committed.length, pattern),
          );
          await write(round, writers);
          for (const seen of await Promise.all(reading)) {
            expect(seen.map((row) => row.resource).sort()).toEqual([...committed].sort());
            const positions = seen.map((row) => row.position);
            expect(positions).toEqual([...positions].sort((a, b) => Number(a - b)));
          }
        },
      ),
      { numRuns: 40 },
    );
    const [{ rows, last } = { rows: 0, last: '-' }] = await database.query<{ rows: number; last: string }>(
      'SELECT count(*)::int AS rows, coalesce(max(position), 0)::text AS last FROM feed',
    );
    expect(String(rows), 'positions are dense').toBe(last);
  }, 120_000);

  it('goes on when the sequencer and every listener lose their connections', async () => {
    const from = await reader.feed.position();
    const seen = readWithInterruptions(from, 'cut', 30, [1000]);
    for (let index = 0; index < 30; index++) {
      await writer.unitOfWork.run(system, (tx) =>
        tx.outbox.append({ tenant: undefined, kind: 'application', resource: `cut/${index}` }),
      );
      if (index % 10 === 5)
        await database.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('berth-sequencer', 'berth-feed') AND datname = current_database()`,
        );
    }
    expect((await seen).map((row) => row.resource)).toEqual(Array.from({ length: 30 }, (_, index) => `cut/${index}`));
  });

  it('has one leader at a time, and another takes over when it goes', async () => {
    const standby = await database.connect('berth_hub');
    standby.feed.startSequencer();
    const from = await reader.feed.position();
    const leader = await database.connect('berth_scheduler');
    await writer.close();
    await leader.unitOfWork.run(system, (tx) =>
      tx.outbox.append({ tenant: undefined, kind: 'application', resource: 'takeover/0' }),
    );
    expect((await readWithInterruptions(from, 'takeover', 1, [1])).length).toBe(1);
  });

  it('refuses a token of another incarnation, of the future, and of history that is gone', async () => {
    const incarnation = await reader.feed.incarnation();
    const last = await reader.feed.position();
    await expect(reader.feed.checkResumable({ incarnation, sequence: last })).resolves.toBeUndefined();
    await expect(reader.feed.checkResumable({ incarnation: 'another', sequence: 1n })).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
    });
    await expect(reader.feed.checkResumable({ incarnation, sequence: last + 1n })).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
    });
    await database.query('UPDATE feed_state SET kept_from = 10');
    await expect(reader.feed.checkResumable({ incarnation, sequence: 8n })).rejects.toMatchObject({
      code: 'OUT_OF_RANGE',
    });
  });

  it('tells a reader who has fallen behind what is kept, instead of leaving out what was trimmed', async () => {
    const last = await reader.feed.position();
    await database.query('DELETE FROM feed WHERE position < $1', [last.toString()]);
    const signal = AbortSignal.timeout(4_000);
    const behind = reader.feed.subscribe({ after: last - 2n, signal });
    await expect(behind.next()).rejects.toThrow(TokenExpired);
    const kept = reader.feed.subscribe({ after: last - 1n, signal });
    expect((await kept.next()).value).toMatchObject([{ position: last }]);
    await kept.return();
  });
});
