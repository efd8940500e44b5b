import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineTooLong, linesOf } from './lines.js';

async function* cutAt(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const size of sizes) {
    if (start >= bytes.length) return;
    yield bytes.subarray(start, start + size);
    start += size;
  }
  if (start < bytes.length) yield bytes.subarray(start);
}

const collect = async (lines: AsyncIterable<string>): Promise<string[]> => {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
};

describe('lines of a stream', () => {
  it('are the same however the bytes are cut, in the middle of characters too', async () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\n'));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.integer({ min: 1, max: 5 })), async (lines, sizes) => {
        const bytes = Buffer.from(lines.map((each) => `${each}\n`).join(''));
        expect(await collect(linesOf(cutAt(bytes, sizes), 1_000))).toEqual(lines);
      }),
    );
  });

  it('end with an error when one grows beyond the bound', async () => {
    const bytes = Buffer.from(`ok\n${'x'.repeat(50)}`);
    await expect(collect(linesOf(cutAt(bytes, Array(20).fill(5)), 20))).rejects.toBeInstanceOf(LineTooLong);
  });

  it('leave out a last line that was cut off', async () => {
    expect(await collect(linesOf(cutAt(Buffer.from('one\ntw'), []), 20))).toEqual(['one']);
  });
});
