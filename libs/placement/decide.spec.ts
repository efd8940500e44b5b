import { describe, expect, it } from 'vitest';
import { applyDecision, decide } from './decide.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, gibi, room } from './testing/fleet.fixture.js';

const counts = (decision: ReturnType<typeof decide>, component: string): Record<string, number> =>
  Object.fromEntries(
    decision.allotments
      .filter((each) => each.component === component)
      .map(({ cluster, replicas }) => [cluster, replicas]),
  );

const web = (replicas: number) => aComponent('web', { replicas });
const full = { reserved: room(10, 1) };

describe('decide', () => {
  it('divides by headroom and writes the arithmetic down', () => {
    const fleet = fleetOf(
      aCluster('a'),
      aCluster('b', { reserved: room(4, 0, 0) }),
      aCluster('c', { reserved: room(6, 0, 0) }),
    );
    const decision = decide(aRequest([aGroup([web(6)], { maxClusters: 3 })]), fleet);
    expect(counts(decision, 'web')).toEqual({ a: 3, b: 2, c: 1 });
    expect(decision.record.groups[0]?.division).toEqual([
      '6 replicas of web over 3 clusters by room (a 10, b 6, c 4) → a 3 + b 2 + c 1',
    ]);
  });

  it('packs into as few clusters as hold it', () => {
    const fleet = fleetOf(aCluster('a', { reserved: room(5, 0, 0) }), aCluster('b', { allocatable: room(8, 40) }));
    expect(counts(decide(aRequest([aGroup([web(7)], { division: 'packed' })]), fleet), 'web')).toEqual({ b: 7 });
    expect(counts(decide(aRequest([aGroup([web(13)], { division: 'packed' })]), fleet), 'web')).toEqual({ a: 5, b: 8 });
  });

  it('duplicates all replicas into every admitted cluster', () => {
    const fleet = fleetOf(aCluster('a'), aCluster('b'), aCluster('c', { allocatable: room(2, 40) }));
    const decision = decide(aRequest([aGroup([web(3)], { division: 'duplicated' })]), fleet);
    expect(counts(decision, 'web')).toEqual({ a: 3, b: 3 });
  });

  it('places a component without replicas in one cluster, so that its objects exist', () => {
    expect(counts(decide(aRequest([aGroup([web(0)])]), fleetOf(aCluster('a'), aCluster('b'))), 'web')).toEqual({
      a: 0,
    });
  });

  it('runs a daemon on every node of each chosen cluster', () => {
    const daemon = aComponent('logs', { kind: 'daemon', perReplica: aPod(100, 64) });
    const fleet = fleetOf(aCluster('a', { nodes: 5 }), aCluster('b', { nodes: 2 }));
    expect(counts(decide(aRequest([aGroup([daemon])]), fleet), 'logs')).toEqual({ a: 5, b: 2 });
  });

  it('counts clusters in the arithmetic as people do', () => {
    const daemon = aComponent('logs', { kind: 'daemon', perReplica: aPod(100, 64) });
    const line = (component: typeof daemon, clusters: number) => {
      const fleet = fleetOf(...['a', 'b'].slice(0, clusters).map((id) => aCluster(id)));
      return decide(aRequest([aGroup([component])]), fleet).record.groups[0]?.division;
    };
    expect(line(daemon, 1)).toEqual(['logs on every node of 1 cluster']);
    expect(line(daemon, 2)).toEqual(['logs on every node of 2 clusters']);
    expect(line(web(0), 1)).toEqual(['web: no replicas, in 1 cluster']);
  });

  it('leaves the snapshot alone until the decision is applied', () => {
    const fleet = fleetOf(aCluster('a'));
    const slot = fleet.slotOf('a') ?? 0;
    const decision = decide(aRequest([aGroup([web(4)])]), fleet);
    expect(fleet.free(slot, 0)).toBe(10_000);
    applyDecision(fleet, decision);
    expect([fleet.free(slot, 0), fleet.free(slot, 1)]).toEqual([6000, 36 * gibi]);
  });

  it('refuses the whole application when one group has no place, and explains all groups', () => {
    const big = aComponent('big', { perReplica: aPod(20_000, 10) });
    const decision = decide(aRequest([aGroup([web(1)]), aGroup([big])]), fleetOf(aCluster('a')));
    expect(decision).toMatchObject({ placed: false, allotments: [], additions: [] });
    expect(decision.refused).toEqual([
      {
        components: ['big'],
        refusal: { reason: 'NoClusterFits', facts: { Capacity: '1' } },
        wakeOn: ['cluster.capacity', 'cluster.ready'],
      },
    ]);
    expect(decision.record.groups.map(({ refusal }) => refusal)).toEqual([
      { reason: 'PlacedTogether', facts: { waitsFor: 'big' } },
      { reason: 'NoClusterFits', facts: { Capacity: '1' } },
    ]);
  });

  it('refuses an empty fleet', () => {
    const [refused] = decide(aRequest([aGroup([web(1)])]), fleetOf()).refused;
    expect(refused?.refusal).toEqual({ reason: 'NoClusters', facts: {} });
  });

  it('counts refusals by filter and wakes on what those filters name', () => {
    const fleet = fleetOf(
      aCluster('a', full),
      aCluster('b', full),
      aCluster('c', { taints: [{ key: 'gpu', value: '', effect: 'NoSchedule' }] }),
    );
    const [refused] = decide(aRequest([aGroup([web(1)])]), fleet).refused;
    expect(refused?.refusal).toEqual({ reason: 'NoClusterFits', facts: { Capacity: '2', Taints: '1' } });
    expect(refused?.wakeOn).toEqual(['cluster.capacity', 'cluster.ready', 'cluster.tainted']);
  });

  it('exchanges the best cluster for a roomier one when only that holds all replicas', () => {
    const fleet = fleetOf(
      aCluster('a', { allocatable: room(5, 20) }),
      aCluster('b', { allocatable: room(40, 160), reserved: room(30, 120, 30) }),
    );
    expect(counts(decide(aRequest([aGroup([web(1)], { maxClusters: 1 })]), fleet), 'web')).toEqual({ a: 1 });
    expect(counts(decide(aRequest([aGroup([web(8)], { maxClusters: 1 })]), fleet), 'web')).toEqual({ b: 8 });
  });

  it('finds the only two clusters that together hold all replicas, though others score higher', () => {
    const roomy = { allocatable: room(40, 160), reserved: room(34, 120, 30) };
    const small = { allocatable: room(5, 20) };
    const fleet = fleetOf(aCluster('a', small), aCluster('b', small), aCluster('c', roomy), aCluster('d', roomy));
    for (const division of ['divided', 'packed'] as const)
      expect(counts(decide(aRequest([aGroup([web(12)], { maxClusters: 2, division })]), fleet), 'web')).toEqual({
        c: 6,
        d: 6,
      });
  });

  it('says how many replicas would have fitted', () => {
    const [refused] = decide(aRequest([aGroup([web(25)])]), fleetOf(aCluster('a'), aCluster('b'))).refused;
    expect(refused?.refusal).toEqual({
      reason: 'NotEnoughCapacity',
      facts: { component: 'web', replicas: '25', fitting: '20', clusters: '2' },
    });
  });

  it('refuses when fewer clusters are eligible than the policy demands', () => {
    const decision = decide(aRequest([aGroup([web(4)], { minClusters: 3 })]), fleetOf(aCluster('a'), aCluster('b')));
    expect(decision.refused[0]?.refusal).toEqual({
      reason: 'TooFewClusters',
      facts: { needed: '3', eligible: '2', replicas: '4' },
    });
  });
});

