import fc from 'fast-check';
import { expect, it } from 'vitest';
import { wholeLines } from './whole-lines.js';

async function* cut(text: Buffer, sizes: readonly number[]) {
  let start = 0;
  for (const size of sizes) {
    yield text.subarray(start, start + size);
    start += size;
  }
  yield text.subarray(start);
}

it('cuts at the ends of lines, however the bytes arrive, and only longer lines within', async () => {
  const lines = fc.array(fc.string({ maxLength: 40, unit: 'grapheme-ascii' }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(lines, fc.array(fc.nat(30), { maxLength: 30 }), async (texts, sizes) => {
      const text = Buffer.from(texts.map((each) => `${each}\n`).join(''));
      const pieces: Buffer[] = [];
      for await (const piece of wholeLines(cut(text, sizes), 24)) pieces.push(piece);
      expect(Buffer.concat(pieces).equals(text)).toBe(true);
      for (const piece of pieces) {
        expect(piece.length).toBeLessThanOrEqual(24);
        expect(piece.at(-1) === 0x0a || piece.length === 24).toBe(true);
      }
    }),
  );
});

it('ends a last line that has no end', async () => {
  const pieces: string[] = [];
  for await (const piece of wholeLines(cut(Buffer.from('one\ntwo'), [5]), 100)) pieces.push(piece.toString());
  expect(pieces).toEqual(['one\n', 'two\n']);
});
