import { describe, expect, it } from 'vitest';
import type { NodeClass } from '#domain';
import { applyDecision, decide } from '../decide.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf, gibi, room } from '../testing/fleet.fixture.js';

const node = (cores: number, devices: readonly number[], differs: Partial<NodeClass> = {}): NodeClass => ({
  nodes: 1,
  free: { mcpu: cores * 1000, memoryBytes: 64 * gibi, pods: 100 },
  allocatable: { mcpu: 16_000, memoryBytes: 64 * gibi, pods: 100 },
  architecture: 'amd64',
  taints: [],
  devices,
  ...differs,
});
const size = { allocatable: room(16, 64) };
const packed = (component: ReturnType<typeof aComponent>) =>
  aRequest([aGroup([component], { strategy: 'packing', division: 'packed' })]);
const placeOf = (decision: ReturnType<typeof decide>) => decision.allotments.map(({ cluster }) => cluster);

describe('packing', () => {
  it('fills the fullest cluster that has the room, where headroom takes the emptiest', () => {
    const fleet = fleetOf(
      aCluster('a'),
      aCluster('b', { reserved: room(6, 0, 6) }),
      aCluster('c', { reserved: room(10, 0, 9) }),
    );
    expect(placeOf(decide(packed(aComponent('web')), fleet))).toEqual(['b']);
    expect(placeOf(decide(aRequest([aGroup([aComponent('web')])]), fleet))).toEqual(['a']);
  });

  it('takes CPU from nodes whose devices are used, not from those that need it beside theirs', () => {
    const fleet = fleetOf(
      aCluster('a-free', { ...size, reserved: room(4, 0, 1), classes: [node(12, [1000, 1000])] }),
      aCluster('b-used', { ...size, classes: [node(16, [0, 0])] }),
    );
    expect(placeOf(decide(packed(aComponent('web', { perReplica: aPod(8000, 1024) })), fleet))).toEqual(['b-used']);
  });

  it('gives a part of a device where CPU for a whole one is not there any more', () => {
    const part = { devices: { count: 1, milli: 500, models: [] } };
    const fleet = fleetOf(
      aCluster('a', { ...size, classes: [node(16, [1000, 1000])] }),
      aCluster('b', { ...size, reserved: room(12, 0, 1), classes: [node(4, [1000, 500])] }),
    );
    expect(placeOf(decide(packed(aComponent('net', { perReplica: aPod(100, 64), ...part })), fleet))).toEqual(['b']);
  });

  it('prefers a node that was reported to one that was foreseen', () => {
    const fleet = fleetOf(
      aCluster('a', { ...size, classes: [node(16, [])] }),
      aCluster('b', { ...size, reserved: room(1, 1, 1), classes: [node(15, [])] }),
    );
    applyDecision(fleet, decide(aRequest([aGroup([aComponent('first')], { clusters: ['a'] })]), fleet));
    const [group] = decide(packed(aComponent('web')), fleet).record.groups;
    const certain = group?.clusters.map(({ scores }) => scores.find(({ scorer }) => scorer === 'Certainty')?.score);
    expect(certain).toEqual([0, 1000]);
  });
});

describe('headroom', () => {
  it('goes by the rest where nobody tells of devices', () => {
    const part = { devices: { count: 1, milli: 100, models: [] } };
    const fleet = fleetOf(aCluster('a', { reserved: room(6, 0, 1) }), aCluster('b'));
    expect(placeOf(decide(aRequest([aGroup([aComponent('net', part)])]), fleet))).toEqual(['b']);
  });

  it('counts devices for those that ask for some, and for no others', () => {
    const fleet = fleetOf(
      aCluster('a', { ...size, classes: [node(16, [200, 0])] }),
      aCluster('b', { ...size, reserved: room(6, 0, 1), classes: [node(10, [1000, 1000])] }),
    );
    const part = { devices: { count: 1, milli: 100, models: [] } };
    expect(placeOf(decide(aRequest([aGroup([aComponent('net', part)])]), fleet))).toEqual(['b']);
    expect(placeOf(decide(aRequest([aGroup([aComponent('web')])]), fleet))).toEqual(['a']);
  });
});
