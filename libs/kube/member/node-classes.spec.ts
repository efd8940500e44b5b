import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FreeNode, labelledClasses, mostClasses, nodeClasses } from './node-classes.js';

const mebibyte = 2 ** 20;

const milli = fc.integer({ min: 0, max: 1000 });

const node: fc.Arbitrary<FreeNode> = fc.record({
  free: fc.record({
    mcpu: fc.integer({ min: 0, max: 64_000 }),
    memoryBytes: fc.integer({ min: 0, max: 256 * 1024 }).map((mib) => mib * mebibyte + 17),
    pods: fc.integer({ min: 0, max: 110 }),
  }),
  architecture: fc.constantFrom('amd64', 'arm64'),
  taints: fc.constantFrom([], [{ key: 'gpu', value: '', effect: 'NoSchedule' as const }]),
  devices: fc
    .oneof(fc.array(milli, { maxLength: 0 }), fc.array(milli, { minLength: 4, maxLength: 4 }))
    .map((devices) => devices.sort((a, b) => b - a)),
  extended: fc.constantFrom({ 'example.com/nic': 1 }, { 'example.com/nic': 3 }),
});

type Told = Pick<FreeNode, 'architecture' | 'taints' | 'free' | 'devices' | 'extended'>;

const shape = (each: Told): string => JSON.stringify([each.architecture, each.taints, each.devices?.length]);
const amountsOf = ({ free, devices = [], extended = {} }: Told): number[] => [
  ...[free.mcpu, free.memoryBytes, free.pods],
  ...devices,
  ...Object.values(extended),
];
const covers = (room: Told, demand: Told): boolean => {
  const asked = amountsOf(demand);
  return amountsOf(room).every((amount, at) => amount >= (asked[at] ?? 0));
};

/** Whether every class's nodes can be matched, one to one, with real nodes that have as much: greedy from the largest. */
function isPromiseKept(nodes: readonly FreeNode[], classes: ReturnType<typeof nodeClasses>): boolean {
  for (const probe of classes) {
    const promised = classes
      .filter((c) => shape(c) === shape(probe) && covers(c, probe))
      .reduce((n, c) => n + c.nodes, 0);
    const real = nodes.filter((n) => shape(n) === shape(probe) && covers(n, probe)).length;
    if (promised > real) return false;
  }
  return true;
}