describe('what an application holds', () => {
  const held = (cluster: string, replicas: number) => ({
    component: 'web',
    cluster,
    replicas,
    perReplica: aPod(1000, 1024),
  });

  it('stays where it is, though another cluster is emptier, and is not asked for twice', () => {
    const fleet = fleetOf(aCluster('a', { reserved: room(10, 10, 10) }), aCluster('b'));
    const decision = decide(aRequest([aGroup([web(10)], { maxClusters: 1 })], [held('a', 10)]), fleet);
    expect(counts(decision, 'web')).toEqual({ a: 10 });
    expect(decision.additions).toMatchObject([
      { cluster: 'a', amount: { mcpu: 0, memoryBytes: 0, pods: 0 }, newPods: 0 },
    ]);
  });

  it('grows without moving', () => {
    const fleet = fleetOf(aCluster('a', { reserved: room(2, 2, 2) }), aCluster('b', { reserved: room(1, 1, 1) }));
    const decision = decide(aRequest([aGroup([web(5)])], [held('a', 2), held('b', 1)]), fleet);
    const after = counts(decision, 'web');
    expect(after.a).toBeGreaterThanOrEqual(2);
    expect(after.b).toBeGreaterThanOrEqual(1);
    expect(Object.values(after).reduce((sum, each) => sum + each, 0)).toBe(5);
  });

  it('shrinks from the worst cluster first', () => {
    const fleet = fleetOf(aCluster('a', { reserved: room(3, 3, 3) }), aCluster('b', { reserved: room(5, 5, 5) }));
    const decision = decide(aRequest([aGroup([web(6)])], [held('a', 3), held('b', 5)]), fleet);
    expect(counts(decision, 'web')).toEqual({ a: 3, b: 3 });
  });

  it('keeps its clusters when asked again, though packing it anew would find fewer', () => {
    const parts = [
      aComponent('small', { replicas: 6, perReplica: aPod(250, 1) }),
      aComponent('large', { replicas: 6, perReplica: aPod(1000, 1) }),
    ];
    const cores = (id: string, count: number) => aCluster(id, { allocatable: room(count, 100) });
    const fleet = fleetOf(cores('a', 4), cores('b', 2), cores('c', 4));
    const request = [aGroup(parts, { division: 'packed' })];
    const first = decide(aRequest(request), fleet);
    applyDecision(fleet, first);
    const again = decide(aRequest(request, first.allotments), fleet);
    for (const name of ['small', 'large']) expect(counts(again, name)).toEqual(counts(first, name));
  });

  it('is kept in a cordoned cluster, which gets nothing new', () => {
    const cordoned = aCluster('a', { cordoned: true, reserved: room(2, 2, 2) });
    const decision = decide(aRequest([aGroup([web(3)])], [held('a', 2)]), fleetOf(cordoned, aCluster('b')));
    expect(counts(decision, 'web')).toEqual({ a: 2, b: 1 });
    expect(decide(aRequest([aGroup([web(3)])]), fleetOf(cordoned)).placed).toBe(false);
  });
});

