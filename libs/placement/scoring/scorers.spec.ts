import { describe, expect, it } from 'vitest';
import { decide } from '../decide.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, room } from '../testing/fleet.fixture.js';

describe('the strategy balance', () => {
  // 10 cores and 40 GiB each: of the first CPU is used, of the second memory, of the third neither.
  const fleet = fleetOf(
    aCluster('cpu-used', { reserved: room(5, 4, 1) }),
    aCluster('memory-used', { reserved: room(1, 24, 1) }),
    aCluster('empty'),
  );
  const place = (perReplica: ReturnType<typeof aPod>, strategy: 'balance' | 'headroom') => {
    const group = aGroup([aComponent('web', { perReplica })], { strategy, maxClusters: 1 });
    return decide(aRequest([group]), fleet).allotments.map(({ cluster }) => cluster);
  };

  it('sends memory to where CPU is used, and CPU to where memory is, though another cluster is emptier', () => {
    expect(place(aPod(100, 16_384), 'balance')).toEqual(['cpu-used']);
    expect(place(aPod(5000, 1024), 'balance')).toEqual(['memory-used']);
    expect(place(aPod(100, 16_384), 'headroom')).toEqual(['empty']);
  });

  it('takes the emptiest of those that are alike', () => {
    expect(place(aPod(1000, 4096), 'balance')).toEqual(['empty']);
  });
});
