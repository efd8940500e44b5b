import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aCluster, fleetOf } from '../testing/fleet.fixture.js';
import { Ranking } from './ranking.js';

const id = (at: number): string => `c${String(at).padStart(4, '0')}`;
const fleets = new Map(
  [1, 15, 16, 17, 127, 129, 300].map((size) => [
    size,
    fleetOf(...Array.from({ length: size }, (_, at) => aCluster(id(at)))),
  ]),
);

describe('a ranking', () => {
  it('is by total, then by id, however far it is looked at and in whatever steps', () => {
    const shape = fc.constantFrom(...fleets.keys()).chain((size) =>
      fc.record({
        size: fc.constant(size),
        totals: fc.array(fc.nat(40), { minLength: size, maxLength: size }),
        refused: fc.array(fc.nat(size - 1), { maxLength: size }),
        looks: fc.array(fc.tuple(fc.nat(size), fc.nat(size)), { maxLength: 4 }),
      }),
    );
    fc.assert(
      fc.property(shape, ({ size, totals, refused, looks }) => {
        const fleet = fleets.get(size);
        if (fleet === undefined) throw new Error(`no fleet of ${size}`);
        const admitted = [...totals.keys()].filter((place) => !refused.includes(place));
        const expected = [...admitted].sort((a, b) => (totals[b] ?? 0) - (totals[a] ?? 0) || a - b).map(id);
        const ranking = new Ranking(
          fleet,
          Int32Array.from(admitted, (place) => totals[place] ?? 0),
          Int32Array.from(admitted),
        );
        for (const [start, end] of looks)
          expect(ranking.slice(start, end).map(({ cluster }) => cluster.id)).toEqual(expected.slice(start, end));
        expect([...ranking].map(({ cluster }) => cluster.id)).toEqual(expected);
        expect(ranking.map(({ cluster }) => cluster.id)).toEqual(expected);
        expect(ranking.length).toBe(expected.length);
      }),
      { numRuns: 500 },
    );
  });
});
