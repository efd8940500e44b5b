import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anywhere, contradictions, type PlacementPolicy, type SpreadPolicy } from '#domain';
import { applyDecision, type Decision, decide } from '../decide.js';
import type { ClusterState } from '../fleet/cluster-state.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, room } from '../testing/fleet.fixture.js';
import { oracleFeasible, oracleSpread } from '../testing/oracle.fixture.js';

const cores = (count: number) => ({ allocatable: room(count, 100) });
const place = (id: string, region: string, zone: string, count: number, labels = {}): ClusterState =>
  aCluster(id, { region, zone, labels, ...cores(count) });
const by = (key: string, bounds: Partial<SpreadPolicy>): SpreadPolicy => ({
  ...{ by: key, minDomains: 0, maxDomains: 0, maxSkew: 0 },
  ...bounds,
});
const placed = (clusters: readonly ClusterState[], replicas: number, policy: Partial<PlacementPolicy>): Decision =>
  decide(aRequest([aGroup([aComponent('web', { replicas })], policy)]), fleetOf(...clusters));
const counts = ({ allotments }: Decision): Record<string, number> =>
  Object.fromEntries(allotments.map(({ cluster, replicas }) => [cluster, replicas]));

const world = [
  place('a1', 'eu', 'eu-1', 10),
  place('a2', 'eu', 'eu-2', 10),
  place('b1', 'us', 'us-1', 4),
  place('c1', 'ap', 'ap-1', 1),
];

describe('a spread', () => {
  it('takes replicas to as many domains as it must, though fewer have the room', () => {
    const decision = placed(world, 3, { division: 'packed', spread: [by('region', { minDomains: 3 })] });
    expect(Object.keys(counts(decision)).sort()).toEqual([expect.stringMatching(/^a/), 'b1', 'c1']);
  });

  it('keeps to as few domains as it may, those that have the room', () => {
    const decision = placed(world, 12, { spread: [by('region', { maxDomains: 1 })] });
    expect(counts(decision)).toEqual({ a1: 6, a2: 6 });
  });

  it('evens domains out, not clusters', () => {
    const decision = placed(world.slice(0, 3), 8, { spread: [by('region', { maxSkew: 1 })] });
    expect(counts(decision)).toEqual({ a1: 2, a2: 2, b1: 4 });
    expect(decision.record.groups[0]?.division).toEqual([
      '8 replicas of web by region, no two more than 1 apart → eu 4 + us 4',
      '8 replicas of web over 3 clusters → a1 2 + a2 2 + b1 4',
    ]);
  });

  it('leaves a domain out that is too small to be even with the others', () => {
    expect(counts(placed(world, 8, { spread: [by('region', { maxSkew: 1 })] }))).toEqual({ a1: 2, a2: 2, b1: 4 });
  });

  it('goes by free capacity within the skew', () => {
    expect(
      counts(
        placed([place('a', 'eu', '', 20), place('b', 'us', '', 4)], 8, { spread: [by('region', { maxSkew: 4 })] }),
      ),
    ).toEqual({ a: 6, b: 2 });
  });

  it('evens clusters themselves out', () => {
    const fleet = [place('a', 'eu', '', 20), place('b', 'us', '', 4)];
    expect(counts(placed(fleet, 8, { spread: [by('cluster', { maxSkew: 1 })] }))).toEqual({ a: 4, b: 4 });
  });

  it('counts clusters where each holds a whole copy', () => {
    const decision = placed(world, 1, {
      division: 'duplicated',
      spread: [by('region', { maxSkew: 1, maxDomains: 2 })],
    });
    expect(decision.allotments.length).toBe(3);
  });

  it('refuses with the numbers when there are too few domains', () => {
    const [refused] = placed(world, 4, { spread: [by('region', { minDomains: 4 })] }).refused;
    expect(refused).toEqual({
      components: ['web'],
      refusal: {
        reason: 'TooFewDomains',
        facts: { by: 'region', needed: '4', eligible: '3', found: 'eu, us, ap' },
      },
      wakeOn: ['cluster.capacity', 'cluster.ready', 'cluster.relabelled'],
    });
  });

  it('refuses with the room of each domain when no division keeps it', () => {
    const spread = [by('region', { minDomains: 3, maxSkew: 1 })];
    expect(placed(world, 8, { spread }).refused[0]?.refusal).toEqual({
      reason: 'SpreadNotMet',
      facts: {
        component: 'web',
        replicas: '8',
        clusters: '4',
        spread: 'region at least 3, skew 1',
        room: 'eu 16, us 4, ap 1',
      },
    });
  });

  it('says that there is no room at all before it speaks of the spread', () => {
    const spread = [by('region', { minDomains: 2 })];
    expect(placed(world, 30, { spread }).refused[0]?.refusal.reason).toBe('NotEnoughCapacity');
  });

  it('turns clusters away that are in no domain', () => {
    const fleet = [...world, place('none', '', '', 10)];
    const { record } = placed(fleet, 2, { spread: [by('region', { minDomains: 2 })] });
    expect(record.groups[0]?.clusters.find(({ cluster }) => cluster === 'none')).toMatchObject({
      filter: 'Domains',
      refusal: { reason: 'NoDomain', facts: { by: 'region' } },
    });
  });

  it('grows and shrinks where it is as long as that keeps it', () => {
    const policy = { spread: [by('region', { minDomains: 2, maxSkew: 1 })] };
    const fleet = fleetOf(...world);
    const group = (replicas: number) => [aGroup([aComponent('web', { replicas })], policy)];
    const first = decide(aRequest(group(2)), fleet);
    applyDecision(fleet, first);
    const grown = decide(aRequest(group(3), first.allotments), fleet);
    expect(Object.keys(counts(grown))).toEqual(Object.keys(counts(first)));
  });
});

