import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PluginAnswer } from '#domain';
import { readAnswers, writeAnswers } from './answers.js';
import { ByteReader, ByteWriter } from './bytes.js';

const roundTrip = (answers: readonly PluginAnswer[], count: number): PluginAnswer[] => {
  const out = new ByteWriter();
  writeAnswers(out, answers);
  return readAnswers(new ByteReader(out.finish()), count);
};

/** An answer about so many clusters, with numbers up to a bound. */
const answer = (count: number): fc.Arbitrary<PluginAnswer> => {
  const column = fc
    .constantFrom(0, 1, 15, 16, 255, 256, 1000, 4095)
    .chain((max) => fc.array(fc.nat(max), { minLength: count, maxLength: count }));
  return fc.record({
    plugin: fc.string(),
    version: fc.string(),
    failure: fc.option(fc.string(), { nil: undefined }),
    reasons: fc.array(fc.string(), { maxLength: 3 }),
    verdicts: fc.option(column, { nil: undefined }),
    scores: fc.option(column, { nil: undefined }),
  });
};

it('answers of plug-ins come back as they were', () => {
  fc.assert(
    fc.property(
      fc.nat(9).chain((count) => fc.tuple(fc.constant(count), fc.array(answer(count), { maxLength: 3 }))),
      ([count, answers]) => {
        expect(roundTrip(answers, count)).toEqual(answers);
      },
    ),
    { numRuns: 500 },
  );
});
