import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PlacementPolicy } from '#domain';
import { applyDecision, type Decision, decide } from '../decide.js';
import type { ClusterState } from '../fleet/cluster-state.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, room } from '../testing/fleet.fixture.js';
import { apportion } from './apportion.js';

const place = (id: string, region: string, zone: string, cores: number): ClusterState =>
  aCluster(id, { region, zone, allocatable: room(cores, 1000) });
const placed = (clusters: readonly ClusterState[], replicas: number, policy: Partial<PlacementPolicy>): Decision =>
  decide(
    aRequest([aGroup([aComponent('web', { replicas })], { division: 'weighted', ...policy })]),
    fleetOf(...clusters),
  );
const counts = ({ allotments }: Decision): Record<string, number> =>
  Object.fromEntries(allotments.map(({ cluster, replicas }) => [cluster, replicas]));

const regions = { by: 'region', weights: { eu: 60, us: 40 } };
const zones = { by: 'zone', weights: { 'eu-1': 1, 'eu-2': 2, 'us-1': 1 } };
const world = [
  place('a1', 'eu', 'eu-1', 20),
  place('a2', 'eu', 'eu-2', 20),
  place('b1', 'us', 'us-1', 20),
  place('b2', 'us', 'us-1', 20),
];

describe('a weighted division', () => {
  it('goes by region, then by the zones of each, then by room, and writes the arithmetic down', () => {
    const decision = placed(world, 15, { weights: [regions, zones] });
    expect(counts(decision)).toEqual({ a1: 3, a2: 6, b1: 3, b2: 3 });
    expect(decision.record.groups[0]?.division).toEqual([
      '15 replicas of web by region (eu 60, us 40) → eu 9 + us 6',
      'eu: 9 by zone (eu-1 1, eu-2 2) → eu-1 3 + eu-2 6',
      'us: 6 by zone (us-1 1) → us-1 6',
      '15 replicas of web over 4 clusters → a1 3 + a2 6 + b1 3 + b2 3',
    ]);
  });

  it('treats all values alike where none is named', () => {
    expect(counts(placed(world, 12, { weights: [{ by: 'region', weights: {} }, zones] }))).toEqual({
      ...{ a1: 2, a2: 4, b1: 3, b2: 3 },
    });
  });

  it('gives nothing to who has no weight', () => {
    const decision = placed(world, 4, { weights: [{ by: 'region', weights: { eu: 0, us: 3 } }] });
    expect(counts(decision)).toEqual({ b1: 2, b2: 2 });
    expect(decision.record.groups[0]?.clusters[0]).toMatchObject({
      filter: 'Domains',
      refusal: { reason: 'NoWeight', facts: { by: 'region', value: 'eu', weights: 'eu 0, us 3' } },
    });
  });

  it('reaches a region though all clusters of another one score higher', () => {
    const busy = { reserved: room(15, 0, 0) };
    const fleet = [...world.slice(0, 2), { ...world[2], ...busy }, { ...world[3], ...busy }] as ClusterState[];
    const decision = placed(fleet, 2, { weights: [{ by: 'region', weights: { eu: 1, us: 1 } }] });
    expect(Object.keys(counts(decision)).filter((id) => id.startsWith('b')).length).toBe(1);
  });

  it('passes on what a region has no room for', () => {
    const fleet = [place('a1', 'eu', 'eu-1', 20), place('b1', 'us', 'us-1', 2)];
    const decision = placed(fleet, 10, { weights: [regions] });
    expect(counts(decision)).toEqual({ a1: 8, b1: 2 });
    expect(decision.record.groups[0]?.division[0]).toBe('10 replicas of web by region (eu 60, us 40) → eu 8 + us 2');
  });

  it('lets the method be chosen', () => {
    const fleet = ['a', 'b', 'c'].map((id) => place(id, id, '', 20));
    const weights = [{ by: 'region', weights: { a: 6, b: 6, c: 2 } }];
    expect(counts(placed(fleet, 10, { weights }))).toEqual({ a: 4, b: 4, c: 2 });
    expect(counts(placed(fleet, 10, { weights, remainderMethod: 'webster' }))).toEqual({ a: 5, b: 4, c: 1 });
  });

  it('keeps a spread beside the weights', () => {
    const spread = [{ by: 'zone', minDomains: 3, maxDomains: 0, maxSkew: 0 }];
    const weights = [{ by: 'region', weights: { eu: 2, us: 1 } }];
    expect(counts(placed(world, 3, { weights, spread }))).toEqual({ a1: 1, a2: 1, b1: 1 });
  });

  it('stays whole in each cluster for linked components', () => {
    const group = aGroup([aComponent('web', { replicas: 10 }), aComponent('api', { replicas: 2 })], {
      ...{ division: 'weighted', weights: [{ by: 'region', weights: { eu: 9, us: 1 } }] },
    });
    const { allotments } = decide(aRequest([group]), fleetOf(...world));
    for (const { replicas } of allotments) expect(replicas).toBeGreaterThanOrEqual(1);
    expect(new Set(allotments.map(({ cluster }) => cluster)).size * 2).toBe(allotments.length);
  });
});

const fleet = fc
  .array(fc.record({ region: fc.constantFrom('eu', 'us', 'ap'), zone: fc.constantFrom('1', '2'), cores: fc.nat(6) }), {
    ...{ minLength: 1, maxLength: 6 },
  })
  .map((drawn) => drawn.map(({ region, zone, cores }, at) => place(`c${at}`, region, `${region}-${zone}`, cores)));
const weight = fc.integer({ min: 1, max: 9 });

describe('any weights', () => {
  it('are kept to the replica where every region has the room; else all that fits is placed', () => {
    const property = fc.property(
      fleet,
      fc.record({ eu: weight, us: weight, ap: weight }),
      fc.integer({ min: 1, max: 10 }),
      fc.constantFrom('largest-remainder' as const, 'webster' as const),
      (clusters, weights, replicas, remainderMethod) => {
        const policy = { division: 'weighted' as const, weights: [{ by: 'region', weights }], remainderMethod };
        const group = aGroup([aComponent('web', { replicas, perReplica: aPod(1000, 1) })], policy);
        const snapshot = fleetOf(...clusters);
        const decision = decide(aRequest([group]), snapshot);
        const free = (region: string): number =>
          clusters.reduce((sum, each) => sum + (each.region === region ? each.allocatable.mcpu / 1000 : 0), 0);
        const names = (['ap', 'eu', 'us'] as const).filter((region) => free(region) > 0);
        const caps = names.map(free);
        expect(decision.placed).toBe(caps.reduce((sum, cap) => sum + cap, 0) >= replicas);
        if (!decision.placed) return;
        const given = names.map((name) =>
          decision.allotments
            .filter(({ cluster }) => clusters.some(({ id, region }) => id === cluster && region === name))
            .reduce((sum, each) => sum + each.replicas, 0),
        );
        const shares = names.map((name) => weights[name]);
        expect(given).toEqual(apportion(replicas, shares, caps, remainderMethod));
        applyDecision(snapshot, decision);
        expect(counts(decide(aRequest([group], decision.allotments), snapshot))).toEqual(counts(decision));
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });
});
