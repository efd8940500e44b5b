import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NodeClass, noResources, type Resources } from '#domain';
import { decide } from '../decide.js';
import type { Batch, ClusterState } from '../fleet/cluster-state.js';
import type { Snapshot } from '../fleet/snapshot.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, room } from '../testing/fleet.fixture.js';
import { oracleFeasible, oracleStarts } from '../testing/oracle.fixture.js';
import { type Preemptible, planPreemption, type Vacancy } from './preemption.js';

const times = ({ mcpu, memoryBytes, pods }: Resources, count: number): Resources => ({
  mcpu: mcpu * count,
  memoryBytes: memoryBytes * count,
  pods: pods * count,
});
const plus = (a: Resources, b: Resources): Resources => ({
  mcpu: a.mcpu + b.mcpu,
  memoryBytes: a.memoryBytes + b.memoryBytes,
  pods: a.pods + b.pods,
});

const leaves = (cluster: string, mcpu: number, replicas = 1, rules?: Batch['rules']): Vacancy => {
  const perReplica = aPod(mcpu, 64);
  return { cluster, amount: times(perReplica, replicas), pods: [{ perReplica, replicas, ...(rules && { rules }) }] };
};
const placed = (key: string, priority: number, vacancies: readonly Vacancy[], placedAt = 0): Preemptible => ({
  ...{ key, priority, vacancies, placedAt },
});
const wanting = (mcpu: number, replicas = 1, policy = {}) =>
  aRequest([aGroup([aComponent('web', { replicas, perReplica: aPod(mcpu, 64) })], policy)]);
const keys = (plan: { victims: readonly Preemptible[] } | undefined) => plan?.victims.map(({ key }) => key).sort();

/** Full of what the candidates hold. */
const full = (id: string, cores: number, differs: Partial<ClusterState> = {}) =>
  aCluster(id, { allocatable: room(cores, 100), reserved: { ...noResources, mcpu: cores * 1000 }, ...differs });