describe('replicas per cluster', () => {
  const fleet = [place('a', 'eu', '', 20), place('b', 'us', '', 4), place('c', 'ap', '', 2)];

  it('are at least so many wherever there are some', () => {
    expect(counts(placed(fleet, 8, { minReplicas: 3 }))).toEqual({ a: 5, b: 3 });
    expect(placed(fleet, 8, { minReplicas: 3 }).record.groups[0]?.clusters[2]).toMatchObject({
      refusal: { reason: 'NotEnoughCapacity', facts: { component: 'web', asked: '3', free: '2000m' } },
    });
  });

  it('are at most so many, even where there is more room', () => {
    expect(counts(placed(fleet, 8, { maxReplicas: 4, division: 'packed' }))).toEqual({ a: 4, b: 4 });
    expect(placed(fleet, 12, { maxReplicas: 4 }).refused[0]?.refusal).toEqual({
      reason: 'NotEnoughCapacity',
      facts: { component: 'web', replicas: '12', fitting: '10', clusters: '3', maxReplicas: '4' },
    });
  });

  it('bound how many clusters a division by weight reaches', () => {
    const weights = [{ by: 'region', weights: { eu: 5, us: 3, ap: 1 } }];
    expect(counts(placed(fleet, 8, { division: 'weighted', weights, minReplicas: 2 }))).toEqual({ a: 5, b: 3 });
  });
});

const drawnSpread = fc.record({
  by: fc.constantFrom('region', 'zone', 'cluster', 'tier'),
  minDomains: fc.constantFrom(0, 0, 1, 2, 3),
  maxDomains: fc.constantFrom(0, 0, 1, 2, 3),
  maxSkew: fc.constantFrom(0, 0, 1, 2, 3),
});

