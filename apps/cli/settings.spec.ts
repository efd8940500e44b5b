import { expect, it } from 'vitest';
import { namesIn, settingsOf } from './settings.js';

it('takes a cluster by its id or by its whole name, and nothing else', () => {
  const names = namesIn(settingsOf({ output: 'table', color: false }, {}));
  expect(names.cluster('tokyo')).toBe('clusters/tokyo');
  expect(names.cluster('clusters/tokyo')).toBe('clusters/tokyo');
  expect(() => names.cluster('clusters/clusters/tokyo')).toThrow('the cluster is "clusters/tokyo"');
  expect(() => names.cluster('zones/tokyo')).toThrow('the cluster is "zones/tokyo"');
});
