import { describe, expect, it } from 'vitest';
import { UsageError } from '../failure.js';
import { amountText } from '../text/figures.js';
import { costsOf } from './costs.js';

describe('what a cluster costs', () => {
  it('is read without rounding, with the fields that it sets', () => {
    const options = { corePrice: '0.031', memoryPrice: '2', carbon: '380', jurisdiction: ['eu', 'de'] };
    expect(costsOf(options)).toEqual({
      costs: {
        price: { coreHourMicros: 31_000n, gibHourMicros: 2_000_000n },
        carbonIntensity: 380,
        jurisdictions: ['eu', 'de'],
      },
      paths: ['price', 'carbon_intensity', 'jurisdictions'],
    });
    expect(costsOf({ jurisdiction: [] })).toEqual({ costs: {}, paths: [] });
  });

  it.each([
    { corePrice: 'NaN', memoryPrice: '1' },
    { corePrice: '1', memoryPrice: 'Infinity' },
    { corePrice: '-1', memoryPrice: '1' },
    { corePrice: '0.0000001', memoryPrice: '1' },
    { corePrice: '1' },
    { carbon: '-3' },
    { carbon: '1e3' },
  ])('is refused as %o', (options) => {
    expect(() => costsOf({ jurisdiction: [], ...options })).toThrow(UsageError);
  });

  it.each([
    [31_000n, '0.031'],
    [2_000_000n, '2'],
    [0n, '0'],
    [1n, '0.000001'],
  ])('of %s millionths is written %s', (micros, text) => {
    expect(amountText(micros)).toBe(text);
  });
});
