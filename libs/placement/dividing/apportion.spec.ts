import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apportion, type Remainders } from './apportion.js';

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

const uncapped = (seats: number, weights: readonly number[], method: Remainders): number[] =>
  apportion(
    seats,
    weights,
    weights.map(() => seats),
    method,
  );

/** Whether somebody lost a seat and grew by more than somebody who won one. */
const lostTo = (
  before: readonly number[],
  after: readonly number[],
  seatsBefore: readonly number[],
  seatsAfter: readonly number[],
): boolean =>
  before.some((mine, at) => {
    if ((seatsAfter[at] ?? 0) >= (seatsBefore[at] ?? 0)) return false;
    return before.some((its, other) => {
      const grewMore = (after[at] ?? 0) * its > (after[other] ?? 0) * mine;
      return (seatsAfter[other] ?? 0) > (seatsBefore[other] ?? 0) && grewMore;
    });
  });

describe('the paradoxes of apportionment', () => {
  // One more seat: the smallest loses one.
  const alabama = { weights: [6, 6, 2], before: 10, after: 11 };

  it('Alabama: largest remainder takes a seat from somebody when there is one more, Webster does not', () => {
    const { weights, before, after } = alabama;
    expect(uncapped(before, weights, 'largest-remainder')).toEqual([4, 4, 2]);
    expect(uncapped(after, weights, 'largest-remainder')).toEqual([5, 5, 1]);
    expect(uncapped(before, weights, 'webster')).toEqual([5, 4, 1]);
    expect(uncapped(after, weights, 'webster')).toEqual([5, 5, 1]);
  });

  it('population: largest remainder can take a seat from who grew for who grew less, Webster does not', () => {
    // The second grew by 13.5 %, the first by 11.4 %.
    const [before, after] = [
      [438, 104, 220],
      [488, 118, 229],
    ];
    const [a, b] = [uncapped(25, before, 'largest-remainder'), uncapped(25, after, 'largest-remainder')];
    expect([a, b]).toEqual([
      [14, 4, 7],
      [15, 3, 7],
    ]);
    expect(lostTo(before, after, a, b)).toBe(true);
    expect(lostTo(before, after, uncapped(25, before, 'webster'), uncapped(25, after, 'webster'))).toBe(false);
  });

  it('new states: a newcomer with its fair seats shifts one between others by largest remainder, not by Webster', () => {
    // Balinski and Young: Oklahoma joined in 1907 with five seats, and New York lost one to Maine.
    const [without, joined] = [
      [1045, 8955],
      [1045, 8955, 525],
    ];
    expect(uncapped(100, without, 'largest-remainder')).toEqual([10, 90]);
    expect(uncapped(105, joined, 'largest-remainder')).toEqual([11, 89, 5]);
    expect(uncapped(100, without, 'webster')).toEqual([10, 90]);
    expect(uncapped(105, joined, 'webster')).toEqual([10, 90, 5]);
  });

  it('Webster never shows one of them, whatever the weights', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(weights, weights, fc.nat(200), (before, after, seats) => {
        const given = uncapped(seats, before, 'webster');
        const more = uncapped(seats + 1, before, 'webster');
        given.forEach((count, at) => {
          expect(more[at]).toBeGreaterThanOrEqual(count);
        });
        const size = Math.min(before.length, after.length);
        const [one, other] = [before.slice(0, size), after.slice(0, size)];
        expect(lostTo(one, other, uncapped(seats, one, 'webster'), uncapped(seats, other, 'webster'))).toBe(false);
        const [first = 0, ...others] = given;
        expect(uncapped(seats - first, before.slice(1), 'webster')).toEqual(others);
      }),
    );
  });

  it('Webster hands out one by one what it hands out at once, within caps', () => {
    const place = fc.record({ weight: fc.integer({ min: 1, max: 1000 }), cap: fc.nat(60) });
    fc.assert(
      fc.property(fc.nat(300), fc.array(place, { minLength: 1, maxLength: 10 }), (seats, places) => {
        const [weights, caps] = [places.map(({ weight }) => weight), places.map(({ cap }) => cap)];
        const given = weights.map(() => 0);
        for (let left = Math.min(seats, sum(caps)); left > 0; left--) {
          const open = places.map((_, at) => at).filter((at) => (given[at] ?? 0) < (caps[at] ?? 0));
          const claim = (at: number) => (weights[at] ?? 0) / (2 * (given[at] ?? 0) + 1);
          open.sort((a, b) => claim(b) - claim(a) || (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
          const next = open[0] ?? 0;
          given[next] = (given[next] ?? 0) + 1;
        }
        expect(apportion(seats, weights, caps, 'webster')).toEqual(given);
      }),
    );
  });
});
