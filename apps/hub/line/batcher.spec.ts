import { describe, expect, it, vi } from 'vitest';
import { Batcher } from './batcher.js';
import { pause } from './periodic.js';

describe('Batcher', () => {
  const batcherOver = (handle: (items: readonly number[]) => Promise<readonly string[]>, maxWeight = 3) =>
    new Batcher<number, string>({ sleep: pause, lingerMs: 1, paceMs: 1, maxWeight, weigh: () => 1, handle });

  it('gathers what comes together, in order, in batches of bounded weight', async () => {
    const batches: number[][] = [];
    const batcher = batcherOver(async (items) => {
      batches.push([...items]);
      return items.map((item) => `done ${item}`);
    });
    const verdicts = await Promise.all([1, 2, 3, 4, 5].map((item) => batcher.add(item)));
    expect(batches).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    expect(verdicts).toEqual(['done 1', 'done 2', 'done 3', 'done 4', 'done 5']);
    await batcher.idle();
  });

  it('fails a bad item alone', async () => {
    const batcher = batcherOver(async (items) => {
      if (items.includes(2)) throw new Error('bad item');
      return items.map(String);
    });
    const outcomes = await Promise.allSettled([1, 2, 3].map((item) => batcher.add(item)));
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('takes an item that is heavier than a batch may be', async () => {
    const batcher = new Batcher<number, string>({
      sleep: pause,
      lingerMs: 1,
      paceMs: 1,
      maxWeight: 2,
      weigh: (item) => item,
      handle: async (items) => items.map(String),
    });
    expect(await Promise.all([batcher.add(10), batcher.add(1)])).toEqual(['10', '1']);
  });

  it('gathers what comes soon after a batch', async () => {
    const rests: { ms: number; end: () => void }[] = [];
    const batches: number[][] = [];
    const batcher = new Batcher<number, string>({
      sleep: (ms) => new Promise((resolve) => rests.push({ ms, end: resolve })),
      lingerMs: 4,
      paceMs: 40,
      maxWeight: 2,
      weigh: () => 1,
      handle: async (items) => {
        batches.push([...items]);
        return items.map(String);
      },
    });
    const restOf = async (ms: number) => {
      await vi.waitFor(() => expect(rests.map((rest) => rest.ms)).toEqual([ms]));
      return () => rests.shift()?.end();
    };
    void batcher.add(1);
    (await restOf(4))();
    const endOfFirst = await restOf(40);
    const full = [2, 3].map((item) => batcher.add(item));
    const after = batcher.add(4);
    expect(batches).toEqual([[1]]);
    endOfFirst();
    await Promise.all(full);
    const endOfSecond = await restOf(40);
    expect(batches).toEqual([[1], [2, 3]]);
    endOfSecond();
    await after;
    (await restOf(40))();
    await batcher.idle();
    expect(batches).toEqual([[1], [2, 3], [4]]);
  });
});
