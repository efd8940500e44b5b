import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Ids, type Resources, timesResources } from '#domain';
import type { placementStore } from '#store';
import { excess, nextReservations, reservedBy } from './reservations.js';

function counting(): Ids {
  let count = 0;
  return { uuid: () => `${count++}`, shortId: () => 'x', secret: () => new Uint8Array() };
}

const pod = (mcpu: number, memoryBytes: number): Resources => ({ mcpu, memoryBytes, pods: 1 });
const need = (replicas: number, perReplica: Resources) => ({
  replicas,
  perReplica,
  amount: timesResources(perReplica, replicas),
});
const at = (generation: bigint) => ({ sequence: generation * 10n, generation });

describe('nextReservations', () => {
  it('holds more when a component grows, and releases the difference when it shrinks', () => {
    const ids = counting();
    const three = nextReservations([], need(3, pod(500, 100)), at(1n), ids);
    expect(three).toMatchObject([{ state: 'held', replicas: 3, amount: { mcpu: 1500 }, workSequence: 10n }]);
    const five = nextReservations(three, need(5, pod(500, 100)), at(2n), ids);
    expect(five).toMatchObject([{ state: 'held', replicas: 5, amount: { mcpu: 2500 }, workSequence: 20n }]);
    const two = nextReservations(five, need(2, pod(500, 100)), at(3n), ids);
    expect(two).toMatchObject([
      { state: 'held', replicas: 2, amount: { mcpu: 1000 }, workSequence: 20n },
      { state: 'releasing', replicas: 3, amount: { mcpu: 1500, memoryBytes: 300, pods: 3 }, workGeneration: 3n },
    ]);
    expect(new Set([...five, ...two].map(({ id }) => id)).size).toBe(2);
  });

  it('releases all of a component that is to be gone', () => {
    const ids = counting();
    const before = nextReservations([], need(3, pod(500, 100)), at(1n), ids);
    expect(nextReservations(before, undefined, at(2n), ids)).toMatchObject([
      { state: 'releasing', replicas: 3, amount: { mcpu: 1500, memoryBytes: 300, pods: 3 }, workGeneration: 2n },
    ]);
  });

  it('holds what was being released again when it is wanted again', () => {
    const ids = counting();
    const before = nextReservations([], need(3, pod(500, 100)), at(1n), ids);
    const gone = nextReservations(before, undefined, at(2n), ids);
    expect(nextReservations(gone, need(3, pod(500, 100)), at(3n), ids)).toMatchObject([
      { state: 'held', replicas: 3, amount: { mcpu: 1500 } },
    ]);
  });

  it('frees nothing, holds exactly what is needed, and reserves no more than the larger of before and after', () => {
    const step = fc.option(fc.tuple(fc.nat(6), fc.nat(400), fc.nat(400)), { nil: undefined });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const ids = counting();
        let now: placementStore.Reservation[] = [];
        let generation = 0n;
        for (const each of steps) {
          generation += 1n;
          const wanted = each === undefined ? undefined : need(each[0], pod(each[1], each[2]));
          const before = reservedBy(now);
          const next = nextReservations(now, wanted, at(generation), ids);
          const after = reservedBy(next);
          for (const resource of ['mcpu', 'memoryBytes', 'pods'] as const)
            expect(after[resource]).toBe(Math.max(before[resource], wanted?.amount[resource] ?? 0));
          expect(next.filter(({ state }) => state === 'held').map(({ amount }) => amount)).toEqual(
            wanted === undefined ? [] : [wanted.amount],
          );
          expect(next.filter(({ state }) => state === 'releasing').length).toBeLessThanOrEqual(1);
          expect(new Set(next.map(({ id }) => id)).size).toBe(next.length);
          now = next;
        }
      }),
    );
  });

  it('never counts below nothing', () => {
    expect(excess(pod(1, 5), pod(2, 3))).toEqual({ mcpu: 0, memoryBytes: 2, pods: 0 });
  });
});
