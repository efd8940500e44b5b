import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apportion } from './apportion.js';

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

describe('apportion', () => {
  it('gives by largest remainder', () => {
    expect(apportion(6, [500, 300, 200], [6, 6, 6])).toEqual([3, 2, 1]);
    expect(apportion(10, [5, 3, 1], [10, 10, 10])).toEqual([6, 3, 1]);
  });

  it('passes on what a cap leaves over', () => {
    expect(apportion(9, [8, 1, 1], [3, 9, 9])).toEqual([3, 3, 3]);
  });

  it('goes by room when nobody has weight', () => {
    expect(apportion(4, [0, 0], [3, 1])).toEqual([3, 1]);
    expect(apportion(5, [7, 0], [2, 9])).toEqual([2, 3]);
  });

  it('gives every seat that the caps allow, and none beyond a cap', () => {
    const place = fc.record({ weight: fc.nat(1000), cap: fc.nat(50) });
    fc.assert(
      fc.property(fc.nat(200), fc.array(place, { maxLength: 12 }), (seats, places) => {
        const caps = places.map(({ cap }) => cap);
        const given = apportion(
          seats,
          places.map(({ weight }) => weight),
          caps,
        );
        expect(sum(given)).toBe(Math.min(seats, sum(caps)));
        given.forEach((count, at) => {
          expect(Number.isInteger(count) && count >= 0 && count <= (caps[at] ?? 0)).toBe(true);
        });
      }),
    );
  });

  it('stays within one seat of the exact share while no cap binds', () => {
    fc.assert(
      fc.property(
        fc.nat(200),
        fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 12 }),
        (seats, weights) => {
          const given = apportion(
            seats,
            weights,
            weights.map(() => seats),
          );
          given.forEach((count, at) => {
            expect(Math.abs(count - (seats * (weights[at] ?? 0)) / sum(weights))).toBeLessThan(1);
          });
        },
      ),
    );
  });
});
