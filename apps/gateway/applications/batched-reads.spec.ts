import { describe, expect, it } from 'vitest';
import { BatchedReads } from './batched-reads.js';

/** Statements that answer when they are told to. */
function harness() {
  const begun: { group: string; ids: readonly string[]; answer(): void; fail(): void }[] = [];
  const reads = new BatchedReads<string, string>(
    2,
    (group, ids) =>
      new Promise((resolve, reject) => {
        const answer = () => resolve(new Map(ids.filter((id) => id !== 'none').map((id) => [id, `${group}/${id}`])));
        begun.push({ group, ids, answer, fail: () => reject(new Error('lost')) });
      }),
  );
  const read = (group: string, id: string) => reads.read(group, group, id);
  /** Answers statements until none is left. */
  const settle = async () => {
    for (let index = 0; index < begun.length; index++) {
      begun[index]?.answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { begun, read, settle };
}

describe('batched reads', () => {
  it('begins at once while there is a statement to spare, and lets what comes meanwhile share the next', async () => {
    const { begun, read, settle } = harness();
    const all = Promise.all(['a', 'b', 'c', 'd', 'none', 'c'].map((id) => read('acme', id)));
    expect(begun.map(({ ids }) => ids)).toEqual([['a'], ['b']]);
    await settle();
    expect(await all).toEqual(['acme/a', 'acme/b', 'acme/c', 'acme/d', undefined, 'acme/c']);
    expect(begun.map(({ ids }) => ids)).toEqual([['a'], ['b'], ['c', 'd', 'none']]);
  });

  it('never joins a statement that has begun: a later read of the same id is a statement of its own', async () => {
    const { begun, read, settle } = harness();
    const all = Promise.all([read('acme', 'a'), read('acme', 'a')]);
    expect(begun.map(({ ids }) => ids)).toEqual([['a'], ['a']]);
    await settle();
    await all;
  });

  it('keeps tenants in statements of their own, in turn, however much one of them asks', async () => {
    const { begun, read, settle } = harness();
    const many = Array.from({ length: 200 }, (_, index) => read('acme', `a${index}`));
    const other = read('globex', 'x');
    const all = Promise.all([...many, other]);
    await settle();
    expect(await other).toBe('globex/x');
    await all;
    expect(begun.map(({ group, ids }) => [group, ids.length])).toEqual([
      ['acme', 1],
      ['acme', 1],
      ['acme', 64],
      ['globex', 1],
      ['acme', 64],
      ['acme', 64],
      ['acme', 6],
    ]);
  });

  it('tells everybody of a batch that its statement failed, and goes on', async () => {
    const { begun, read, settle } = harness();
    const first = read('acme', 'a');
    begun[0]?.fail();
    await expect(first).rejects.toThrow('lost');
    const second = read('acme', 'a');
    await settle();
    expect(await second).toBe('acme/a');
  });
});
