import { describe, expect, it } from 'vitest';
import { devicesFit, withoutDevices } from './devices.js';
import { NodeClasses } from './node-classes.js';

const part = (milli: number) => ({ count: 1, milli, models: [] });
const whole = (count: number) => ({ count, milli: 1000, models: [] });

describe('devices of a node', () => {
  it('take parts as often as each device alone has them', () => {
    expect(devicesFit([1000, 700, 300], part(400))).toBe(3);
    expect(devicesFit([300, 300], part(400))).toBe(0);
  });

  it('take whole ones only where nobody uses a part', () => {
    expect(devicesFit([1000, 1000, 999], whole(1))).toBe(2);
    expect(devicesFit([1000, 1000, 1000], whole(2))).toBe(1);
  });

  it('give a part from the fullest that has it, so that whole ones stay whole', () => {
    expect(withoutDevices([1000, 700, 500], part(400))).toEqual([1000, 700, 100]);
    expect(withoutDevices([1000, 1000, 200], whole(2))).toEqual([200, 0, 0]);
  });
});

describe('the node that the member will take', () => {
  const gibi = 2 ** 30;
  const size = (cores: number, gibibytes: number) => ({ mcpu: cores * 1000, memoryBytes: gibibytes * gibi, pods: 100 });
  const node = (free: ReturnType<typeof size>, allocatable: ReturnType<typeof size>) => ({
    ...{ nodes: 1, free, allocatable, architecture: 'amd64', taints: [] },
  });
  const asked = [1000, gibi, 1];
  const afterOne = (classes: NodeClasses, big: readonly number[]) => {
    classes.take(asked, 1, { tolerations: [] });
    return classes.count(big, { tolerations: [] });
  };

  it('is the one with the greatest share left, not the one with the most room', () => {
    // 20 of 100 cores are a fifth, 10 of 10 are all: the small one is taken, and the big one keeps room for 20 cores
    const classes = NodeClasses.of([node(size(20, 80), size(100, 400)), node(size(10, 40), size(10, 40))]);
    expect(afterOne(classes, [20_000, gibi, 1])).toBe(1);
    expect(classes.count([10_000, gibi, 1], { tolerations: [] })).toBe(2);
  });

  it('is the one whose CPU and memory are used alike, where the shares are alike', () => {
    // both have half left in the mean; one has no memory used, the other both by half
    const classes = NodeClasses.of([node(size(10, 80), size(20, 80)), node(size(15, 60), size(20, 80))]);
    expect(afterOne(classes, [15_000, gibi, 1])).toBe(0);
  });

  it('has the model and the devices that are asked for', () => {
    const base = { nodes: 1, free: size(8, 32), architecture: 'amd64', taints: [] };
    const classes = NodeClasses.of([
      { ...base, deviceModel: 'T4', devices: [1000, 1000] },
      { ...base, deviceModel: 'A10', devices: [1000] },
    ]);
    const a10 = { tolerations: [], devices: { count: 1, milli: 500, models: ['A10'] } };
    expect(classes.count(asked, a10)).toBe(2);
    expect(classes.take(asked, 3, a10)).toBe(2);
    expect(classes.count(asked, { tolerations: [], devices: whole(1) })).toBe(2);
  });
});