describe('classes of nodes', () => {
  it('never promise more nodes with so much free than there are', () => {
    fc.assert(
      fc.property(fc.array(node, { maxLength: 200, size: 'max' }), (nodes) => {
        const classes = nodeClasses(nodes);
        expect(classes.length).toBeLessThanOrEqual(mostClasses);
        expect(classes.reduce((sum, each) => sum + each.nodes, 0)).toBe(nodes.length);
        expect(isPromiseKept(nodes, classes)).toBe(true);
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });

  it('are exact for a cluster of a few shapes', () => {
    const big: FreeNode = {
      free: { mcpu: 3_950, memoryBytes: 8 * 2 ** 30, pods: 100 },
      architecture: 'amd64',
      taints: [],
    };
    const small = { ...big, free: { mcpu: 150, memoryBytes: 2 ** 30, pods: 3 } };
    expect(nodeClasses([small, big, big])).toEqual([
      { ...big, nodes: 2 },
      { ...small, nodes: 1 },
    ]);
  });

  it('keep nodes apart by their free devices and what these are', () => {
    const plain: FreeNode = {
      ...{ free: { mcpu: 1_000, memoryBytes: 2 ** 30, pods: 10 }, architecture: 'amd64', taints: [] },
    };
    const gpu = { ...plain, extended: { 'nvidia.com/gpu': 2 }, deviceModel: 'A100' };
    const other = { ...gpu, deviceModel: 'H100' };
    expect(nodeClasses([gpu, plain, gpu, other])).toEqual([
      { ...gpu, nodes: 2 },
      { ...plain, nodes: 1 },
      { ...other, nodes: 1 },
    ]);
  });

  it('leave out the least when there are more shapes than classes', () => {
    const shapes = Array.from({ length: 80 }, (_, index) => ({
      free: { mcpu: 1_000 * (index + 1), memoryBytes: 2 ** 30, pods: 10 },
      architecture: `arch-${index}`,
      taints: [],
    }));
    const classes = nodeClasses(shapes);
    expect(classes.length).toBe(mostClasses);
    expect(classes.some((each) => each.architecture === 'arch-79')).toBe(true);
  });

  const labelled = (n: number, labels: Record<string, string>): FreeNode => ({
    free: { mcpu: 1_000 + n, memoryBytes: 2 ** 30, pods: 10 },
    ...{ architecture: 'amd64', taints: [], labels },
  });

  it('are told apart by labels; a label with too many values goes, and no node for it', () => {
    const nodes = Array.from({ length: 200 }, (_, n) =>
      labelled(n, { disk: n % 4 === 0 ? 'ssd' : 'tape', 'kubernetes.io/hostname': `node-${n}` }),
    );
    const { classes, labelKeys } = labelledClasses(nodes, ['disk', 'kubernetes.io/hostname']);
    expect(labelKeys).toEqual(['disk']);
    const count = (disk: string) =>
      classes.filter(({ labels }) => labels?.disk === disk).reduce((sum, each) => sum + each.nodes, 0);
    expect([count('ssd'), count('tape')]).toEqual([50, 150]);
    expect(classes.length).toBeLessThanOrEqual(mostClasses);
    expect(classes.every(({ labels }) => Object.keys(labels ?? {}).join() === 'disk')).toBe(true);
    expect(labelledClasses([labelled(0, {})], ['disk']).classes[0]).not.toHaveProperty('labels');
  });

  it('merge first where the least is lost, and the last of what is scarce not at all', () => {
    const gpu = (mcpu: number, devices: readonly number[]): FreeNode => ({
      free: { mcpu, memoryBytes: 2 ** 30, pods: 10 },
      ...{ architecture: 'amd64', taints: [], deviceModel: 'A100', devices },
    });
    const full = Array.from({ length: 80 }, (_, n) => gpu(10_000 + n * 10, [0, 0]));
    const classes = nodeClasses([...full, gpu(10_000, [1000, 0]), gpu(10_000, [900, 0])]);
    expect(classes.length).toBe(mostClasses);
    expect(classes.map(({ devices }) => devices?.[0]).filter((milli) => milli !== 0)).toEqual([1000, 900]);
    const lost = full.reduce((sum, { free }) => sum + free.mcpu, 20_000);
    expect(classes.reduce((sum, { nodes, free }) => sum + nodes * free.mcpu, 0)).toBeGreaterThan(lost - 80 * 10);
  });

  it('tell sizes, one where machines differ by little, and the least of what was merged', () => {
    const sized = (n: number, memoryBytes: number): FreeNode => ({
      ...labelled(n, { disk: 'ssd' }),
      allocatable: { mcpu: 4_000, memoryBytes, pods: 110 },
    });
    const alike = Array.from({ length: 100 }, (_, n) => sized(n, 16 * 2 ** 30 + n * 1_021));
    expect(
      new Set(labelledClasses(alike, ['disk']).classes.map(({ allocatable }) => allocatable?.memoryBytes)),
    ).toEqual(new Set([16 * 2 ** 30]));
    const wild = Array.from({ length: 100 }, (_, n) => ({
      ...sized(n, n * 2 ** 36),
      allocatable: { mcpu: n * 8_000 + 8_000, memoryBytes: n * 2 ** 36, pods: 110 },
    }));
    const told = labelledClasses(wild, ['disk']);
    expect(told.labelKeys).toEqual(['disk']);
    expect(told.classes.length).toBe(mostClasses);
    for (const { free, allocatable } of told.classes) expect(allocatable?.mcpu).toBeGreaterThanOrEqual(free.mcpu);
  });
});
