import { describe, expect, it } from 'vitest';
import type { FieldDrift } from '#domain';
import type { OwnedObject } from '#kube';
import { WorkNotes } from './notes.js';

const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'n', name: 'web' };
const observed: OwnedObject = {
  ...{ ...ref, uid: 'u', resourceVersion: '7', workId: 'w', component: 'web', generation: '1', digest: 'd' },
  ...{ deleting: false, adopted: false },
  readiness: { state: 'ready', replicas: undefined, reason: '', message: '', summary: '' },
};
const drift = (path: string, found: string): FieldDrift => ({
  ...{ object: ref, path, ordered: 'ordered', found, manager: 'kubectl', changedAt: undefined },
});
const settled = { drifts: [], conflicts: [], outcome: 'put-back' } as const;
const told = (notes: WorkNotes) => notes.findings.drifts.map(({ path, found, outcome }) => [path, found, outcome]);

describe('what was put back', () => {
  it('is told until its time is over, whatever the object shows meanwhile', () => {
    const notes = new WorkNotes();
    notes.putBack('web', [drift('spec.image', '1.28')], 600);
    notes.note('web', observed, settled); // an event of before, and nothing is lost any more
    notes.putBack('web', [drift('spec.replicas', '5')], 900);
    expect(told(notes)).toEqual([
      ['spec.replicas', '5', 'put-back'],
      ['spec.image', '1.28', 'put-back'],
    ]);
    notes.fade(600);
    expect(told(notes)).toEqual([['spec.replicas', '5', 'put-back']]);
  });

  it('is told once for each field, as it was found last', () => {
    const notes = new WorkNotes();
    notes.putBack('web', [drift('spec.replicas', '4')], 600);
    notes.putBack('web', [drift('spec.replicas', '5')], 900);
    expect(told(notes)).toEqual([['spec.replicas', '5', 'put-back']]);
    notes.note('web', observed, { drifts: [drift('spec.replicas', '6')], conflicts: [], outcome: 'fought-over' });
    expect(told(notes)).toEqual([['spec.replicas', '6', 'fought-over']]);
  });

  it('is not told when it could not be put back', () => {
    const notes = new WorkNotes();
    notes.putBack('web', [drift('spec.image', '1.28')], 600);
    notes.notPutBack('web', [drift('spec.image', '1.28')]);
    expect(told(notes)).toEqual([]);
  });
});