describe('linked components', () => {
  it('are whole in each cluster that they get', () => {
    const group = aGroup([web(5), aComponent('api', { replicas: 2 }), aComponent('cache', { replicas: 3 })]);
    const decision = decide(aRequest([group]), fleetOf(aCluster('a'), aCluster('b'), aCluster('c')));
    const clusters = ['web', 'api', 'cache'].map((name) => counts(decision, name));
    expect(clusters.map((each) => Object.keys(each).length)).toEqual([2, 2, 2]);
    for (const each of clusters) expect(Math.min(...Object.values(each))).toBeGreaterThanOrEqual(1);
  });

  it('are whole even where headroom alone would give nothing', () => {
    const group = aGroup([web(8), aComponent('api', { replicas: 2 })]);
    const fleet = fleetOf(aCluster('a', { allocatable: room(100, 400) }), aCluster('b', { allocatable: room(3, 40) }));
    const decision = decide(aRequest([group]), fleet);
    expect(counts(decision, 'api')).toEqual({ a: 1, b: 1 });
    expect(counts(decision, 'web')).toEqual({ a: 7, b: 1 });
  });

  it('are refused when no cluster holds one of each', () => {
    const group = aGroup([
      aComponent('one', { perReplica: aPod(6000, 1) }),
      aComponent('two', { perReplica: aPod(6000, 1) }),
    ]);
    const decision = decide(aRequest([group]), fleetOf(aCluster('a'), aCluster('b')));
    expect(decision.record.groups[0]?.clusters[0]?.refusal).toEqual({
      reason: 'NotEnoughCapacity',
      facts: { component: 'two', resource: 'mcpu', asked: '6', free: '4000m' },
    });
  });
});

describe('node shapes', () => {
  it('refuse what the sum would hold', () => {
    const node = { free: room(2, 8, 110), architecture: 'amd64', taints: [] };
    const fleet = fleetOf(aCluster('a', { classes: [{ ...node, nodes: 5 }] }));
    expect(
      decide(aRequest([aGroup([aComponent('web', { perReplica: aPod(3000, 1) })])]), fleet).refused[0]?.refusal.facts,
    ).toEqual({ Capacity: '1' });
    expect(
      decide(aRequest([aGroup([aComponent('web', { perReplica: aPod(2000, 1), replicas: 5 })])]), fleet).placed,
    ).toBe(true);
    expect(
      decide(aRequest([aGroup([aComponent('web', { perReplica: aPod(1500, 1), replicas: 6 })])]), fleet).placed,
    ).toBe(false);
  });

  it('are kept current as replicas are handed out', () => {
    const node = { free: room(2, 8, 110), architecture: 'amd64', taints: [] };
    const fleet = fleetOf(aCluster('a', { classes: [{ ...node, nodes: 2 }] }));
    applyDecision(fleet, decide(aRequest([aGroup([aComponent('web', { replicas: 2 })])]), fleet));
    // Least allocated: one on each node, so no node has two cores left.
    expect(decide(aRequest([aGroup([aComponent('big', { perReplica: aPod(2000, 1) })])]), fleet).placed).toBe(false);
    expect(decide(aRequest([aGroup([web(2)])]), fleet).placed).toBe(true);
  });
});

