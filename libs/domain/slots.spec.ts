import { expect, it } from 'vitest';
import { Slots } from './slots.js';

it('lets so many go on at a time, in the order in which they came, and the next when one fails', async () => {
  const slots = new Slots(2);
  const begun: number[] = [];
  const ends = new Map<number, (error?: Error) => void>();
  const work = (id: number) =>
    slots.within(
      () =>
        new Promise<number>((resolve, reject) => {
          begun.push(id);
          ends.set(id, (error) => (error === undefined ? resolve(id) : reject(error)));
        }),
    );
  const [first, second, third, fourth] = [1, 2, 3, 4].map(work);
  expect(begun).toEqual([1, 2]);
  ends.get(2)?.(new Error('lost'));
  await expect(second).rejects.toThrow('lost');
  expect(begun).toEqual([1, 2, 3]);
  ends.get(1)?.();
  expect(await first).toBe(1);
  expect(begun).toEqual([1, 2, 3, 4]);
  ends.get(3)?.();
  ends.get(4)?.();
  expect(await Promise.all([third, fourth])).toEqual([3, 4]);
  const fifth = work(5);
  expect(begun).toEqual([1, 2, 3, 4, 5]);
  ends.get(5)?.();
  await fifth;
});