const fleet = fc
  .array(
    fc.record({
      region: fc.constantFrom('eu', 'eu', 'us', 'ap', ''),
      zone: fc.constantFrom('1', '2'),
      tier: fc.constantFrom<Record<string, string>>({}, { tier: 'gold' }, { tier: 'iron' }),
      cores: fc.nat(5),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((drawn) =>
    drawn.map((each, at) => place(`c${at}`, each.region, `${each.region}-${each.zone}`, each.cores, each.tier)),
  );

const drawnPolicy = fc
  .record({
    spread: fc.uniqueArray(drawnSpread, { minLength: 0, maxLength: 2, selector: (each) => each.by }),
    division: fc.constantFrom<PlacementPolicy['division']>('divided', 'packed', 'duplicated'),
    minClusters: fc.constantFrom(0, 0, 2),
    maxClusters: fc.constantFrom(0, 0, 0, 2, 3),
    minReplicas: fc.constantFrom(undefined, undefined, 2, 3),
    maxReplicas: fc.constantFrom(undefined, undefined, 1, 2, 4),
  })
  .map((drawn): PlacementPolicy => ({ ...anywhere, ...drawn }));

/** Two keys with skew that cross: the one case where a division may be missed. */
const crosses = ({ spread = [] }: PlacementPolicy): boolean =>
  spread.some((one) => one.by === 'tier' && one.maxSkew > 0) &&
  spread.some((one) => ['region', 'zone'].includes(one.by) && one.maxSkew > 0);

describe('any spread over a small fleet', () => {
  it('is met exactly when brute force finds a division, moves nothing when asked again, and never lies', () => {
    fc.assert(
      fc.property(fleet, drawnPolicy, fc.integer({ min: 1, max: 8 }), (clusters, policy, replicas) => {
        fc.pre(contradictions(policy, [{ name: 'web', kind: 'service', replicas }]).length === 0);
        const group = aGroup([aComponent('web', { replicas, perReplica: aPod(1000, 1) })], policy);
        const snapshot = fleetOf(...clusters);
        const decision = decide(aRequest([group]), snapshot);
        const feasible = oracleFeasible(clusters, policy, aPod(1000, 1), replicas);
        if (!crosses(policy)) expect(decision.placed).toBe(feasible);
        if (!decision.placed) return;
        expect(feasible).toBe(true);
        const used = decision.allotments.flatMap(({ cluster, replicas: count }) =>
          clusters
            .filter(({ id }) => id === cluster)
            .map((each) => [each, policy.division === 'duplicated' ? 1 : count] as const),
        );
        expect(oracleSpread(used, policy)).toBe(true);
        for (const { replicas: count } of policy.division === 'duplicated' ? [] : decision.allotments) {
          expect(count).toBeGreaterThanOrEqual(Math.max(1, policy.minReplicas ?? 0));
          expect(count).toBeLessThanOrEqual(policy.maxReplicas ?? replicas);
        }
        applyDecision(snapshot, decision);
        expect(counts(decide(aRequest([group], decision.allotments), snapshot))).toEqual(counts(decision));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('linked components under any policy', () => {
  const parts = fc.array(
    fc.record({ replicas: fc.integer({ min: 1, max: 6 }), mcpu: fc.constantFrom(250, 500, 1000) }),
    {
      minLength: 2,
      maxLength: 3,
    },
  );

  it('are whole in each cluster, within its room, spread as the policy says, and stay when asked again', () => {
    fc.assert(
      fc.property(fleet, drawnPolicy, parts, (clusters, policy, drawn) => {
        const components = drawn.map(({ replicas, mcpu }, at) =>
          aComponent(`part-${at}`, { replicas, perReplica: aPod(mcpu, 1) }),
        );
        fc.pre(contradictions(policy, components).length === 0);
        const group = aGroup(components, policy);
        const snapshot = fleetOf(...clusters);
        const decision = decide(aRequest([group]), snapshot);
        if (!decision.placed) return;
        for (const { name, replicas } of components) {
          const own = decision.allotments.filter(({ component }) => component === name);
          const copies = policy.division === 'duplicated';
          const used = own.flatMap(({ cluster, replicas: count }) =>
            clusters.filter(({ id }) => id === cluster).map((each) => [each, copies ? 1 : count] as const),
          );
          expect(oracleSpread(used, policy)).toBe(true);
          expect(own.length * components.length).toBe(decision.allotments.length);
          if (!copies) expect(own.reduce((sum, each) => sum + each.replicas, 0)).toBe(replicas);
        }
        for (const { id, allocatable } of clusters) {
          const asked = decision.allotments.filter(({ cluster }) => cluster === id);
          expect(asked.reduce((sum, each) => sum + each.replicas * each.perReplica.mcpu, 0)).toBeLessThanOrEqual(
            allocatable.mcpu,
          );
        }
        applyDecision(snapshot, decision);
        const again = decide(aRequest([group], decision.allotments), snapshot);
        const sorted = ({ allotments }: Decision) => allotments.map((each) => JSON.stringify(each)).sort();
        expect(sorted(again)).toEqual(sorted(decision));
      }),
      { numRuns: 1500 },
    );
  });
});
