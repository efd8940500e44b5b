import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { age, cores, memory, readSpan, share, span, until } from './figures.js';
import { colours, noColours } from './look.js';

const plain = { palette: noColours, bars: false, now: 0 };

describe('figures', () => {
  it.each([
    [0, '0s'],
    [999, '0s'],
    [42_000, '42s'],
    [60_000, '1m'],
    [192_000, '3m12s'],
    [725_000, '12m'],
    [3_600_000, '1h'],
    [5 * 3_600_000 + 120_000, '5h2m'],
    [12 * 86_400_000, '12d'],
    [-5_000, '0s'],
  ])('writes %i ms as %s', (ms, text) => expect(span(ms)).toBe(text));

  it('reads back what it writes, to the precision written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 * 86_400_000 }), (ms) => {
        const read = readSpan(span(ms)) ?? Number.NaN;
        expect(read).toBeLessThanOrEqual(ms);
        expect(ms - read).toBeLessThan(Math.max(1000, ms / 10));
      }),
    );
  });

  it.each(['', '5', 'm', '5x', '-5m', '1m1h', ' 5m'])('takes "%s" for no span', (text) =>
    expect(readSpan(text)).toBeUndefined(),
  );

  it('tells how long ago and how long from now', () => {
    expect(age(timestampFromMs(1000), 61_000)).toBe('1m');
    expect(age(undefined, 61_000)).toBe('-');
    expect(until(timestampFromMs(61_000), 1000)).toBe('in 1m');
    expect(until(timestampFromMs(1000), 1000)).toBe('expired');
  });

  it('shows a share as a percentage, with a bar for people', () => {
    expect(share(425, plain)).toBe('43%');
    expect(share(undefined, plain)).toBe('-');
    expect(share(500, { ...plain, bars: true })).toBe('███░░░  50%');
    expect(share(1700, { ...plain, bars: true })).toBe('██████ 170%');
    expect(share(950, { palette: colours, bars: true, now: 0 })).toContain('\u001b[31m');
  });

  it('shows amounts in cores and as Kubernetes writes memory', () => {
    expect(cores(250n)).toBe('0.3');
    expect(cores(16_000n)).toBe('16');
    expect(memory(512n * 2n ** 20n)).toBe('512Mi');
    expect(memory(96n * 2n ** 30n)).toBe('96Gi');
  });
});
