import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PlacementPolicy } from '#domain';
import { applyDecision, decide } from './decide.js';
import type { Snapshot } from './fleet/snapshot.js';
import type { GroupRequest } from './request.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, room } from './testing/fleet.fixture.js';

const cluster = (id: string) =>
  fc
    .record({
      cores: fc.integer({ min: 0, max: 8 }),
      nodes: fc.integer({ min: 0, max: 4 }),
      region: fc.constantFrom('eu', 'us'),
    })
    .map(({ cores, nodes, region }) => {
      const allocatable = room(cores, cores * 2);
      const free = room(Math.floor(cores / Math.max(1, nodes)), Math.floor((cores * 2) / Math.max(1, nodes)));
      return aCluster(id, {
        ...{ allocatable, region },
        classes: nodes === 0 ? [] : [{ nodes, free, architecture: 'amd64', taints: [] }],
      });
    });

const group = (at: number): fc.Arbitrary<GroupRequest> =>
  fc
    .record({
      linked: fc.integer({ min: 1, max: 2 }),
      replicas: fc.integer({ min: 1, max: 5 }),
      mcpu: fc.constantFrom(100, 500, 1000, 2500),
      division: fc.constantFrom<PlacementPolicy['division']>('divided', 'packed', 'duplicated'),
      regions: fc.constantFrom<string[]>([], [], ['eu']),
    })
    .map(({ linked, replicas, mcpu, division, regions }) =>
      aGroup(
        Array.from({ length: linked }, (_, index) =>
          aComponent(`c${at}-${index}`, { replicas, perReplica: aPod(mcpu, 256) }),
        ),
        { division, regions },
      ),
    );

const fleet = fc.tuple(cluster('c1'), cluster('c2'), cluster('c3'));
const application = fc
  .integer({ min: 1, max: 4 })
  .chain((count) => fc.tuple(...[0, 1, 2, 3].slice(0, count).map(group)));

const figuresOf = (snapshot: Snapshot): number[][] => snapshot.slots.map((slot) => snapshot.freeOf(slot));

it('places an application whole or not at all, and one that is refused takes nothing from the next', () => {
  let [whole, none] = [0, 0];
  fc.assert(
    fc.property(fleet, fc.array(application, { minLength: 1, maxLength: 4 }), (clusters, applications) => {
      const snapshot = fleetOf(...clusters);
      for (const groups of applications) {
        const before = figuresOf(snapshot);
        const decision = decide(aRequest(groups), snapshot);
        expect(figuresOf(snapshot)).toEqual(before);
        applyDecision(snapshot, decision);
        if (!decision.placed) {
          none += 1;
          expect([decision.allotments, decision.additions, decision.foreseen]).toEqual([[], [], []]);
          expect(decision.refused.length).toBeGreaterThan(0);
          expect(figuresOf(snapshot)).toEqual(before);
          // Alone, or with whoever else: some group of it has no place.
          expect(
            decision.record.groups.every((each) => each.clusters.every(({ outcome }) => outcome !== 'chosen')),
          ).toBe(true);
          continue;
        }
        whole += 1;
        for (const { components, policy } of groups)
          for (const { name, replicas } of components) {
            const given = decision.allotments.filter(({ component }) => component === name);
            expect(given.length).toBeGreaterThan(0);
            if (policy.division === 'duplicated') for (const each of given) expect(each.replicas).toBe(replicas);
            else expect(given.reduce((sum, each) => sum + each.replicas, 0)).toBe(replicas);
          }
        for (const figures of figuresOf(snapshot)) for (const free of figures) expect(free).toBeGreaterThanOrEqual(0);
      }
    }),
    { numRuns: 2000 },
  );
  expect(Math.min(whole, none)).toBeGreaterThan(500);
});
