import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalQuantity, quantityValue } from './quantity.js';

describe('quantities', () => {
  it.each([
    ['0.5', '500m'],
    ['1000m', '1'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['0.1Gi', '107374182400m'],
    ['100M', '100M'],
    ['2000', '2k'],
    ['0', '0'],
    ['1e3', '1e3'],
    ['a lot', 'a lot'],
  ])('keeps %s as %s', (given, kept) => {
    expect(canonicalQuantity(given)).toBe(kept);
  });

  it('changes the form and never the value', () => {
    const suffix = fc.constantFrom('m', '', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi');
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(99), suffix, (whole, cents, unit) => {
        const text = `${whole}.${String(cents).padStart(2, '0')}${unit}`;
        const kept = canonicalQuantity(text);
        const value = quantityValue(text) ?? -1;
        expect(Math.abs((quantityValue(kept) ?? -2) - value)).toBeLessThanOrEqual(value * 1e-12);
        expect(canonicalQuantity(kept)).toBe(kept);
      }),
    );
  });
});
