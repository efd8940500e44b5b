import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anywhere, type NodeClass, type PlacementPolicy, type Resources, type Toleration } from '#domain';
import { applyDecision, type Decision, decide } from './decide.js';
import type { ClusterState } from './fleet/cluster-state.js';
import { defaultPolicy, type EnginePolicy } from './policy.js';
import { unpackRecord } from './record/pack.js';
import type { Allotment } from './request.js';
import { aCluster, aComponent, aGroup, aRequest, fleetOf } from './testing/fleet.fixture.js';
import { oracleAllows, oracleFeasible, oracleFree, oracleNodes, oracleStarts } from './testing/oracle.fixture.js';
import { packRecord } from './testing/packed-record.js';

const mebi = 2 ** 20;
const runs = { numRuns: 1500 };

const size = (most: number): fc.Arbitrary<Resources> =>
  fc.record({
    mcpu: fc.nat(most * 1000),
    memoryBytes: fc.nat(most * 1024).map((mebibytes) => mebibytes * mebi),
    pods: fc.nat(most * 3),
  });

const taint = fc.record({
  key: fc.constantFrom('gpu', 'spot'),
  value: fc.constantFrom('', 'yes'),
  effect: fc.constantFrom('NoSchedule', 'PreferNoSchedule', 'NoExecute'),
});

const nodeClass: fc.Arbitrary<NodeClass> = fc.record({
  nodes: fc.integer({ min: 1, max: 2 }),
  free: size(3),
  architecture: fc.constant('amd64'),
  taints: fc.constantFrom<NodeClass['taints']>([], [], [], [{ key: 'infra', value: '', effect: 'NoSchedule' }]),
});

const ids = ['c1', 'c2', 'c3', 'c4', 'c5', 'c6'];

const clusterCalled = (id: string): fc.Arbitrary<ClusterState> =>
  fc
    .record({
      region: fc.constantFrom('eu', 'us', 'ap'),
      labels: fc.constantFrom({}, { tier: 'gold' }, { tier: 'iron' }),
      taints: fc.oneof(
        { weight: 4, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.array(taint, { maxLength: 1 }) },
      ),
      cordoned: fc.boolean().map((drawn) => drawn && id === 'c2'),
      phase: fc.constantFrom('ready', 'ready', 'ready', 'ready', 'ready', 'ready', 'ready', 'unreachable'),
      allocatable: size(6),
      foreignRequests: size(1),
      reserved: size(1),
      overSubscription: fc.record({
        mcpuPermille: fc.integer({ min: 1000, max: 1500 }),
        memoryPermille: fc.constant(1000),
      }),
      measured: fc.option(fc.record({ mcpu: fc.nat(6000), memoryBytes: fc.nat(6 * 2 ** 30) }), { nil: undefined }),
      measureFresh: fc.boolean(),
      classes: fc.oneof(fc.constant<NodeClass[]>([]), fc.array(nodeClass, { minLength: 1, maxLength: 2 })),
    } as const)
    .map((differs) => aCluster(id, differs));

const fleet = fc.tuple(...ids.map(clusterCalled)).chain((all) => fc.shuffledSubarray(all, { minLength: 1 }));

const policy: fc.Arbitrary<PlacementPolicy> = fc.record({
  clusters: fc.constantFrom<string[]>([], [], [], [], ['c1', 'c3', 'c4', 'c5']),
  regions: fc.constantFrom<string[]>([], [], [], [], ['eu', 'us']),
  zones: fc.constant([]),
  providers: fc.constant([]),
  labels: fc.constantFrom<Record<string, string>>({}, {}, {}, {}, { tier: 'gold' }),
  tolerations: fc.constantFrom<Toleration[]>(
    [],
    [{ key: '', operator: 'Exists', value: '', effect: '' }],
    [{ key: 'spot', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }],
  ),
  division: fc.constantFrom<PlacementPolicy['division']>('divided', 'packed', 'duplicated'),
  minClusters: fc.constantFrom(0, 0, 1, 2, 3),
  maxClusters: fc.constantFrom(0, 0, 1, 2, 3, 4),
});

