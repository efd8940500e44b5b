import { describe, expect, it } from 'vitest';
import { arrivalsOf, fleetOf } from './fleets.js';
import { nodesOf, podsOf } from './input.js';

const nodes = (...lines: readonly string[]) =>
  nodesOf('nodes.csv', ['sn,cpu_milli,memory_mib,gpu,model', ...lines].join('\n'));
const podHeading = 'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time';
const pods = (...lines: readonly string[]) => podsOf('pods.csv', [podHeading, ...lines].join('\n'));

describe('the files of a trace', () => {
  it('are read by the names of their columns, pods in order of creation', () => {
    expect(nodes('a,32000,262144,0,', 'b,96000,393216,8,G2\r')).toEqual([
      { name: 'a', mcpu: 32_000, memoryMib: 262_144, devices: 0, model: '' },
      { name: 'b', mcpu: 96_000, memoryMib: 393_216, devices: 8, model: 'G2' },
    ]);
    expect(pods('late,6000,12288,1,460,T4|P100,LS,Running,20', 'early,1000,0,0,0,,BE,Failed,3', '')).toEqual([
      { name: 'early', mcpu: 1_000, memoryMib: 0, devices: 0, deviceMilli: 0, models: [] },
      { name: 'late', mcpu: 6_000, memoryMib: 12_288, devices: 1, deviceMilli: 460, models: ['T4', 'P100'] },
    ]);
  });

  it.each([
    ['a quote', () => nodes('a,32"x,1,0,'), 'a quote'],
    [
      'a negative amount',
      () => nodes('a,-1,1,0,'),
      'nodes.csv, line 2, column cpu_milli: found "-1"; allowed is a whole number from 1 to',
    ],
    ['NaN', () => nodes('a,1,1,0,', 'b,1,NaN,0,'), 'nodes.csv, line 3, column memory_mib: found "NaN"'],
    [
      'a name twice',
      () => nodes('a,1,1,0,', 'a,1,1,0,'),
      'nodes.csv, line 3, column sn: found "a"; allowed is a name that no line before has',
    ],
    ['a field too few', () => nodes('a,1,1,0'), 'nodes.csv, line 2: found 4 fields; allowed is 5, as in the heading'],
    ['no node', () => nodes(), 'nodes.csv, line 2: found no line; allowed is at least one node'],
    [
      'a missing column',
      () => podsOf('pods.csv', 'name,cpu_milli\na,1'),
      'pods.csv, line 1: found no column memory_mib, num_gpu, gpu_milli, gpu_spec',
    ],
    [
      'parts of two devices',
      () => pods('a,1,1,2,500,,,,0'),
      'pods.csv, line 2, column gpu_milli: found "500"; allowed is a whole number from 1000 to 1000',
    ],
    [
      'a part of nothing',
      () => pods('a,1,1,1,0,,,,0'),
      'column gpu_milli: found "0"; allowed is a whole number from 1 to 1000',
    ],
    ['no time', () => pods('a,1,1,0,0,,,,soon'), 'pods.csv, line 2, column creation_time: found "soon"'],
  ])('are refused with the line, what was found and what is allowed: %s', (_, read, message) => {
    expect(read).toThrow(message);
  });
});

describe('fleets and orders', () => {
  const trace = {
    nodes: nodes(...Array.from({ length: 300 }, (_, n) => `node-${n},8000,8000,2,T4`)),
    pods: pods(...Array.from({ length: 50 }, (_, n) => `pod-${n},1000,1000,1,${100 + n},,,,${n}`)),
  };

  it('lose no node', () => {
    const fleet = fleetOf(trace.nodes, 24);
    expect(fleet.flatMap((cluster) => cluster.nodes).length).toBe(300);
    expect(Math.min(...fleet.map((cluster) => cluster.nodes.length))).toBeGreaterThan(3);
  });

  it('hold the whole trace and draws up to 130 % of the devices, the same for the same seed', () => {
    for (const order of [0, 1]) {
      const arrivals = arrivalsOf(trace, order, 7);
      expect(arrivalsOf(trace, order, 7)).toEqual(arrivals);
      expect(new Set(arrivals.slice(0, 50)).size).toBe(50);
      const asked = arrivals.map(({ deviceMilli }) => deviceMilli);
      const sum = asked.reduce((total, each) => total + each, 0);
      expect(sum).toBeGreaterThanOrEqual(780_000);
      expect(sum - (asked.at(-1) ?? 0)).toBeLessThan(780_000);
    }
    expect(arrivalsOf(trace, 0, 7).slice(0, 50)).toEqual(trace.pods);
    expect(arrivalsOf(trace, 1, 7).slice(0, 50)).not.toEqual(trace.pods);
  });
});
