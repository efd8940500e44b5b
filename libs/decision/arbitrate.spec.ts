import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noOverSubscription, noResources } from '#domain';
import type { ClusterState } from '#placement';
import { type ArbitratedCluster, arbitrate, type Claim, type Growth } from './arbitrate.js';

const cluster = (id: string, differs: Partial<ClusterState> = {}, asDecided = false): ArbitratedCluster => ({
  asDecided,
  state: {
    id,
    region: 'eu',
    zone: '',
    provider: '',
    labels: {},
    taints: [],
    cordoned: false,
    phase: 'ready',
    serverVersion: '1.34.0',
    nodes: 3,
    allocatable: { mcpu: 1000, memoryBytes: 1000, pods: 10 },
    foreignRequests: noResources,
    reserved: noResources,
    overSubscription: noOverSubscription,
    measured: undefined,
    measureFresh: false,
    classes: [],
    kinds: [],
    schemaId: '',
    version: 0n,
    ...differs,
  },
});

const growth = (id: string, mcpu: number, pods = 1, differs: Partial<Growth> = {}): Growth => ({
  cluster: id,
  component: 'web',
  perReplica: { mcpu: mcpu / Math.max(1, pods), memoryBytes: 0, pods: 1 },
  amount: { mcpu, memoryBytes: 0, pods },
  newPods: pods,
  rules: { tolerations: [] },
  everyNode: false,
  ...differs,
});

describe('arbitrate', () => {
  it('grants what fits and calls the rest stale, without taking others with it', () => {
    const batch: Claim[] = [
      { key: 'first', growth: [growth('a', 600)] },
      { key: 'second', growth: [growth('a', 600)] },
      { key: 'third', growth: [growth('a', 400)] },
    ];
    expect(arbitrate(batch, [cluster('a')])).toEqual({
      granted: ['first', 'third'],
      stale: [{ key: 'second', cluster: 'a', why: 'mcpu' }],
    });
  });

  it('takes nothing anywhere for a claim that does not fit somewhere', () => {
    const both: Claim = { key: 'both', growth: [growth('a', 900), growth('b', 1100)] };
    const after: Claim = { key: 'after', growth: [growth('a', 900)] };
    expect(arbitrate([both, after], [cluster('a'), cluster('b')]).granted).toEqual(['after']);
  });

  it('lets an over-full cluster keep what it holds, and admits nothing new', () => {
    const overFull = cluster('a', { reserved: { mcpu: 1500, memoryBytes: 0, pods: 5 } });
    const keeps: Claim = { key: 'keeps', growth: [growth('a', 0, 0)] };
    const grows: Claim = { key: 'grows', growth: [growth('a', 1)] };
    expect(arbitrate([keeps, grows], [overFull]).granted).toEqual(['keeps']);
  });

  it('admits nothing new to a cluster that is cordoned, a double, not ready or gone since', () => {
    const claim: Claim = { key: 'claim', growth: [growth('a', 1)] };
    expect(arbitrate([claim], [cluster('a', { cordoned: true })]).stale).toMatchObject([{ why: 'cordoned' }]);
    expect(arbitrate([claim], [cluster('a', { sameMemberAs: 'b' })]).stale).toMatchObject([{ why: 'same member' }]);
    expect(arbitrate([claim], [cluster('a', { phase: 'unreachable' })]).stale).toMatchObject([{ why: 'not ready' }]);
    expect(arbitrate([claim], []).stale).toMatchObject([{ why: 'gone' }]);
  });

  it('judges nodes by their shape when the figures are not those that were decided on', () => {
    const free = { mcpu: 300, memoryBytes: 300, pods: 5 };
    const classes = [{ nodes: 3, free, architecture: 'amd64', taints: [] }];
    const claim: Claim = { key: 'big', growth: [growth('a', 400)] };
    expect(arbitrate([claim], [cluster('a', { classes })]).stale).toMatchObject([{ why: 'nodes' }]);
    expect(arbitrate([claim], [cluster('a', { classes }, true)]).granted).toEqual(['big']);
    expect(arbitrate([{ key: 'small', growth: [growth('a', 300)] }], [cluster('a', { classes })]).granted).toEqual([
      'small',
    ]);
  });

  it('never grants more than a cluster has, and nothing that it could not grant is left out', () => {
    const claims = fc.array(
      fc.array(
        fc.record({
          at: fc.constantFrom('a', 'b', 'c'),
          mcpu: fc.integer({ min: 0, max: 500 }),
          pods: fc.integer({ min: 0, max: 4 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      { maxLength: 20 },
    );
    const rooms = fc.tuple(
      fc.integer({ min: 0, max: 1500 }),
      fc.integer({ min: 0, max: 1500 }),
      fc.integer({ min: 0, max: 1500 }),
    );
    fc.assert(
      fc.property(claims, rooms, (wants, [a, b, c]) => {
        const batch = wants.map(
          (want, index): Claim => ({
            key: `${index}`,
            growth: want.map(({ at, mcpu, pods }) => growth(at, mcpu, pods)),
          }),
        );
        const rows = Object.entries({ a, b, c }).map(([id, mcpu]) =>
          cluster(id, { allocatable: { mcpu, memoryBytes: 0, pods: 12 } }),
        );
        const { granted, stale } = arbitrate(batch, rows);
        // The oracle: plain subtraction, claim by claim.
        const left: Record<string, [number, number]> = { a: [a, 12], b: [b, 12], c: [c, 12] };
        const expected = wants.flatMap((want, index) => {
          const fits = Object.entries(left).every(([id, [mcpu, pods]]) => {
            const own = want.filter(({ at }) => at === id);
            const askedMcpu = own.reduce((sum, each) => sum + each.mcpu, 0);
            const askedPods = own.reduce((sum, each) => sum + each.pods, 0);
            return (askedMcpu === 0 || askedMcpu <= mcpu) && (askedPods === 0 || askedPods <= pods);
          });
          if (!fits) return [];
          for (const { at, mcpu, pods } of want) {
            const row = left[at];
            if (row !== undefined) left[at] = [row[0] - mcpu, row[1] - pods];
          }
          return [`${index}`];
        });
        expect(granted).toEqual(expected);
        expect([...granted, ...stale.map(({ key }) => key)].sort()).toEqual(batch.map(({ key }) => key).sort());
      }),
    );
  });
});
