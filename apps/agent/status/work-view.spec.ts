import { describe, expect, it } from 'vitest';
import { defaultObjectPolicy, type Work } from '#domain';
import type { OwnedObject, OwnedWatch } from '#kube';
import { ApplyRefused, failureOf } from '../work/failure.js';
import { HeldWorks } from '../work/held-works.js';
import { wantedObjects } from '../work/plan.js';
import { reasonOf, statusOf } from './work-view.js';

const reasonFor = (refusal: ApplyRefused) => {
  const failure = failureOf(refusal);
  return failure && reasonOf(failure, 3n);
};

it('names the generation that was refused for good, and the way out', () => {
  expect(reasonFor(new ApplyRefused('ObjectNotOurs', 'it is there already'))).toEqual({
    reason: 'ObjectNotOurs',
    message: 'it is there already; objectPolicy.adoption: ADOPTION_POLICY_EXISTING takes it over',
    count: 1,
    refusedGeneration: '3',
  });
});

it('says of what may pass that nothing is refused', () => {
  expect(reasonFor(new ApplyRefused('BeingReplaced', 'still going', true))).toEqual({
    ...{ reason: 'BeingReplaced', message: 'still going', count: 1 },
  });
});

const work: Work = {
  ...{ id: '00000000-0000-4000-8000-000000000001', cluster: 'c', sequence: 2n, generation: 2n, namespace: 'n' },
  ...{ environment: 'production', application: 'a', component: 'web', policy: defaultObjectPolicy },
  objects: ['config', 'more'].map((name) => ({
    ...{
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'n' },
      data: { of: 'the second generation' },
    },
  })),
};
const asOrdered: readonly OwnedObject[] = wantedObjects(work).map(({ ref, digest }) => ({
  ...{ ...ref, digest, uid: ref.name, resourceVersion: '1', workId: work.id, component: 'web', generation: '2' },
  ...{ deleting: false, adopted: false },
  readiness: { state: 'ready', replicas: undefined, reason: '', message: '', summary: '' },
}));
const showing = (objects: readonly OwnedObject[]): OwnedWatch => ({
  synced: Promise.resolve(),
  done: new Promise(() => undefined),
  works: () => [work.id],
  objectsOf: (id) => (id === work.id ? [...objects] : []),
  podsOf: () => [],
  eventsOf: () => [],
  setRules: () => undefined,
  compare: () => undefined,
  watchKind: async () => undefined,
});

describe('a work that was in the cluster as ordered', () => {
  /** What is told of it when the cluster holds these afterwards, all of them well. */
  const phaseAfter = (objects: readonly OwnedObject[]) => {
    const works = new HeldWorks();
    works.take(work);
    const held = works.get(work.id);
    if (held === undefined) throw new Error('the work was not taken');
    works.examine(held, asOrdered);
    works.examine(held, objects);
    const { generation, phase } = statusOf(work.id, held, showing(objects));
    return { generation, phase };
  };

  it('is ready as long as it is', () => {
    expect(phaseAfter(asOrdered)).toEqual({ generation: 2n, phase: 'ready' });
  });

  it('is being applied once an older agent has put back what was before, though everything runs', () => {
    const [first, ...others] = asOrdered.map((each) => ({ ...each, digest: `${each.digest} of before` }));
    if (first === undefined) throw new Error('nothing is ordered');
    expect(phaseAfter([first, ...asOrdered.slice(1)])).toEqual({ generation: 2n, phase: 'applying' });
    expect(phaseAfter([first, ...others])).toEqual({ generation: 2n, phase: 'applying' });
  });

  it('is being applied once somebody has deleted a part of it', () => {
    expect(phaseAfter(asOrdered.slice(1))).toEqual({ generation: 2n, phase: 'applying' });
  });
});