describe('planPreemption', () => {
  const two = () => fleetOf(full('a', 4), full('b', 4));
  const four = [
    placed('low', 1, [leaves('a', 2000)]),
    placed('mid', 2, [leaves('a', 2000)]),
    placed('spread', 1, [leaves('b', 1000), leaves('a', 0)]),
    placed('high', 9, [leaves('b', 3000)]),
  ];

  it('lets go the lowest that is enough, and leaves the snapshot as it was', () => {
    const snapshot = two();
    const figures = () => snapshot.slots.map((slot) => snapshot.freeOf(slot));
    const before = figures();
    expect(keys(planPreemption({ request: wanting(1500), priority: 5 }, four, snapshot))).toEqual(['low']);
    expect(figures()).toEqual(before);
  });

  it('answers where everything would go', () => {
    const plan = planPreemption({ request: wanting(4000), priority: 5 }, four, two());
    expect(keys(plan)).toEqual(['low', 'mid']);
    expect(plan?.decision.allotments).toMatchObject([{ component: 'web', cluster: 'a', replicas: 1 }]);
  });

  it('lets nobody go of equal or higher priority', () => {
    const equal = four.map((each) => ({ ...each, priority: 5 }));
    expect(planPreemption({ request: wanting(1000), priority: 5 }, equal, two())).toBeUndefined();
    expect(planPreemption({ request: wanting(1000), priority: 4 }, equal, two())).toBeUndefined();
    expect(planPreemption({ request: wanting(1000), priority: 6 }, equal, two())).toBeDefined();
  });

  it('lets nobody go for what would not fit then', () => {
    for (const request of [wanting(5000), wanting(1000, 9), wanting(1000, 1, { regions: ['us'] })])
      expect(planPreemption({ request, priority: 99 }, four, two())).toBeUndefined();
  });

  it('prefers one to several of the same priority, and of equals the newest', () => {
    const snapshot = fleetOf(full('a', 8));
    const small = [1, 2, 3, 4].map((n) => placed(`small${n}`, 1, [leaves('a', 1000)], n * 10));
    const large = placed('large', 1, [leaves('a', 4000)], 5);
    expect(keys(planPreemption({ request: wanting(4000), priority: 2 }, [...small, large], snapshot))).toEqual([
      'large',
    ]);
    expect(keys(planPreemption({ request: wanting(1000), priority: 2 }, [...small, large], snapshot))).toEqual([
      'small4',
    ]);
  });

  it('spares what need not go of very many', () => {
    const snapshot = fleetOf(full('a', 100), full('b', 100));
    const many = Array.from({ length: 200 }, (_, n) => placed(`v${n}`, n % 7, [leaves(n % 2 ? 'a' : 'b', 1000)], n));
    const plan = planPreemption({ request: wanting(1000, 10, { division: 'packed' }), priority: 50 }, many, snapshot);
    expect(plan?.victims).toHaveLength(10);
    expect(new Set(plan?.victims.map(({ priority }) => priority))).toEqual(new Set([0]));
  });

  describe('where nodes are known', () => {
    const gpu = { key: 'gpu', value: '' } as const;
    const node = (nodes: number, freeMcpu: number, differs: Partial<NodeClass> = {}): NodeClass => {
      const free = { mcpu: freeMcpu, memoryBytes: 2 ** 34, pods: 100 };
      const allocatable = { mcpu: 4000, memoryBytes: 2 ** 36, pods: 110 };
      return { nodes, free, architecture: 'amd64', taints: [], allocatable, ...differs };
    };
    const filled = (...classes: NodeClass[]) => {
      const free = classes.reduce((total, { nodes, free }) => total + nodes * free.mcpu, 0);
      return fleetOf(full('a', 12, { classes, allocatable: { ...room(12, 100), mcpu: 12_000 + free } }));
    };
    const victims = (count: number, mcpu: number, replicas = 1) =>
      Array.from({ length: count }, (_, n) => placed(`v${n}`, 1, [leaves('a', mcpu, replicas)], n));
    const ask = (mcpu: number, of: readonly Preemptible[], snapshot: Snapshot, replicas = 1) =>
      keys(planPreemption({ request: wanting(mcpu, replicas), priority: 5 }, of, snapshot))?.length;

    it('counts on the gap that each pod leaves', () => {
      expect(ask(500, victims(3, 1000), filled(node(3, 0)))).toBe(1);
      expect(ask(500, victims(3, 1000), filled(node(3, 0)), 3)).toBe(2);
      expect(ask(1000, victims(3, 1000), filled(node(3, 0)), 3)).toBe(3);
    });

    it('does not count on gaps being on one node unless they must be', () => {
      expect(ask(2000, victims(3, 1000), filled(node(3, 0)))).toBeUndefined();
      expect(ask(2000, victims(4, 1000), filled(node(3, 0)))).toBe(4);
      expect(ask(2000, victims(2, 1000), filled(node(1, 0)))).toBe(2);
      // All that the nodes hold: each is empty then.
      expect(ask(4000, victims(12, 1000), filled(node(3, 0)), 3)).toBe(12);
    });

    it('joins a gap with what every node has free', () => {
      expect(ask(1500, victims(3, 1000), filled(node(3, 500)))).toBe(1);
      expect(ask(1500, victims(3, 1000), filled(node(2, 500), node(1, 499)))).toBe(2);
    });

    it('does not count on nodes that the preemptor cannot go to', () => {
      const taints = [{ ...gpu, effect: 'NoSchedule' as const }];
      const rules = { tolerations: [{ ...gpu, operator: 'Exists' as const, effect: '' as const }] };
      const tolerant = [placed('v', 1, [leaves('a', 1000, 1, rules)])];
      expect(ask(500, tolerant, filled(node(3, 0)))).toBe(1);
      expect(ask(500, tolerant, filled(node(3, 0), node(1, 0, { taints })))).toBeUndefined();
    });
  });
});

const component = fc.record({
  mcpu: fc.constantFrom(500, 1000, 1500, 2000),
  replicas: fc.integer({ min: 1, max: 3 }),
  division: fc.constantFrom<'divided' | 'packed' | 'duplicated'>('divided', 'packed', 'duplicated'),
  regions: fc.constantFrom<string[]>([], [], ['eu']),
  priority: fc.integer({ min: 0, max: 3 }),
});

