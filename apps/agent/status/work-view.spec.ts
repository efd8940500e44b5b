import { expect, it } from 'vitest';
import { ApplyRefused, failureOf } from '../work/failure.js';
import { reasonOf } from './work-view.js';

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
