import { describe, expect, it } from 'vitest';
import type { PlacementPolicy } from '#domain';
import { type Decision, decide } from '../decide.js';
import type { ClusterState } from '../fleet/cluster-state.js';
import { hourlyMicros } from '../fleet/cost.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, gibi } from '../testing/fleet.fixture.js';

const priced = (id: string, cores: number, differs: Partial<ClusterState> = {}): ClusterState =>
  aCluster(id, { price: { coreHourMicros: cores, gibHourMicros: 1000 }, ...differs });
const placed = (clusters: readonly ClusterState[], policy: Partial<PlacementPolicy>): Decision =>
  decide(
    aRequest([aGroup([aComponent('web', { perReplica: aPod(500, 2048) })], { maxClusters: 1, ...policy })]),
    fleetOf(...clusters),
  );
const chosen = ({ allotments }: Decision): string[] => allotments.map(({ cluster }) => cluster);
const verdict = ({ record }: Decision, cluster: string) =>
  record.groups[0]?.clusters.find((each) => each.cluster === cluster);
const points = (decision: Decision, scorer: string): (number | undefined)[] | undefined =>
  decision.record.groups[0]?.clusters.map(({ scores }) => scores.find((each) => each.scorer === scorer)?.score);

describe('a maximum price', () => {
  it('is one of a replica of each component together, an hour', () => {
    expect(hourlyMicros([500, 2 * gibi, 1], { coreHourMicros: 30_000, gibHourMicros: 1000 })).toBe(17_000);
    expect(hourlyMicros([1, 0, 1], { coreHourMicros: 1, gibHourMicros: 0 })).toBe(1);
    const linked = aGroup(
      [aComponent('web', { perReplica: aPod(500, 0) }), aComponent('api', { perReplica: aPod(500, 0) })],
      {
        maxPriceMicros: 29_999,
      },
    );
    expect(decide(aRequest([linked]), fleetOf(priced('a', 30_000))).placed).toBe(false);
  });

  it('turns away what is dearer, and what nobody knows the price of', () => {
    const fleet = [priced('a', 30_000), priced('b', 60_000), aCluster('c')];
    const decision = placed(fleet, { maxPriceMicros: 17_000 });
    expect(chosen(decision)).toEqual(['a']);
    expect(verdict(decision, 'b')).toMatchObject({
      filter: 'Price',
      refusal: { reason: 'TooExpensive', facts: { hourlyMicros: '32000', maxPriceMicros: '17000' } },
    });
    expect(verdict(decision, 'c')?.refusal?.reason).toBe('NoPrice');
    expect(placed(fleet, { maxPriceMicros: 1 }).refused[0]?.wakeOn).toEqual(['cluster.ready', 'cluster.relabelled']);
  });
});

describe('price and carbon as a preference', () => {
  const busy = { reserved: { mcpu: 5000, memoryBytes: 0, pods: 0 } };
  const fleet = [priced('a', 60_000), priced('b', 28_000, busy), aCluster('c')];

  it('count for nothing unless the policy says so', () => {
    expect(chosen(placed(fleet, {}))).toEqual(['a']);
    expect(points(placed(fleet, {}), 'Cost')).toEqual([0, 0, 0]);
  });

  it('prefer the cheapest, by how many times cheaper it is; the unknown is the dearest', () => {
    const decision = placed(fleet, { costWeight: 100 });
    expect(chosen(decision)).toEqual(['b']);
    expect(points(decision, 'Cost')).toEqual([500, 1000, 0]);
    expect(points(placed(fleet, { costWeight: 50 }), 'Cost')).toEqual([250, 500, 0]);
  });

  it('prefer clean power', () => {
    const grids = [aCluster('a', { carbonIntensity: 400 }), aCluster('b', { carbonIntensity: 100, ...busy })];
    expect(points(placed(grids, { carbonWeight: 100 }), 'Carbon')).toEqual([250, 1000]);
    expect(chosen(placed(grids, { carbonWeight: 100 }))).toEqual(['b']);
  });

  it('go to what costs nothing before all else, and never by zero', () => {
    const free = aCluster('z', { price: { coreHourMicros: 0, gibHourMicros: 0 } });
    expect(points(placed([priced('a', 1), free], { costWeight: 100 }), 'Cost')).toEqual([0, 1000]);
  });

  it('move nothing that is held', () => {
    const group = aGroup([aComponent('web')], { maxClusters: 1, costWeight: 100, carbonWeight: 100 });
    const held = { component: 'web', cluster: 'a', replicas: 1, perReplica: aPod(1000, 1024) };
    const clusters = [priced('a', 60_000, { carbonIntensity: 900 }), priced('b', 1, { carbonIntensity: 1 })];
    expect(chosen(decide(aRequest([group], [held]), fleetOf(...clusters)))).toEqual(['a']);
    expect(chosen(decide(aRequest([group]), fleetOf(...clusters)))).toEqual(['b']);
  });
});

describe('residency', () => {
  const fleet = [
    aCluster('a', { jurisdictions: ['us', 'eu'] }),
    aCluster('b', { jurisdictions: ['eu'] }),
    aCluster('c', { jurisdictions: ['de', 'eu'] }),
    aCluster('d'),
  ];

  it('admits only where all laws that apply are allowed', () => {
    const decision = placed(fleet, { residency: ['eu', 'de'], maxClusters: 0, division: 'duplicated' });
    expect(chosen(decision)).toEqual(['b', 'c']);
    expect(verdict(decision, 'a')).toMatchObject({
      filter: 'Residency',
      refusal: { reason: 'NotResident', facts: { allowed: 'eu, de', found: 'us, eu' } },
    });
    expect(verdict(decision, 'd')?.refusal?.facts.found).toBe('none');
  });
});
