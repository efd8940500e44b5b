import { describe, expect, it } from 'vitest';
import { UsageError } from '../failure.js';
import { changedLabels, changedTaints } from './facts.js';

describe('changes to a cluster’s facts', () => {
  it('sets, replaces and takes away labels', () => {
    expect(changedLabels({ a: '1', b: '2' }, ['a=3', 'b-', 'c=x=y', 'd='])).toEqual({ a: '3', c: 'x=y', d: '' });
  });

  it('sets, replaces and takes away taints', () => {
    const taints = [
      { key: 'gpu', value: 'old', effect: 'NoSchedule' },
      { key: 'gpu', value: 'run', effect: 'NoExecute' },
      { key: 'spot', value: '', effect: 'NoSchedule' },
    ];
    expect(changedTaints(taints, ['gpu=new:NoSchedule', 'spot-'])).toEqual([
      { key: 'gpu', value: 'run', effect: 'NoExecute' },
      { key: 'gpu', value: 'new', effect: 'NoSchedule' },
    ]);
    expect(changedTaints(taints, ['gpu:NoExecute-']).map(({ effect }) => effect)).toEqual(['NoSchedule', 'NoSchedule']);
    expect(changedTaints(taints, ['gpu-'])).toHaveLength(1);
  });

  it.each(['gpu', 'gpu=yes', 'gpu=yes:Never', '=x:NoSchedule', ''])('refuses "%s" as a taint', (text) => {
    expect(() => changedTaints([], [text])).toThrow(UsageError);
  });

  it.each(['team', '=x', ''])('refuses "%s" as a label', (text) => {
    expect(() => changedLabels({}, [text])).toThrow(UsageError);
  });
});