describe('a cluster whose scheduler packs its nodes', () => {
  const node = { free: room(4, 16, 110), allocatable: room(4, 16, 110), architecture: 'amd64', taints: [], nodes: 2 };
  const wholeNodeAfter = (nodeScoring: 'least-allocated' | 'most-allocated' | undefined) => {
    const fleet = fleetOf(aCluster('a', { classes: [node], nodeScoring }));
    const quarters = aComponent('web', { replicas: 2, perReplica: aPod(1000, 4096) });
    applyDecision(fleet, decide(aRequest([aGroup([quarters])]), fleet));
    return decide(aRequest([aGroup([aComponent('whole', { perReplica: aPod(4000, 16_384) })])]), fleet);
  };

  it('has a whole node left where others have a part of each', () => {
    expect(wholeNodeAfter('most-allocated').placed).toBe(true);
    expect(wholeNodeAfter('least-allocated').placed).toBe(false);
    expect(wholeNodeAfter(undefined).placed).toBe(false);
  });
});

describe('pods that no inventory shows yet', () => {
  const node = { free: room(2, 8, 110), architecture: 'amd64', taints: [], nodes: 1 };
  const onSsd = { nodeSelector: [[{ key: 'disk', operator: 'In' as const, values: ['ssd'] }]] };
  const labelled = { classes: [node, { ...node, labels: { disk: 'ssd' } }], labelKeys: ['disk'] };
  const batch = { perReplica: aPod(2000, 1024), replicas: 1 };
  const big = aComponent('big', { perReplica: aPod(2000, 1024), ...onSsd });

  it('are counted on the nodes that they may go to', () => {
    const elsewhere = aCluster('a', { ...labelled, unreflected: [batch] });
    expect(decide(aRequest([aGroup([big])]), fleetOf(elsewhere)).placed).toBe(true);
    const there = aCluster('a', { ...labelled, unreflected: [{ ...batch, rules: { tolerations: [], ...onSsd } }] });
    expect(decide(aRequest([aGroup([big])]), fleetOf(there)).placed).toBe(false);
  });

  it('are counted twice when two decisions were made on the same picture', () => {
    const node = { free: { mcpu: 4000, memoryBytes: 8 * gibi, pods: 10 }, architecture: 'amd64', taints: [] };
    const fleet = fleetOf(aCluster('a', { classes: [{ ...node, nodes: 2 }] }));
    const request = aRequest([aGroup([aComponent('web', { perReplica: aPod(3000, 1024) })])]);
    const [first, second] = [decide(request, fleet), decide(request, fleet)];
    applyDecision(fleet, first);
    applyDecision(fleet, second);
    expect(decide(request, fleet).placed).toBe(false);
  });

  it('are counted there between two decisions as well', () => {
    const fleet = fleetOf(aCluster('a', labelled));
    applyDecision(fleet, decide(aRequest([aGroup([big])]), fleet));
    expect(decide(aRequest([aGroup([big])]), fleet).placed).toBe(false);
  });
});

describe('measured use', () => {
  it('sends at least 90 % to the idle of two clusters with equal requests, until they meet', () => {
    const measured = (percent: number) => ({ mcpu: percent * 1000, memoryBytes: percent * 4 * gibi });
    const base = { allocatable: room(100, 400), reserved: room(20, 80, 20), measureFresh: true };
    const fleet = fleetOf(
      aCluster('a-busy', { ...base, measured: measured(80) }),
      aCluster('b-idle', { ...base, measured: measured(20) }),
    );
    const chosen: string[] = [];
    for (let index = 0; index < 60; index++) {
      const decision = decide(aRequest([aGroup([web(1)])]), fleet);
      applyDecision(fleet, decision);
      chosen.push(...decision.allotments.map(({ cluster }) => cluster));
    }
    expect(chosen.filter((cluster) => cluster === 'b-idle').length).toBeGreaterThanOrEqual(54);
  });

  it('is left out when stale: requests alone count', () => {
    const fleet = fleetOf(
      aCluster('a', { measured: { mcpu: 9000, memoryBytes: 0 }, measureFresh: false }),
      aCluster('b', { measured: { mcpu: 0, memoryBytes: 0 }, measureFresh: false, reserved: room(1, 0, 0) }),
    );
    expect(counts(decide(aRequest([aGroup([web(1)])]), fleet), 'web')).toEqual({ a: 1 });
  });
});
