import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PendingIds } from './pending.js';

describe('what a watcher has yet to be told', () => {
  it('holds each id once, in the order in which they were first announced', async () => {
    const pending = new PendingIds(0n);
    for (const [id, position] of [
      ['a', 1n],
      ['b', 2n],
      ['a', 3n],
      ['c', 4n],
    ] as const)
      pending.add(id, position);
    expect([await pending.take(), await pending.take(), await pending.take()]).toEqual(['a', 'b', 'c']);
    expect(pending.toldUpTo).toBe(4n);
  });

  it('never says that more was told than was: a resumed reader misses no id', async () => {
    const step = fc.oneof(fc.record({ add: fc.constantFrom('a', 'b', 'c', 'd') }), fc.constant('take' as const));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const pending = new PendingIds(0n);
        const announced: string[] = [];
        const toldAt = new Map<string, number>();
        for (const each of steps) {
          if (each === 'take') {
            if (pending.size === 0) continue;
            const id = await pending.take();
            if (id !== undefined) toldAt.set(id, announced.length);
          } else {
            announced.push(each.add);
            pending.add(each.add, BigInt(announced.length));
          }
          // An announcement is told when its id was taken after it: the body is read then.
          const told = announced.map((id, index) => (toldAt.get(id) ?? 0) > index);
          const firstUntold = told.indexOf(false);
          if (firstUntold >= 0) expect(pending.toldUpTo).toBeLessThanOrEqual(BigInt(firstUntold));
        }
      }),
    );
  });

  it('stops reading ahead when a reader stands still, and goes on when it moves', async () => {
    const pending = new PendingIds(0n);
    let added = 0;
    const reading = (async () => {
      while (added < 5_000) {
        for (let row = 0; row < 1_000; row++) pending.add(`id-${++added}`, BigInt(added));
        await pending.room();
      }
    })();
    await new Promise((resolve) => setImmediate(resolve));
    expect(added).toBeLessThanOrEqual(2_000);
    expect(pending.size).toBeLessThanOrEqual(2_000);
    for (let taken = 0; taken < 5_000; taken++) await pending.take();
    await reading;
    expect(pending.toldUpTo).toBe(5_000n);
  });

  it('hands on why it ended', async () => {
    const pending = new PendingIds(0n);
    const taking = pending.take();
    pending.end(new Error('gone'));
    await expect(taking).rejects.toThrow('gone');
  });
});
