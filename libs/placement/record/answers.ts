import type { PluginAnswer } from '#domain';
import type { ByteReader, ByteWriter } from './bytes.js';

/** A list of texts, and columns of which each may be absent. */
export function writeAnswers(out: ByteWriter, answers: readonly PluginAnswer[]): void {
  out.varint(answers.length);
  for (const { plugin, version, failure, reasons, verdicts, scores } of answers) {
    out.text(plugin);
    out.text(version);
    out.byte(failure === undefined ? 0 : 1);
    if (failure !== undefined) out.text(failure);
    out.varint(reasons.length);
    for (const reason of reasons) out.text(reason);
    for (const column of [verdicts, scores]) {
      out.byte(column === undefined ? 0 : 1);
      if (column !== undefined) writeColumn(out, column);
    }
  }
}

export function readAnswers(input: ByteReader, count: number): PluginAnswer[] {
  const column = (): number[] | undefined => (input.byte() === 1 ? readColumn(input, count) : undefined);
  return Array.from({ length: input.varint() }, () => ({
    plugin: input.text(),
    version: input.text(),
    failure: input.byte() === 1 ? input.text() : undefined,
    reasons: Array.from({ length: input.varint() }, () => input.text()),
    verdicts: column(),
    scores: column(),
  }));
}

const nibbles = 1;
const twelves = 3;

/** Numbers up to 4095: one for all, or 4, 8 or 12 bits each. Quick, since every decision has its own. */
function writeColumn(out: ByteWriter, column: ArrayLike<number>): void {
  const count = column.length;
  let least = column[0] ?? 0;
  let most = least;
  for (let at = 1; at < count; at++) {
    const value = column[at] ?? 0;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const width = least === most ? 0 : most < 16 ? nibbles : most < 256 ? 2 : twelves;
  out.byte(width);
  if (width === 0) out.varint(least);
  else out.raw(packed(column, width));
}

/** So many half-bytes each, the lower first. */
function packed(column: ArrayLike<number>, width: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((column.length * width) / 2));
  for (let at = 0; at < column.length; at++) {
    const value = column[at] ?? 0;
    const first = (at * width) >> 1;
    if (width === 2) bytes[first] = value;
    else if ((at * width) % 2 === 0) {
      bytes[first] = value & 255;
      if (width === twelves) bytes[first + 1] = value >> 8;
    } else {
      bytes[first] = (bytes[first] ?? 0) + ((value & 15) << 4);
      if (width === twelves) bytes[first + 1] = value >> 4;
    }
  }
  return bytes;
}

function readColumn(input: ByteReader, count: number): number[] {
  const width = input.byte();
  if (width === 0) {
    const value = input.varint();
    return Array.from({ length: count }, () => value);
  }
  return input.bits(count, width * 4);
}

/** What the plug-in of this name gave all clusters; undefined when there is none of that name, or it does not score. */
export const scoresOf = (
  answers: readonly PluginAnswer[] | undefined,
  name: string | undefined,
): ArrayLike<number> | undefined => answers?.find(({ plugin }) => plugin === name)?.scores;