const pod: fc.Arbitrary<Resources> = fc.record({
  mcpu: fc.nat(3000),
  memoryBytes: fc.nat(2048).map((mebibytes) => mebibytes * mebi),
  pods: fc.constant(1),
});

const plain = (decision: Decision) => ({
  placed: decision.placed,
  allotments: decision.allotments,
  refused: decision.refused,
  record: decision.record,
});

/** No cluster is given more than it has: by the oracle's figures, not the engine's. */
function expectWithinCapacity(clusters: readonly ClusterState[], allotments: readonly Allotment[]): void {
  for (const cluster of clusters) {
    const free = oracleFree(cluster);
    for (const resource of ['mcpu', 'memoryBytes', 'pods'] as const) {
      const given = allotments
        .filter((each) => each.cluster === cluster.id)
        .reduce((sum, { replicas, perReplica }) => sum + replicas * perReplica[resource], 0);
      expect(given).toBeLessThanOrEqual(Math.max(0, free[resource]));
    }
    const nodes = oracleNodes(cluster);
    if (nodes === undefined) continue;
    const pods = allotments
      .filter((each) => each.cluster === cluster.id)
      .flatMap(({ replicas, perReplica }) => Array.from({ length: replicas }, () => perReplica));
    expect(oracleStarts(nodes, pods)).toBe(true);
  }
}

function expectPolicyKept(
  clusters: readonly ClusterState[],
  kept: PlacementPolicy,
  allotments: readonly Allotment[],
): void {
  const used = new Set(allotments.map(({ cluster }) => cluster));
  for (const id of used)
    expect(clusters.some((cluster) => cluster.id === id && oracleAllows(cluster, kept))).toBe(true);
  expect(used.size).toBeGreaterThanOrEqual(Math.max(1, kept.minClusters));
  if (kept.maxClusters > 0) expect(used.size).toBeLessThanOrEqual(kept.maxClusters);
}

describe('a decision for one component', () => {
  it('is feasible exactly when brute force finds a division, and keeps every constraint', () => {
    fc.assert(
      fc.property(fleet, policy, pod, fc.integer({ min: 1, max: 8 }), (clusters, wanted, perReplica, replicas) => {
        const group = aGroup([aComponent('web', { replicas, perReplica })], wanted);
        const decision = decide(aRequest([group]), fleetOf(...clusters));
        expect(decision.placed).toBe(oracleFeasible(clusters, wanted, perReplica, replicas));
        if (!decision.placed) {
          expect(decision.allotments).toEqual([]);
          return;
        }
        expectWithinCapacity(clusters, decision.allotments);
        expectPolicyKept(clusters, wanted, decision.allotments);
        const counts = decision.allotments.map((each) => each.replicas);
        if (wanted.division === 'duplicated') expect(new Set(counts)).toEqual(new Set([replicas]));
        else expect(counts.reduce((sum, count) => sum + count, 0)).toBe(replicas);
        expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
      }),
      runs,
    );
  });

  it('packs into no more clusters than brute force needs', () => {
    fc.assert(
      fc.property(fleet, pod, fc.integer({ min: 1, max: 8 }), (clusters, perReplica, replicas) => {
        const packing: PlacementPolicy = { ...anywhere, division: 'packed' };
        const group = aGroup([aComponent('web', { replicas, perReplica })], packing);
        const { allotments, placed } = decide(aRequest([group]), fleetOf(...clusters));
        if (!placed || allotments.length === 1) return;
        const fewer = { ...packing, maxClusters: allotments.length - 1 };
        expect(oracleFeasible(clusters, fewer, perReplica, replicas)).toBe(false);
      }),
      runs,
    );
  });
});

const smallPod = pod.map(({ mcpu, memoryBytes, pods }) => ({
  mcpu: Math.floor(mcpu / 8),
  memoryBytes: Math.floor(memoryBytes / 8),
  pods,
}));

const parts = (replicas: fc.Arbitrary<number>, perReplica: fc.Arbitrary<Resources>) =>
  fc.array(fc.record({ replicas, perReplica }), { minLength: 1, maxLength: 3 });

