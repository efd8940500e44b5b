import { describe, expect, it } from 'vitest';
import { type Affinity, anywhere, type Component } from '#domain';
import { inDecidingOrder } from './group-order.js';

const component = (name: string): Component => ({
  ...{
    name,
    kind: 'service',
    replicas: 1,
    containers: [],
    initContainers: [],
    servicePorts: [],
    links: [],
    objects: [],
  },
  workloadExtra: { metadata: {}, spec: {}, podMetadata: {}, podSpec: {} },
});

const group = (name: string, ...named: string[]) => ({
  components: [component(name)],
  policy: {
    ...anywhere,
    affinity: named.map(
      (each): Affinity => ({ application: '', component: each, by: 'cluster', apart: true, preferred: false }),
    ),
  },
});

const order = (...groups: ReturnType<typeof group>[]): string =>
  inDecidingOrder(groups)
    .map(({ components: [first] }) => first?.name)
    .join(' ');

describe('the order of deciding', () => {
  it('is that of the spec, but for those that go by others', () => {
    expect(order(group('a'), group('b'), group('c'))).toBe('a b c');
    expect(order(group('a', 'c'), group('b'), group('c'))).toBe('c a b');
    expect(order(group('a', 'b'), group('b', 'c'), group('c'))).toBe('c b a');
  });

  it('has every group once, also in a ring', () => {
    expect(order(group('a', 'b'), group('b', 'a'))).toBe('b a');
    expect(order(group('a', 'nobody'), group('b', 'b'))).toBe('a b');
  });
});
