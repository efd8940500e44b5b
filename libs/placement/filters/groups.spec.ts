import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClusterGroup, PlacementPolicy } from '#domain';
import { applyDecision, type Decision, decide } from '../decide.js';
import type { ClusterState } from '../fleet/cluster-state.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, room } from '../testing/fleet.fixture.js';

const place = (id: string, region: string, cores: number): ClusterState =>
  aCluster(id, { region, allocatable: room(cores, 1000) });
const placed = (
  clusters: readonly ClusterState[],
  replicas: number,
  policy: Partial<PlacementPolicy>,
  previous: Decision['allotments'] = [],
): Decision => decide(aRequest([aGroup([aComponent('web', { replicas })], policy)], previous), fleetOf(...clusters));
const counts = ({ allotments }: Decision): Record<string, number> =>
  Object.fromEntries(allotments.map(({ cluster, replicas }) => [cluster, replicas]));

const group = (regions: string[]): ClusterGroup => ({ clusters: [], regions, zones: [], providers: [], labels: {} });
const clusterGroups = [group(['eu']), group(['us']), group([])];
const world = [place('a1', 'eu', 4), place('a2', 'eu', 2), place('b1', 'us', 10), place('c1', 'ap', 30)];

describe('groups with fallback', () => {
  it('use the first group that takes everything', () => {
    expect(counts(placed(world, 6, { clusterGroups }))).toEqual({ a1: 4, a2: 2 });
    expect(counts(placed(world, 8, { clusterGroups }))).toEqual({ b1: 8 });
    expect(placed(world, 8, { clusterGroups }).record.groups[0]?.division).toEqual([
      '8 replicas of web → b1 8',
      'group 2 of 3, 1 cluster eligible',
    ]);
    expect(placed(world, 40, { clusterGroups }).placed).toBe(true);
  });

  it('say of each group why it takes nothing', () => {
    const [refused] = placed(world, 20, { clusterGroups: [group(['eu']), group(['us']), group(['sa'])] }).refused;
    expect(refused?.refusal).toEqual({
      reason: 'NoGroupTakesAll',
      facts: {
        'group 1': 'NotEnoughCapacity (component web, replicas 20, fitting 6, clusters 2)',
        'group 2': 'NotEnoughCapacity (component web, replicas 20, fitting 10, clusters 1)',
        'group 3': 'no eligible cluster',
        Groups: '1',
      },
    });
    expect(refused?.wakeOn).toEqual(['cluster.capacity', 'cluster.ready', 'cluster.registered', 'cluster.relabelled']);
  });

  it('leave what is held in its group though an earlier one has room again', () => {
    const first = placed(world, 8, { clusterGroups });
    const grown = [place('a1', 'eu', 20), ...world.slice(1)];
    expect(counts(placed(grown, 8, { clusterGroups }, first.allotments))).toEqual({ b1: 8 });
  });

  it('turn clusters away that are in none', () => {
    const { record } = placed(world, 1, { clusterGroups: clusterGroups.slice(0, 2) });
    expect(record.groups[0]?.clusters.at(-1)).toMatchObject({ filter: 'Groups', refusal: { reason: 'InNoGroup' } });
  });

  it('go with weights and spreads, within the group', () => {
    const weights = [{ by: 'cluster', weights: {} }];
    expect(counts(placed(world, 4, { clusterGroups, division: 'weighted', weights }))).toEqual({ a1: 2, a2: 2 });
  });
});

describe('groups with overflow', () => {
  const policy = { clusterGroups, clusterGroupMode: 'overflow' as const };

  it('fill the first group before the next one gets anything', () => {
    expect(counts(placed(world, 5, policy))).toEqual({ a1: 3, a2: 2 });
    const decision = placed(world, 12, policy);
    expect(counts(decision)).toEqual({ a1: 4, a2: 2, b1: 6 });
    expect(decision.record.groups[0]?.division).toEqual([
      '12 replicas of web by group → group 1 6 + group 2 6',
      '12 replicas of web over 3 clusters → a1 4 + a2 2 + b1 6',
    ]);
    expect(counts(placed(world, 20, policy))).toEqual({ a1: 4, a2: 2, b1: 10, c1: 4 });
  });

  it('say how much fits in all groups', () => {
    expect(placed(world, 60, policy).refused[0]?.refusal).toMatchObject({
      reason: 'NotEnoughCapacity',
      facts: { replicas: '60', fitting: '46' },
    });
  });

  it('skip a group that has no eligible cluster', () => {
    expect(counts(placed(world.slice(2), 12, policy))).toEqual({ b1: 10, c1: 2 });
  });

  it('place exactly when all groups together have the room, never skip room of an earlier one, move nothing', () => {
    const fleet = fc.array(fc.tuple(fc.constantFrom('eu', 'us', 'ap'), fc.nat(5)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fleet,
        fc.integer({ min: 1, max: 14 }),
        fc.constantFrom('divided', 'packed'),
        (drawn, replicas, division) => {
          const clusters = drawn.map(([region, cores], at) => place(`c${at}`, region, cores));
          const request = aGroup([aComponent('web', { replicas, perReplica: aPod(1000, 1) })], { ...policy, division });
          const snapshot = fleetOf(...clusters);
          const decision = decide(aRequest([request]), snapshot);
          const free = (region: string): number =>
            drawn.reduce((sum, [own, cores]) => sum + (own === region ? cores : 0), 0);
          const given = (region: string): number =>
            decision.allotments.reduce((sum, { cluster, replicas: count }) => {
              return sum + (clusters.some(({ id, region: own }) => id === cluster && own === region) ? count : 0);
            }, 0);
          expect(decision.placed).toBe(free('eu') + free('us') + free('ap') >= replicas);
          if (!decision.placed) return;
          expect(given('eu')).toBe(Math.min(free('eu'), replicas));
          expect(given('us')).toBe(Math.min(free('us'), replicas - given('eu')));
          applyDecision(snapshot, decision);
          expect(counts(decide(aRequest([request], decision.allotments), snapshot))).toEqual(counts(decision));
        },
      ),
      { numRuns: 1500 },
    );
  });
});
