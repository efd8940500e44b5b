import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addResources, noResources, type Resources, subtractResources, timesResources } from '#domain';
import { applyDecision, decide } from './decide.js';
import { type Asking, dominantShare, fairOrder, type Standing } from './fair-share.js';
import type { Snapshot } from './fleet/snapshot.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, room } from './testing/fleet.fixture.js';

const fleet = { mcpu: 100_000, memoryBytes: 100 * 2 ** 30, pods: 1000 };
const asking = (tenant: string, demand: Resources, priority = 0): Asking => ({ tenant, priority, demand });
const tenantsIn = (order: readonly Asking[]): string => order.map(({ tenant }) => tenant).join('');

describe('the order of the backlog', () => {
  it('serves who holds least by its weight, and counts what was served before', () => {
    const each = aPod(1000, 10);
    const waiting = ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b'].map((tenant) => asking(tenant, each));
    const standings = (a: number, b: number): Map<string, Standing> =>
      new Map([
        ['a', { usage: noResources, weight: a }],
        ['b', { usage: noResources, weight: b }],
      ]);
    expect(tenantsIn(fairOrder(waiting, standings(1, 1), fleet))).toBe('abababab');
    expect(tenantsIn(fairOrder(waiting, standings(3, 1), fleet))).toBe('abaaabbb');
    const ahead = new Map([['a', { usage: timesResources(each, 3), weight: 1 }]]);
    expect(tenantsIn(fairOrder(waiting, ahead, fleet))).toBe('bbbabaaa');
  });

  it('goes by each tenant’s largest share: one asks for CPU, the other for memory', () => {
    const waiting = [asking('a', aPod(2000, 10)), asking('a', aPod(2000, 10)), asking('b', aPod(10, 1024))];
    expect(tenantsIn(fairOrder([...waiting, asking('b', aPod(10, 1024))], new Map(), fleet))).toBe('abba');
  });

  it('takes the most important of each tenant first, and lets nobody pass another tenant by it', () => {
    const each = aPod(1000, 10);
    const waiting = [asking('a', each), asking('b', each, 5), asking('b', each, 5), asking('b', each, 6)];
    const order = fairOrder(waiting, new Map(), fleet);
    expect(order.map(({ tenant, priority }) => `${tenant}${priority}`)).toEqual(['a0', 'b6', 'b5', 'b5']);
  });

  it('leaves nobody out, keeps each tenant’s own order by priority, and never passes over a poorer tenant', () => {
    const one = fc.record({
      tenant: fc.constantFrom('a', 'b', 'c'),
      priority: fc.constantFrom(0, 0, 0, 3, -2),
      demand: fc.record({ mcpu: fc.nat(9000), memoryBytes: fc.nat(9 * 2 ** 30), pods: fc.nat(20) }),
    });
    const weights = fc.record({ a: fc.integer({ min: 1, max: 9 }), b: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 30 }), weights, (waiting, { a, b }) => {
        const standings = new Map<string, Standing>([
          ['a', { usage: aPod(5000, 100), weight: a }],
          ['b', { usage: noResources, weight: b }],
        ]);
        const order = fairOrder(waiting, standings, fleet);
        expect(new Set(order)).toEqual(new Set(waiting));
        expect(order).toHaveLength(waiting.length);
        const usage = new Map<string, Resources>();
        const shareOf = (tenant: string): number => {
          const { usage: before = noResources, weight = 1 } = standings.get(tenant) ?? {};
          return dominantShare(addResources(before, usage.get(tenant) ?? noResources), fleet) / weight;
        };
        for (const [at, taken] of order.entries()) {
          const rest = order.slice(at);
          for (const other of rest) expect(shareOf(taken.tenant)).toBeLessThanOrEqual(shareOf(other.tenant));
          const theirs = rest.filter(({ tenant }) => tenant === taken.tenant);
          expect(taken.priority).toBe(Math.max(...theirs.map(({ priority }) => priority)));
          const own = theirs.filter(({ priority }) => priority === taken.priority);
          expect(waiting.indexOf(taken)).toBe(Math.min(...own.map((each) => waiting.indexOf(each))));
          usage.set(taken.tenant, addResources(usage.get(taken.tenant) ?? noResources, taken.demand));
        }
      }),
      { numRuns: 500 },
    );
  });
});

interface Running {
  tenant: string;
  amount: Resources;
  /** Where, by slot. */
  at: readonly (readonly [slot: number, amount: Resources])[];
}

/** A tenant's next application: replicas of one size. */
interface Shape {
  weight: number;
  mcpu: readonly number[];
  mebibytes: readonly number[];
  replicas: readonly number[];
}

