import { describe, expect, it } from 'vitest';
import type { NodeExpression, NodeSelector } from '#domain';
import { decide } from '../decide.js';
import { defaultPolicy } from '../policy.js';
import { aCluster, aComponent, aGroup, aPod, aRequest, fleetOf } from '../testing/fleet.fixture.js';
import type { ClusterState } from './cluster-state.js';
import { selectorText, selects } from './node-selector.js';

const expression = (key: string, operator: NodeExpression['operator'], ...values: string[]): NodeExpression => ({
  ...{ key, operator, values },
});
const ssd: NodeSelector = [[expression('disk', 'In', 'ssd')]];

describe('a selector', () => {
  const cases: [string, NodeExpression, Record<string, string>, boolean][] = [
    ['In', expression('disk', 'In', 'ssd', 'nvme'), { disk: 'nvme' }, true],
    ['In, another value', expression('disk', 'In', 'ssd'), { disk: 'tape' }, false],
    ['In, no label', expression('disk', 'In', ''), {}, false],
    ['NotIn', expression('disk', 'NotIn', 'tape'), { disk: 'ssd' }, true],
    ['NotIn, that value', expression('disk', 'NotIn', 'tape'), { disk: 'tape' }, false],
    ['NotIn, no label', expression('disk', 'NotIn', 'tape'), {}, true],
    ['Exists', expression('disk', 'Exists'), { disk: '' }, true],
    ['Exists, no label', expression('toString', 'Exists'), {}, false],
    ['DoesNotExist', expression('disk', 'DoesNotExist'), {}, true],
    ['DoesNotExist, but it does', expression('disk', 'DoesNotExist'), { disk: '' }, false],
    ['Gt', expression('cores', 'Gt', '8'), { cores: '16' }, true],
    ['Gt, equal', expression('cores', 'Gt', '8'), { cores: '8' }, false],
    ['Gt, no label', expression('cores', 'Gt', '-1'), {}, false],
    ['Lt', expression('cores', 'Lt', '8'), { cores: '-2' }, true],
    ['Lt, no number', expression('cores', 'Lt', '8'), { cores: '4.5' }, false],
  ];
  it.each(cases)('holds as Kubernetes has it: %s', (_, one, labels, holds) => {
    expect(selects([[one]], labels)).toBe(holds);
  });

  it('needs all expressions of one of its terms; none selects nothing', () => {
    const either: NodeSelector = [
      [expression('disk', 'In', 'ssd'), expression('spot', 'DoesNotExist')],
      [expression('disk', 'In', 'nvme')],
    ];
    expect(selects(either, { disk: 'ssd' })).toBe(true);
    expect(selects(either, { disk: 'ssd', spot: 'yes' })).toBe(false);
    expect(selects(either, { disk: 'nvme', spot: 'yes' })).toBe(true);
    expect(selects([], { disk: 'ssd' })).toBe(false);
    expect(selects([[]], { disk: 'ssd' })).toBe(false);
    expect(selectorText(either)).toBe('disk=ssd and no spot or disk=nvme');
    expect(selectorText([[expression('z', 'NotIn', 'a', 'b'), expression('n', 'Gt', '3')]])).toBe(
      'z not in (a, b) and n > 3',
    );
  });
});

describe('a component that selects nodes', () => {
  const nodes = (count: number, disk: string | undefined): ClusterState['classes'][number] => ({
    ...{ nodes: count, free: aPod(2000, 4096), architecture: 'amd64', taints: [] },
    ...(disk === undefined ? {} : { labels: { disk } }),
  });
  const withPods = (state: ClusterState['classes'][number]) => ({ ...state, free: { ...state.free, pods: 100 } });
  const cluster = (id: string, differs: Partial<ClusterState>) => aCluster(id, { labelKeys: ['disk'], ...differs });
  const ask = (replicas: number, states: readonly ClusterState[], selector: NodeSelector = ssd) =>
    decide(
      aRequest([aGroup([aComponent('db', { replicas, nodeSelector: selector })], { division: 'divided' })]),
      fleetOf(...states),
      defaultPolicy,
    );

  it('goes only where nodes match, as many as fit there', () => {
    const few = cluster('few', { classes: [nodes(1, 'ssd'), nodes(9, 'tape')].map(withPods) });
    const more = cluster('more', { classes: [nodes(2, 'ssd')].map(withPods) });
    const none = cluster('none', { classes: [nodes(9, undefined)].map(withPods) });
    const decision = ask(6, [few, more, none]);
    expect(Object.fromEntries(decision.allotments.map((each) => [each.cluster, each.replicas]))).toEqual({
      few: 2,
      more: 4,
    });
    expect(ask(7, [few, more, none]).placed).toBe(false);
  });

  it('is refused where no node matches, by name, and waits for capacity', () => {
    const decision = ask(1, [cluster('a', { classes: [nodes(3, 'tape')].map(withPods) })]);
    expect(decision.record.groups[0]?.clusters[0]?.refusal).toEqual({
      reason: 'NoNodeMatches',
      facts: { component: 'db', selector: 'disk=ssd' },
    });
    expect(decision.refused[0]?.wakeOn).toContain('cluster.capacity');
  });

  it('is refused where nobody told the label, and waits for that', () => {
    const decision = ask(1, [cluster('a', { labelKeys: ['zone'], classes: [nodes(3, undefined)].map(withPods) })]);
    expect(decision.record.groups[0]?.clusters[0]?.refusal).toEqual({
      reason: 'NodeLabelsUnknown',
      facts: { component: 'db', label: 'disk' },
    });
    expect(decision.refused[0]?.wakeOn).toContain('cluster.capacity');
  });

  it('goes anywhere an agent of before tells no labels, or nodes are not known', () => {
    const before = aCluster('before', { classes: [nodes(3, undefined)].map(withPods) });
    expect(ask(1, [before]).placed).toBe(true);
    expect(ask(1, [cluster('unknown', { classes: [] })]).placed).toBe(true);
  });
});
