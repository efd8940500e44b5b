import { expect, it } from 'vitest';
import { heldTable } from './members.js';

it('heads the columns of what members hold, and has none for nothing', () => {
  const held = { cluster: 'east', kind: 'Service', namespace: 'shop', name: 'web', uid: 'u-1', resourceVersion: '42' };
  expect(heldTable([held])).toEqual([
    '  CLUSTER  KIND     NAMESPACE  NAME  UID  RESOURCEVERSION',
    '  east     Service  shop       web   u-1  42',
  ]);
  expect(heldTable([])).toEqual([]);
});
