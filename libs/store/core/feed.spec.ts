import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TokenExpired } from '#domain';
import { startTestDatabase, type TestDatabase } from '../testing/database.js';
import type { FeedRow } from './feed-subscription.js';
import type { Hint } from './hints.js';
import type { Store } from './store.js';
import type { Announcement, FeedKind } from './transaction.js';

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

/** What has not come by then never will. */
const patienceMs = 8_000;

/** Reads rows of this round until `isDone` with them, leaving and coming back wherever `stops` says. */
async function readWithInterruptions(
  from: bigint,
  round: string,
  isDone: (seen: readonly FeedRow[]) => boolean,
  stops: readonly number[],
): Promise<FeedRow[]> {
  const seen: FeedRow[] = [];
  let after = from;
  let sitting = 0;
  const patience = AbortSignal.timeout(patienceMs);
  while (!isDone(seen) && !patience.aborted) {
    const leave = new AbortController();
    const readsUntilLeaving = stops[sitting++ % stops.length] ?? 1;
    let read = 0;
    for await (const rows of reader.feed.subscribe({
      after,
      kinds: ['application', 'release', 'work'],
      signal: AbortSignal.any([leave.signal, patience]),
    })) {
      for (const row of rows) {
        after = row.position;
        if (row.resource.startsWith(round)) seen.push(row);
        if (++read >= readsUntilLeaving) break;
      }
      if (isDone(seen) || read >= readsUntilLeaving) leave.abort();
    }
  }
  return seen;
}

const rows = (count: number) => (seen: readonly FeedRow[]) => seen.length >= count;

interface Writer {
  announces: readonly Announcement[];
  holdMs: number;
  commits: boolean;
}

/** Many transactions at once, each holding its rows for a while before it commits or gives up. */
async function write(writers: readonly Writer[]): Promise<void> {
  await Promise.allSettled(
    writers.map((plan) =>
      writer.unitOfWork.run(system, async (tx) => {
        for (const announcement of plan.announces) {
          await tx.outbox.append(announcement);
          await tx.query('SELECT pg_sleep($1)', [plan.holdMs / 1000 / plan.announces.length]);
        }
        if (!plan.commits) throw new Error('gives up');
      }),
    ),
  );
}

const nameOf = ({ tenant, kind, resource }: Announcement): string => `${tenant ?? '-'} ${kind} ${resource}`;

/** The highest version of each resource. */
function latest(of: readonly Announcement[]): Map<string, bigint> {
  const versions = new Map<string, bigint>();
  for (const each of of) {
    const version = each.version ?? 0n;
    if (version >= (versions.get(nameOf(each)) ?? 0n)) versions.set(nameOf(each), version);
  }
  return versions;
}

/** What may not merge, with its versions. */
const releasesOf = (of: readonly Announcement[]): string[] =>
  of
    .filter(({ kind }) => kind === 'release')
    .map((each) => `${nameOf(each)} ${each.version}`)
    .sort();

const hasAll =
  (committed: readonly Announcement[]) =>
  (seen: readonly FeedRow[]): boolean => {
    const told = latest(seen);
    const isTold = [...latest(committed)].every(([name, version]) => told.get(name) === version);
    return isTold && releasesOf(seen).length >= releasesOf(committed).length;
  };

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

  it('misses no latest state and no release while many commit at once and readers resume at random', async () => {
    let rounds = 0;
    let version = 0n;
    const announcement = fc.record({
      tenant: fc.constantFrom(undefined, 'one', 'other'),
      kind: fc.constantFrom<FeedKind>('application', 'release', 'work'),
      resource: fc.constantFrom('a', 'b', 'c'),
      isVersioned: fc.boolean(),
    });
    const plan = fc.record({
      announces: fc.array(announcement, { minLength: 1, maxLength: 4 }),
      holdMs: fc.integer({ min: 0, max: 40 }),
      commits: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(plan, { minLength: 1, maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 }),
        async (plans, stops) => {
          const round = `round-${rounds++}`;
          const writers = plans.map((each) => ({
            ...each,
            announces: each.announces.map(({ isVersioned, tenant, kind, resource }) => {
              version += 1n;
              const named = { tenant, kind, resource: `${round}/${resource}` };
              return isVersioned || kind === 'release' ? { ...named, version } : named;
            }),
          }));
          const from = await reader.feed.position();
          const committed = writers.flatMap((each) => (each.commits ? each.announces : []));
          const reading = [stops, [1], [1000]].map((pattern) =>
            readWithInterruptions(from, round, hasAll(committed), pattern),
          );
          await write(writers);
          for (const seen of await Promise.all(reading)) {
            expect(latest(seen)).toEqual(latest(committed));
            expect(releasesOf(seen)).toEqual(releasesOf(committed));
            const positions = seen.map((row) => row.position);
            expect(positions.every((each, at) => at === 0 || each > (positions[at - 1] ?? 0n))).toBe(true);
          }
        },
      ),
      { numRuns: 40, endOnFailure: true },
    );
    const [{ rows, last } = { rows: 0, last: '-' }] = await database.query<{ rows: number; last: string }>(
      'SELECT count(*)::int AS rows, coalesce(max(position), 0)::text AS last FROM feed',
    );
    expect(String(rows), 'positions are dense').toBe(last);
  }, 120_000);

  it('keeps of one batch the last place and the highest version of what only wakes, and every release', async () => {
    const from = await reader.feed.position();
    const of = (kind: FeedKind, resource: string, version?: bigint): Announcement => ({
      ...{ tenant: undefined, kind, resource },
      ...(version === undefined ? {} : { version }),
    });
    await writer.unitOfWork.run(system, (tx) =>
      tx.outbox.append(
        ...[
          of('work', 'merge/w', 7n),
          of('application', 'merge/a'),
          of('release', 'merge/r', 1n),
          of('work', 'merge/w'),
        ],
        ...[
          of('work', 'merge/w', 6n),
          of('release', 'merge/r', 1n),
          of('application', 'merge/a'),
          of('release', 'merge/z'),
        ],
      ),
    );
    const isOver = (seen: readonly FeedRow[]) => seen.at(-1)?.resource === 'merge/z';
    const seen = await readWithInterruptions(from, 'merge', isOver, [1000]);
    expect(seen.map(({ kind, version }) => `${kind} ${version}`)).toEqual([
      ...['release 1', 'work 0', 'work 7', 'release 1', 'application 0', 'release 0'],
    ]);
    expect(seen.map(({ position }) => position - from)).toEqual([1n, 2n, 3n, 4n, 5n, 6n]);
  });

  it('goes on when the sequencer and every listener lose their connections', async () => {
    const from = await reader.feed.position();
    const seen = readWithInterruptions(from, 'cut', rows(30), [1000]);
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
    expect((await readWithInterruptions(from, 'takeover', rows(1), [1])).length).toBe(1);
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
