import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decide } from '../decide.js';
import type { PlacementRequest } from '../request.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, room } from '../testing/fleet.fixture.js';
import type { Snapshot } from './snapshot.js';

type Change = (fleet: Snapshot) => void;

const aFleet = (): Snapshot => fleetOf(...['a', 'b', 'c', 'd', 'e'].map((id) => aCluster(id)));

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const cores = fc.nat(10);

function reserve(fleet: Snapshot, cluster: string, mcpu: number): void {
  const slot = fleet.slotOf(cluster);
  if (slot !== undefined) fleet.reserve(slot, { mcpu, memoryBytes: mcpu * 2 ** 20, pods: 1 });
}

/** More changes than the figures' log remembers, of which the first is what matters. */
const flood =
  (cluster: string, mcpu: number, times: number): Change =>
  (fleet) => {
    reserve(fleet, cluster, mcpu);
    for (let time = 0; time < times; time++) reserve(fleet, 'c', time % 2 === 0 ? 1 : -1);
  };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(id, cores).map(
    ([cluster, used]): Change =>
      (fleet) =>
        reserve(fleet, cluster, used * 700),
  ),
  fc.tuple(id, cores, fc.nat(3), fc.boolean()).map(
    ([cluster, used, price, isReady]): Change =>
      (fleet) =>
        fleet.upsert(
          aCluster(cluster, {
            reserved: room(used, used),
            measured: room(used, 0),
            measureFresh: used % 2 === 0,
            phase: isReady ? 'ready' : 'unreachable',
            price: { coreHourMicros: price * 1000, gibHourMicros: 1 },
          }),
        ),
  ),
  id.map(
    (cluster): Change =>
      (fleet) =>
        fleet.remove(cluster),
  ),
  fc
    .tuple(id, cores, fc.constantFrom(900, 1023, 1024, 2500))
    .map(([cluster, used, times]) => flood(cluster, used * 900, times)),
);

const request: fc.Arbitrary<PlacementRequest> = fc
  .tuple(fc.constantFrom(500, 1000, 4000), fc.nat(8), fc.constantFrom('headroom', 'balance'), fc.nat(2))
  .map(([mcpu, replicas, strategy, wish]) => {
    const component = aComponent('web', { replicas, perReplica: aPod(mcpu, 512) });
    const policy = { strategy: strategy as 'headroom' | 'balance', costWeight: wish === 1 ? 80 : 0 };
    return aRequest([aGroup([component], { ...policy, ...(wish === 2 ? { maxPriceMicros: 2500 } : {}) })]);
  });

it('a fleet that has been decided on before is decided on as one that was never looked at', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(change, request), { minLength: 1, maxLength: 25 }), (steps) => {
      const followed = aFleet();
      for (const [at, [apply, asked]] of steps.entries()) {
        apply(followed);
        const fresh = aFleet();
        for (const [earlier] of steps.slice(0, at + 1)) earlier(fresh);
        expect(decide(asked, followed).packed).toEqual(decide(asked, fresh).packed);
      }
    }),
    { numRuns: 150 },
  );
});
