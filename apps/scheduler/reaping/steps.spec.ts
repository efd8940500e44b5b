import { describe, expect, it } from 'vitest';
import type { placementStore } from '#store';
import { reapingSteps } from './steps.js';

const dropped = (differs: Partial<placementStore.DroppedObject> = {}): placementStore.DroppedObject => ({
  workId: 'w1',
  cluster: 'north',
  tenant: 'acme',
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  namespace: 'berth-x',
  name: 'web',
  droppedGeneration: 2n,
  uid: 'u1',
  adopted: false,
  tombstone: 'none',
  restLeft: false,
  holders: 1,
  ...differs,
});
const namespace = (differs: Partial<placementStore.DroppedObject> = {}) =>
  dropped({ kind: 'Namespace', apiVersion: 'v1', namespace: '', name: 'berth-x', ...differs });

describe('reapingSteps', () => {
  it('buries what the agent still sees, by the uid that it sees', () => {
    expect(reapingSteps([dropped()]).bury).toMatchObject([{ name: 'web', uid: 'u1', mode: 'delete' }]);
  });

  it('lets go what was there before Berth, and deletes nothing of it', () => {
    expect(reapingSteps([dropped({ adopted: true })]).bury).toMatchObject([{ uid: 'u1', mode: 'let-go' }]);
    expect(reapingSteps([namespace({ adopted: true })]).bury).toMatchObject([{ mode: 'let-go' }]);
  });

  it('waits for the confirmation of an open tombstone', () => {
    expect(reapingSteps([dropped({ tombstone: 'open' })])).toEqual({ bury: [], forget: [] });
  });

  it('forgets what the agent no longer sees, and what it has confirmed', () => {
    const objects = [dropped({ uid: undefined }), dropped({ tombstone: 'confirmed' })];
    expect(reapingSteps(objects)).toEqual({ bury: [], forget: objects });
  });

  it('keeps a namespace until everything else of its work is gone', () => {
    expect(reapingSteps([namespace({ restLeft: true })])).toEqual({ bury: [], forget: [] });
    expect(reapingSteps([namespace()]).bury).toHaveLength(1);
  });

  it('leaves a namespace to the last of the works that answer for it', () => {
    const both = [namespace({ workId: 'w1', holders: 2 }), namespace({ workId: 'w2', holders: 2 })];
    const { bury, forget } = reapingSteps(both);
    expect(forget.map(({ workId }) => workId)).toEqual(['w1']);
    expect(bury.map(({ workId }) => workId)).toEqual(['w2']);
    expect(reapingSteps([namespace({ holders: 2 })])).toMatchObject({ bury: [], forget: [{ workId: 'w1' }] });
  });
});
