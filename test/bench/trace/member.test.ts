import { describe, expect, it } from 'vitest';
import { seededChance } from '#domain';
import type { TraceNode, TracePod } from './input.js';
import { MemberCluster, mostPods } from './member.js';

const aNode = (name: string, differs: Partial<TraceNode> = {}): TraceNode => ({
  ...{ name, mcpu: 10_000, memoryMib: 10_000, devices: 0, model: '' },
  ...differs,
});
const aPod = (mcpu: number, memoryMib: number, differs: Partial<TracePod> = {}): TracePod => ({
  ...{ name: 'pod', mcpu, memoryMib, devices: 0, deviceMilli: 0, models: [] },
  ...differs,
});
const share = (deviceMilli: number, models: readonly string[] = []): TracePod =>
  aPod(100, 100, { devices: 1, deviceMilli, models });
const whole = (devices: number): TracePod => aPod(100, 100, { devices, deviceMilli: 1000 });
const memberOf = (...nodes: readonly TraceNode[]): MemberCluster => new MemberCluster(nodes, seededChance(1));
const devicesOf = (member: MemberCluster) => member.nodes().map(({ freeMilli }) => freeMilli);

describe('the simulated member', () => {
  it('chooses the node with the most left', () => {
    // 1000m and 1000Mi of 10000: least floor((90 + 90) / 2) = 90, balanced 100; of 20000: least 95, balanced 100.
    expect(
      memberOf(aNode('small'), aNode('large', { mcpu: 20_000, memoryMib: 20_000 })).start(aPod(1_000, 1_000)),
    ).toBe('large');
  });

  it('weighs balance against room', () => {
    // lean: CPU 90 and memory 0 left, floor(90 / 2) = 45; used 0.1 and 1.0, floor((1 − 0.45) × 100) = 55: 100 in all.
    // even: CPU 20 and memory 20 left, 20; used 0.8 and 0.8, balanced 100: 120 in all, although it has less.
    const lean = aNode('lean', { memoryMib: 1_000 });
    const even = aNode('even', { mcpu: 1_250, memoryMib: 1_250 });
    expect(memberOf(lean, even).start(aPod(1_000, 1_000))).toBe('even');
  });

  it('rounds scores down, so that nodes of nearly the same room are equal, and chance decides', () => {
    const nodes = [aNode('a'), aNode('b', { mcpu: 10_010, memoryMib: 10_010 })];
    const chosen = Array.from({ length: 40 }, (_, seed) =>
      new MemberCluster(nodes, seededChance(seed)).start(aPod(1_000, 1_000)),
    );
    expect(new Set(chosen)).toEqual(new Set(['a', 'b']));
  });

  it('puts a part onto the fullest device that takes it', () => {
    const member = memberOf(aNode('gpu', { devices: 3, model: 'T4' }));
    for (const milli of [600, 500, 300]) member.start(share(milli));
    expect(devicesOf(member)).toEqual([[100, 500, 1000]]);
    member.start(share(500));
    expect(devicesOf(member)).toEqual([[100, 0, 1000]]);
    expect(member.started.deviceMilli).toBe(1900);
  });

  it('gives whole devices only where nobody shares them, all on one node', () => {
    const member = memberOf(aNode('a', { devices: 2 }), aNode('b', { devices: 1 }));
    expect(member.start(whole(2))).toBe('a');
    expect(member.canStart(whole(2))).toBe(false);
    expect(member.start(share(1))).toBe('b');
    expect(member.start(whole(1))).toBeUndefined();
    expect(devicesOf(member)).toEqual([[0, 0], [999]]);
  });

  it('starts a pod only on allowed models, and starts nothing where CPU, memory or pods are short', () => {
    const member = memberOf(aNode('gpu', { devices: 1, model: 'T4' }));
    expect(member.start(share(100, ['P100', 'V100']))).toBeUndefined();
    expect(member.start(share(100, ['P100', 'T4']))).toBe('gpu');
    expect(member.start(aPod(9_901, 1))).toBeUndefined();
    expect(member.start(aPod(1, 9_901))).toBeUndefined();
    for (let pods = 1; pods < mostPods; pods++) expect(member.start(aPod(0, 0))).toBe('gpu');
    expect(member.start(aPod(0, 0))).toBeUndefined();
    expect(member.started).toEqual({ pods: mostPods, mcpu: 100, memoryMib: 100, deviceMilli: 100 });
  });
});
