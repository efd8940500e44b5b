import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlacementPolicy } from '#domain';
import { decide } from './decide.js';
import { aCluster, aComponent, aGroup, aRequest, fleetOf, room } from './testing/fleet.fixture.js';

/** A core each. */
const web = (replicas: number) => aComponent('web', { replicas });

/** `used`: cores of ten that others use, by cluster. What the application holds is among them. */
function again(
  used: Record<string, number>,
  held: Record<string, number>,
  policy: Partial<PlacementPolicy>,
  replicas?: number,
) {
  const fleet = fleetOf(
    ...Object.entries(used).map(([id, cores]) => aCluster(id, { reserved: room(cores, cores, cores) })),
  );
  const before = Object.values(held).reduce((sum, count) => sum + count, 0);
  const component = web(replicas ?? before);
  const previous = Object.entries(held).map(([cluster, count]) => ({
    ...{ component: 'web', cluster, replicas: count, perReplica: component.perReplica },
  }));
  const decision = decide(aRequest([aGroup([component], policy)], previous), fleet);
  const at = Object.fromEntries(decision.allotments.map(({ cluster, replicas: count }) => [cluster, count]));
  const moved = Object.entries(held).reduce(
    (sum, [cluster, count]) => sum + Math.max(0, count - (at[cluster] ?? 0)),
    0,
  );
  return { at, moved, lines: decision.record.groups[0]?.division ?? [] };
}

const one: Partial<PlacementPolicy> = { maxClusters: 1 };

describe('a move', () => {
  it('is not thought about where it has no price', () => {
    expect(again({ a: 9, b: 0 }, { a: 2 }, one)).toMatchObject({ at: { a: 2 }, moved: 0 });
  });

  it('is made where another cluster is better by its price, and says by how much', () => {
    const found = again({ a: 9, b: 0 }, { a: 2 }, { ...one, moveCost: 50 });
    expect(found).toMatchObject({ at: { b: 2 }, moved: 2 });
    expect(found.lines.at(-1)).toBe('2 replicas moved: better by 80 of 100 each, for a price of 50');
  });

  it('is not made for less, and says what it would have won', () => {
    const found = again({ a: 9, b: 0 }, { a: 2 }, { ...one, moveCost: 90 });
    expect(found).toMatchObject({ at: { a: 2 }, moved: 0 });
    expect(found.lines.at(-1)).toBe('2 replicas stay: elsewhere better by 80 of 100 each, below the price of 90');
  });

  it('is never made to a cluster that is no better, whatever it costs', () => {
    expect(again({ a: 3, b: 3 }, { a: 2 }, { ...one, moveCost: 0 })).toMatchObject({ at: { a: 2 }, moved: 0 });
  });

  it('is made in part where a division evens out', () => {
    const found = again({ a: 8, b: 0 }, { a: 6 }, { moveCost: 10 });
    expect(found.moved).toBeGreaterThan(0);
    expect(found.at.a).toBeGreaterThan(0);
  });

  it('that has to be made has no price', () => {
    expect(again({ a: 2, b: 0 }, { a: 2 }, { ...one, clusters: ['b'], moveCost: 100 })).toMatchObject({ at: { b: 2 } });
  });

  it('is made the less the more it costs; without a price, only where it must be', () => {
    const fleet = fc.record({ a: fc.nat(9), b: fc.nat(9), c: fc.nat(9) });
    const divisions = fc.constantFrom<PlacementPolicy['division']>('divided', 'packed');
    fc.assert(
      fc.property(fleet, fc.nat(4), fc.nat(4), divisions, fc.nat(3), (others, inA, inB, division, maxClusters) => {
        fc.pre(inA + inB > 0);
        const held = { ...(inA > 0 ? { a: inA } : {}), ...(inB > 0 ? { b: inB } : {}) };
        const used = { a: Math.min(10, others.a + inA), b: Math.min(10, others.b + inB), c: others.c };
        const movedAt = (moveCost?: number) =>
          again(used, held, { division, maxClusters, ...(moveCost === undefined ? {} : { moveCost }) }).moved;
        const moved = [0, 5, 20, 50, 100].map(movedAt);
        expect(moved).toEqual([...moved].sort((x, y) => y - x));
        expect(moved.at(-1)).toBeGreaterThanOrEqual(movedAt());
      }),
      { numRuns: 500 },
    );
  });
});