/** Numbers from 0 to 1 that a run can repeat (Lehmer's generator). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Both tenants always ask for more; what runs ends by chance, a few at a time. Returns the mean dominant shares. */
function saturate(shapes: Readonly<Record<string, Shape>>, decisions: number, seed: number): Map<string, number> {
  const random = seeded(seed);
  const pick = (of: readonly number[]): number => of[Math.floor(random() * of.length)] ?? 0;
  const ids = Array.from({ length: 8 }, (_, index) => `c${index}`);
  const snapshot: Snapshot = fleetOf(...ids.map((id) => aCluster(id, { allocatable: room(64, 256, 400) })));
  const total = timesResources(room(64, 256, 400), ids.length);
  const standings = new Map<string, { usage: Resources; weight: number }>();
  for (const [tenant, { weight }] of Object.entries(shapes)) standings.set(tenant, { usage: noResources, weight });
  let running: Running[] = [];
  const sums = new Map<string, number>();
  let rounds = 0;
  for (let decided = 0; decided < decisions; ) {
    const backlog = Object.entries(shapes).flatMap(([tenant, shape]) =>
      Array.from({ length: 12 }, () => {
        const perReplica = aPod(pick(shape.mcpu), pick(shape.mebibytes));
        const replicas = pick(shape.replicas);
        return { tenant, priority: 0, demand: timesResources(perReplica, replicas), perReplica, replicas };
      }),
    );
    for (const { tenant, perReplica, replicas, demand } of fairOrder(backlog, standings, total)) {
      const group = aGroup([aComponent('web', { perReplica, replicas })]);
      const decision = decide({ ...aRequest([group]), tenant }, snapshot);
      decided += 1;
      if (!decision.placed) continue;
      applyDecision(snapshot, decision);
      const at = decision.additions.map(({ cluster, amount }) => [snapshot.slotOf(cluster) ?? -1, amount] as const);
      running.push({ tenant, amount: demand, at });
      const standing = standings.get(tenant);
      if (standing !== undefined) standing.usage = addResources(standing.usage, demand);
    }
    if (decided > decisions / 4) {
      rounds += 1;
      for (const [tenant, { usage }] of standings)
        sums.set(tenant, (sums.get(tenant) ?? 0) + dominantShare(usage, total));
    }
    running = running.filter((each) => {
      if (random() > 0.02) return true;
      for (const [slot, amount] of each.at) snapshot.release(slot, amount);
      const standing = standings.get(each.tenant);
      if (standing !== undefined) standing.usage = subtractResources(standing.usage, each.amount);
      return false;
    });
  }
  return new Map([...sums].map(([tenant, sum]) => [tenant, sum / rounds]));
}

describe('two tenants that saturate a fleet', () => {
  const small: Omit<Shape, 'weight'> = { mcpu: [500, 1000], mebibytes: [512, 1024], replicas: [1, 2, 3] };
  const compute: Omit<Shape, 'weight'> = { mcpu: [1000, 2000], mebibytes: [256], replicas: [1, 2] };
  const memory: Omit<Shape, 'weight'> = { mcpu: [250], mebibytes: [2048, 4096], replicas: [1, 2] };
  const wide: Omit<Shape, 'weight'> = { mcpu: [250], mebibytes: [512], replicas: [4, 6, 8] };

  it.each([
    ['alike', small, small, 1, 1],
    ['alike', small, small, 3, 1],
    ['alike', small, small, 1, 7],
    ['of many small replicas and of few', wide, small, 2, 1],
    ['of few large replicas and of many', compute, wide, 1, 2],
    ['of memory and of a mix', memory, { ...memory, mebibytes: [1024] }, 3, 2],
    ['of memory and of CPU', memory, compute, 1, 1],
  ])(
    'come to their weights of dominant share within 5 %% over 10,000 decisions: %s, case %#',
    (_, a, b, first, second) => {
      const shares = saturate({ a: { ...a, weight: first }, b: { ...b, weight: second } }, 10_000, 7);
      const [ofA = 0, ofB = 0] = [shares.get('a'), shares.get('b')];
      expect(ofA + ofB).toBeGreaterThan(0.9);
      const fair = first / (first + second);
      expect(Math.abs(ofA / (ofA + ofB) - fair) / fair).toBeLessThanOrEqual(0.05);
      expect(Math.abs(ofB / (ofA + ofB) - (1 - fair)) / (1 - fair)).toBeLessThanOrEqual(0.05);
    },
  );
});
