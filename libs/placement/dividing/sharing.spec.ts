import fc from 'fast-check';
import { expect, it } from 'vitest';
import { inOrder, sum, weighedShares } from './sharing.js';

const parts = fc.array(
  fc.record({ weight: fc.nat(9), least: fc.nat(2), held: fc.nat(6) }).map(({ weight, least, held }) => ({
    ...{ weight, least, held: Math.max(least, held), most: 12 },
  })),
  { minLength: 1, maxLength: 6 },
);

/** By trying every set of parts. */
function fewestThatGive(spare: readonly number[], surplus: number): number {
  let fewest = Number.POSITIVE_INFINITY;
  for (let set = 0; set < 2 ** spare.length; set++) {
    const chosen = spare.filter((_, at) => Math.floor(set / 2 ** at) % 2 === 1);
    if (sum(chosen) >= surplus) fewest = Math.min(fewest, chosen.length);
  }
  return fewest;
}

it.each(['by weight', 'in order'])(
  'scaling down %s touches as few clusters as can give it, and scales none up',
  (how) => {
    fc.assert(
      fc.property(parts, fc.nat(20), (held, less) => {
        const counts = held.map((part) => part.held);
        const spare = held.map((part) => part.held - part.least);
        const surplus = Math.min(less, sum(spare));
        const seats = sum(counts) - surplus;
        const after = how === 'in order' ? inOrder(seats, held) : weighedShares(seats, held).counts;
        expect(sum(after)).toBe(seats);
        for (const [at, count] of after.entries()) {
          expect(count).toBeLessThanOrEqual(counts[at] ?? 0);
          expect(count).toBeGreaterThanOrEqual(held[at]?.least ?? 0);
        }
        const touched = after.filter((count, at) => count !== counts[at]).length;
        expect(touched).toBe(fewestThatGive(spare, surplus));
      }),
      { numRuns: 1000 },
    );
  },
);

it('scaling up takes nothing from anybody', () => {
  fc.assert(
    fc.property(parts, fc.nat(20), (held, more) => {
      const room = sum(held.map((part) => part.most - part.held));
      const seats = sum(held.map((part) => part.held)) + Math.min(more, room);
      for (const after of [inOrder(seats, held), weighedShares(seats, held).counts])
        for (const [at, count] of after.entries()) expect(count).toBeGreaterThanOrEqual(held[at]?.held ?? 0);
    }),
    { numRuns: 1000 },
  );
});