it('lets go whom brute force lets go, and nobody where no choice would do', () => {
  const drawn = fc.record({
    asked: component,
    cores: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })),
    victims: fc.array(
      fc.record({
        priority: fc.integer({ min: 0, max: 3 }),
        at: fc.array(
          fc.record({ cluster: fc.constantFrom('c0', 'c1', 'c2'), mcpu: fc.constantFrom(500, 1000, 2000) }),
          {
            minLength: 1,
            maxLength: 2,
          },
        ),
      }),
      { maxLength: 5 },
    ),
  });
  let [some, none] = [0, 0];
  fc.assert(
    fc.property(drawn, ({ asked, cores, victims }) => {
      const candidates = victims.map(({ priority, at }, n) =>
        placed(
          `v${n}`,
          priority,
          at.map(({ cluster, mcpu }) => leaves(cluster, mcpu)),
          n,
        ),
      );
      const fleetWithout = (gone: readonly Preemptible[]) =>
        cores.map((free, n) => {
          const id = `c${n}`;
          const held = (of: readonly Preemptible[]) =>
            of
              .flatMap(({ vacancies }) => vacancies)
              .filter(({ cluster }) => cluster === id)
              .map(({ amount }) => amount);
          const allocatable = held(candidates).reduce(plus, room(free, 9));
          const reserved = held(candidates.filter((each) => !gone.includes(each))).reduce(plus, noResources);
          return aCluster(id, { allocatable, reserved, region: n === 2 ? 'us' : 'eu' });
        });
      const { mcpu, replicas, priority, division, regions } = asked;
      const request = wanting(mcpu, replicas, { division, regions });
      const policy = {
        ...{ clusters: [], labels: {}, tolerations: [], minClusters: 0, maxClusters: 0 },
        division,
        regions,
      };
      const does = (gone: readonly Preemptible[]) =>
        oracleFeasible(fleetWithout(gone), policy, aPod(mcpu, 64), replicas);
      fc.pre(!does([]));
      const choices = Array.from({ length: 2 ** candidates.length }, (_, bits) =>
        candidates.filter((__, at) => (bits >> at) % 2 === 1),
      ).filter((gone) => gone.every((each) => each.priority < priority) && does(gone));
      const rank = (gone: readonly Preemptible[]) => [
        Math.max(...gone.map((each) => each.priority)),
        gone.reduce((sum, each) => sum + each.priority + 1_000_001, 0),
        gone.length,
      ];
      const ranks = choices.map(rank).sort(([a = 0, b = 0, c = 0], [d = 0, e = 0, f = 0]) => a - d || b - e || c - f);
      const plan = planPreemption({ request, priority }, candidates, fleetOf(...fleetWithout([])));
      if (plan === undefined) none += 1;
      else some += 1;
      expect(plan === undefined ? undefined : rank(plan.victims)).toEqual(ranks[0]);
      if (plan !== undefined)
        expect(decide(request, fleetOf(...fleetWithout(plan.victims))).allotments).toEqual(plan.decision.allotments);
    }),
    { numRuns: 1500 },
  );
  expect(Math.min(some, none)).toBeGreaterThan(100);
});

it('counts on no node that may not be there, wherever the pods of the victims are', () => {
  const drawn = fc.record({
    asked: fc.record({ mcpu: fc.constantFrom(300, 700, 1000, 1700, 2500), replicas: fc.integer({ min: 1, max: 4 }) }),
    nodes: fc.array(fc.record({ spare: fc.nat(1500), pods: fc.array(fc.nat(4), { maxLength: 4 }) }), {
      minLength: 1,
      maxLength: 4,
    }),
    sizes: fc.tuple(...[0, 1, 2, 3, 4].map(() => fc.constantFrom(200, 500, 1000, 1500))),
    tells: fc.boolean(),
  });
  let [some, joined] = [0, 0];
  fc.assert(
    fc.property(drawn, ({ asked: { mcpu, replicas }, nodes, sizes, tells }) => {
      const size = (victim: number) => sizes[victim] ?? 0;
      const used = (pods: readonly number[]) => pods.reduce((sum, victim) => sum + size(victim), 0);
      const classes = nodes.map(({ spare, pods }): NodeClass => {
        const free = { mcpu: spare, memoryBytes: 2 ** 34, pods: 100 };
        const allocatable = { mcpu: spare + used(pods), memoryBytes: 2 ** 36, pods: 110 };
        return { nodes: 1, free, architecture: '', taints: [], ...(tells && { allocatable }) };
      });
      const all = nodes.flatMap(({ pods }) => pods);
      const cores = nodes.reduce((sum, { spare, pods }) => sum + spare + used(pods), 0);
      const reserved = { ...noResources, mcpu: used(all) };
      const cluster = aCluster('c', { allocatable: { ...room(0, 900), mcpu: cores }, reserved, classes });
      const candidates = [...new Set(all)].map((victim) =>
        placed(`${victim}`, 0, [leaves('c', size(victim), all.filter((each) => each === victim).length)], victim),
      );
      const request = wanting(mcpu, replicas);
      const snapshot = fleetOf(cluster);
      fc.pre(!decide(request, snapshot).placed);
      const plan = planPreemption({ request, priority: 1 }, candidates, snapshot);
      if (plan === undefined) return;
      some += 1;
      const gone = new Set(plan.victims.map(({ key }) => Number(key)));
      if ([...gone].every((victim) => size(victim) < mcpu)) joined += 1;
      const left = nodes.map(({ spare, pods }) => ({
        ...{ mcpu: spare + used(pods.filter((victim) => gone.has(victim))), memoryBytes: 2 ** 34, pods: 100 },
      }));
      expect(
        oracleStarts(
          left,
          Array.from({ length: replicas }, () => aPod(mcpu, 64)),
        ),
      ).toBe(true);
    }),
    { numRuns: 3000 },
  );
  expect(some).toBeGreaterThan(300);
  expect(joined).toBeGreaterThan(50);
});
