import { describe, expect, it } from 'vitest';
import type { PlacementPolicy } from '#domain';
import { decide } from '../decide.js';
import type { RequestedStorage } from '../request.js';
import { aCluster, aComponent, aGroup, aRequest, fleetOf, room } from '../testing/fleet.fixture.js';

const standard = { name: 'standard', isDefault: true };
const fast = { name: 'fast', isDefault: false };

/** `a` is the emptiest of them. */
const fleet = fleetOf(
  aCluster('a', { storageClasses: [] }),
  aCluster('b', { storageClasses: [fast], reserved: room(1, 1, 1) }),
  aCluster('c', { storageClasses: [standard], reserved: room(2, 2, 2) }),
  aCluster('d', { cordoned: true, reserved: room(9, 9, 9) }),
);

function place(
  storage: RequestedStorage | undefined,
  { policy = {}, held = {}, replicas = 2 }: Asked = {},
): readonly (readonly [string, number])[] | { reason: string; reasons: Record<string, string | undefined> } {
  const db = aComponent('db', { replicas, storage });
  const previous = Object.entries(held).map(([cluster, count]) => ({
    ...{ component: 'db', cluster, replicas: count, perReplica: db.perReplica },
  }));
  const decision = decide(aRequest([aGroup([db], { maxClusters: 1, ...policy })], previous), fleet);
  if (decision.placed) return decision.allotments.map(({ cluster, replicas: count }) => [cluster, count]);
  const clusters = decision.record.groups[0]?.clusters ?? [];
  return {
    reason: decision.refused[0]?.refusal.reason ?? '',
    reasons: Object.fromEntries(clusters.map(({ cluster, refusal }) => [cluster, refusal?.reason])),
  };
}

interface Asked {
  policy?: Partial<PlacementPolicy>;
  held?: Record<string, number>;
  replicas?: number;
}

const needs = (...classes: string[]): RequestedStorage => ({ classes, keepsData: true });

describe('storage classes', () => {
  it('are where volumes of them are to be made', () => {
    expect(place(undefined)).toEqual([['a', 2]]);
    expect(place(needs('fast'))).toEqual([['b', 2]]);
    expect(place(needs(''))).toEqual([['c', 2]]);
  });

  it('that are missing are named, with those that are there', () => {
    const db = aComponent('db', { storage: needs('', 'fast') });
    const { record } = decide(aRequest([aGroup([db])]), fleet);
    expect(record.groups[0]?.clusters.map(({ refusal }) => refusal)).toMatchObject([
      { reason: 'NoDefaultStorageClass', facts: { component: 'db', found: 'none' } },
      { reason: 'NoDefaultStorageClass', facts: { component: 'db', found: 'fast' } },
      { reason: 'NoStorageClass', facts: { component: 'db', storageClass: 'fast', found: 'standard' } },
      { reason: 'Cordoned' },
    ]);
  });

  it('of which nobody tells are taken to be there', () => {
    const unknown = fleetOf(aCluster('a'));
    const db = aComponent('db', { storage: needs('fast') });
    expect(decide(aRequest([aGroup([db])]), unknown).placed).toBe(true);
  });

  it('wake when the classes of a cluster change', () => {
    const db = aComponent('db', { storage: needs('slow') });
    expect(decide(aRequest([aGroup([db])]), fleet).refused[0]?.wakeOn).toContain('cluster.storage');
  });
});

describe('what has data', () => {
  const data: RequestedStorage = { classes: [], keepsData: true };

  it('goes anywhere at first, and stays where it is then, though a better cluster is there', () => {
    expect(place(data)).toEqual([['a', 2]]);
    expect(place(data, { held: { c: 2 } })).toEqual([['c', 2]]);
    expect(place(data, { held: { c: 2 }, policy: { division: 'packed', strategy: 'packing' } })).toEqual([['c', 2]]);
  });

  it('grows and shrinks where its data is', () => {
    expect(place(data, { held: { c: 2 }, replicas: 5 })).toEqual([['c', 5]]);
    expect(place(data, { held: { c: 5 }, replicas: 1 })).toEqual([['c', 1]]);
  });

  it('is refused rather than moved: where it may no longer be, and where it has no room to grow', () => {
    const elsewhere = { a: 'DataElsewhere', b: 'DataElsewhere', d: 'Cordoned' };
    expect(place(data, { held: { c: 2 }, policy: { clusters: ['a', 'b', 'd'] } })).toMatchObject({
      reason: 'NoClusterFits',
      reasons: { ...elsewhere, c: 'NotNamed' },
    });
    expect(place(data, { held: { c: 2 }, replicas: 50 })).toMatchObject({ reasons: elsewhere });
    expect(place(data, { held: { gone: 2 } })).toMatchObject({ reasons: { a: 'DataElsewhere', c: 'DataElsewhere' } });
  });

  it('is left behind where the policy says so, and what has none moves', () => {
    const away: Partial<PlacementPolicy> = { clusters: ['a'] };
    expect(place(data, { held: { c: 2 }, policy: { ...away, leaveData: true } })).toEqual([['a', 2]]);
    expect(place({ classes: [], keepsData: false }, { held: { c: 2 }, policy: away })).toEqual([['a', 2]]);
  });
});
