import type { PluginAnswer } from '#domain';
import type { ByteReader, ByteWriter } from './bytes.js';
import { readNumbers, writeNumbers } from './columns.js';

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
      if (column !== undefined) writeNumbers(out, column);
    }
  }
}

export function readAnswers(input: ByteReader, count: number): PluginAnswer[] {
  const column = (): number[] | undefined => (input.byte() === 1 ? readNumbers(input, count) : undefined);
  return Array.from({ length: input.varint() }, () => ({
    plugin: input.text(),
    version: input.text(),
    failure: input.byte() === 1 ? input.text() : undefined,
    reasons: Array.from({ length: input.varint() }, () => input.text()),
    verdicts: column(),
    scores: column(),
  }));
}

/** What the plug-in of this name gave all clusters; undefined when there is none of that name, or it does not score. */
export const scoresOf = (
  answers: readonly PluginAnswer[] | undefined,
  name: string | undefined,
): ArrayLike<number> | undefined => answers?.find(({ plugin }) => plugin === name)?.scores;