const components = fc
  .oneof(parts(fc.nat(4), pod), parts(fc.integer({ min: 2, max: 4 }), smallPod))
  .map((drawn) => drawn.map((each, at) => aComponent(`part-${at}`, each)));

describe('any decision', () => {
  it('stays within capacity, keeps the policy and places linked groups whole in each cluster', () => {
    fc.assert(
      fc.property(fleet, policy, components, components, (clusters, wanted, linked, others) => {
        const renamed = others.map((each) => ({ ...each, name: `other-${each.name}` }));
        const groups = [aGroup(linked, wanted), aGroup(renamed, wanted)];
        const decision = decide(aRequest(groups), fleetOf(...clusters));
        if (!decision.placed) return;
        expectWithinCapacity(clusters, decision.allotments);
        for (const group of groups) {
          const own = decision.allotments.filter((each) =>
            group.components.some(({ name }) => name === each.component),
          );
          expectPolicyKept(clusters, wanted, own);
          for (const { name, replicas } of group.components) {
            const counts = own.filter((each) => each.component === name).map((each) => each.replicas);
            expect(counts.length).toBe(new Set(own.map(({ cluster }) => cluster)).size);
            if (wanted.division === 'duplicated') continue;
            expect(counts.reduce((sum, count) => sum + count, 0)).toBe(replicas);
            if (group.components.length > 1 && replicas > 0) expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
          }
        }
      }),
      runs,
    );
  });

  it('is stored as its expanded record would be', () => {
    fc.assert(
      fc.property(fleet, policy, components, components, (clusters, wanted, linked, others) => {
        const renamed = others.map((each) => ({ ...each, name: `other-${each.name}` }));
        const decision = decide(aRequest([aGroup(linked, wanted), aGroup(renamed)]), fleetOf(...clusters));
        expect(Buffer.from(decision.packed).equals(packRecord(decision.record))).toBe(true);
        expect(unpackRecord(decision.packed)).toEqual(decision.record);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same whether plug-ins look at the whole fleet at once or at one cluster after the other', () => {
    const oneByOne: EnginePolicy = {
      ...defaultPolicy,
      filters: defaultPolicy.filters.map((filter) => ({
        name: filter.name,
        wakeOn: filter.wakeOn,
        applies: (group) => filter.applies?.(group) ?? true,
        admits: (at) => filter.admits(at),
      })),
      scorers: defaultPolicy.scorers.map((scorer) => ({
        name: scorer.name,
        weight: scorer.weight,
        applies: (group) => scorer.applies?.(group) ?? true,
        score: (at) => scorer.score(at),
      })),
    };
    const priced = fc.record({ coreHourMicros: fc.nat(40_000), gibHourMicros: fc.nat(9_000) });
    const prices = fc.array(fc.option(priced, { nil: undefined }), { minLength: 6, maxLength: 6 });
    const money = fc.record({
      strategy: fc.constantFrom('headroom', 'packing', 'balance'),
      costWeight: fc.constantFrom(0, 40),
      maxPriceMicros: fc.option(fc.nat(60_000), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fleet,
        prices,
        fc.array(fc.tuple(policy, money, components, components), { maxLength: 5 }),
        (clusters, asked, steps) => {
          const snapshot = fleetOf(...clusters.map((each, at) => ({ ...each, price: asked[at] })));
          for (const [wanted, paid, linked, others] of steps) {
            const renamed = others.map((each) => ({ ...each, name: `other-${each.name}` }));
            const request = aRequest([aGroup(linked, { ...wanted, ...paid }), aGroup(renamed, wanted)]);
            const decision = decide(request, snapshot);
            expect(plain(decide(request, snapshot, oneByOne))).toEqual(plain(decision));
            applyDecision(snapshot, decision);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('with affinity is what it would be in a fleet of those clusters alone that keep the rules', () => {
    const rule = fc.record({
      application: fc.constantFrom('db', 'cache'),
      component: fc.constant(''),
      by: fc.constantFrom('cluster', 'region', 'tier'),
      apart: fc.boolean(),
      preferred: fc.constant(false),
    });
    const neighbour = fc.record({
      application: fc.constantFrom('db', 'cache', 'other'),
      component: fc.constant('main'),
      cluster: fc.constantFrom(...ids, 'gone'),
    });
    const rules = fc.array(rule, { minLength: 1, maxLength: 2 });
    const around = fc.array(neighbour, { maxLength: 5 });
    const domainIn = ({ id, region, labels }: ClusterState, by: string): string | undefined =>
      by === 'cluster' ? id : by === 'region' ? region : labels.tier;
    fc.assert(
      fc.property(fleet, policy, components, rules, around, (clusters, wanted, linked, affinity, neighbours) => {
        const keeps = (cluster: ClusterState): boolean =>
          affinity.every(({ application, by, apart }) => {
            const beside = clusters.some(
              (other) =>
                neighbours.some((each) => each.application === application && each.cluster === other.id) &&
                domainIn(other, by) !== undefined &&
                domainIn(other, by) === domainIn(cluster, by),
            );
            return beside !== apart;
          });
        const bound = { ...aRequest([aGroup(linked, { ...wanted, affinity })]), neighbours };
        const decision = decide(bound, fleetOf(...clusters));
        const alone = decide(aRequest([aGroup(linked, wanted)]), fleetOf(...clusters.filter(keeps)));
        expect([decision.placed, decision.allotments]).toEqual([alone.placed, alone.allotments]);
      }),
      { numRuns: 1000 },
    );
  });

  it('is the same twice and whatever the order in which clusters came', () => {
    fc.assert(
      fc.property(fleet, policy, components, (clusters, wanted, linked) => {
        const request = aRequest([aGroup(linked, wanted)]);
        const snapshot = fleetOf(...clusters);
        const once = plain(decide(request, snapshot));
        expect(plain(decide(request, snapshot))).toEqual(once);
        expect(plain(decide(request, fleetOf(...[...clusters].reverse())))).toEqual(once);
        const other = fleetOf(aCluster('a0'), ...clusters);
        other.remove('a0');
        expect(plain(decide(request, other))).toEqual(once);
      }),
      { numRuns: 300 },
    );
  });

  it('is the same on a fleet that changed under it as on one that is read anew', () => {
    const step = fc.tuple(fc.constantFrom(...ids).chain(clusterCalled), fc.boolean(), policy, pod);
    fc.assert(
      fc.property(fleet, fc.array(step, { minLength: 1, maxLength: 8 }), (clusters, steps) => {
        const current = new Map(clusters.map((cluster) => [cluster.id, cluster]));
        const kept = fleetOf(...clusters);
        for (const [at, [changed, leaves, wanted, perReplica]] of steps.entries()) {
          if (leaves) {
            current.delete(changed.id);
            kept.remove(changed.id);
          } else {
            current.set(changed.id, changed);
            kept.upsert({ ...changed, version: BigInt(at + 2) });
          }
          const request = aRequest([aGroup([aComponent('web', { replicas: 3, perReplica })], wanted)]);
          expect(plain(decide(request, kept))).toEqual(plain(decide(request, fleetOf(...current.values()))));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('moves nothing when asked again with what it holds', () => {
    fc.assert(
      fc.property(fleet, policy, components, (clusters, wanted, linked) => {
        const snapshot = fleetOf(...clusters);
        const groups = [aGroup(linked, wanted)];
        const first = decide(aRequest(groups), snapshot);
        if (!first.placed) return;
        applyDecision(snapshot, first);
        const again = decide(aRequest(groups, first.allotments), snapshot);
        const byKey = (a: Allotment, b: Allotment): number =>
          `${a.component}/${a.cluster}` < `${b.component}/${b.cluster}` ? -1 : 1;
        expect([...again.allotments].sort(byKey)).toEqual([...first.allotments].sort(byKey));
        expect(again.additions.every(({ amount }) => amount.mcpu + amount.memoryBytes + amount.pods === 0)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
