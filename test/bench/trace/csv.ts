import { BenchInputError } from '../scenario.js';

/** A line of a file, by the names of its columns. */
export interface CsvRow {
  file: string;
  /** Counted from 1, the heading included. */
  line: number;
  values: Readonly<Record<string, string>>;
}

/** A cell that is not what it may be. */
export class CsvError extends BenchInputError {
  constructor(at: { file: string; line: number; column?: string }, found: string, allowed: string) {
    const column = at.column === undefined ? '' : `, column ${at.column}`;
    super(`${at.file}, line ${at.line}${column}: found ${found}; allowed is ${allowed}`);
  }
}

/** Lines of plain fields under a heading, as traces come: no quotes, no line breaks inside a field. */
export function readCsv(file: string, text: string, required: readonly string[]): CsvRow[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const heading = (lines[0] ?? '').split(',').map((name) => name.trim());
  const missing = required.filter((name) => !heading.includes(name));
  if (missing.length > 0)
    throw new CsvError(
      { file, line: 1 },
      `no column ${missing.join(', ')}`,
      `a heading with ${required.join(', ')} among others`,
    );
  return lines.slice(1).flatMap((content, index) => {
    if (content.trim() === '') return [];
    const at = { file, line: index + 2 };
    if (content.includes('"')) throw new CsvError(at, 'a quote', 'plain fields with commas between them');
    const cells = content.split(',').map((cell) => cell.trim());
    if (cells.length !== heading.length)
      throw new CsvError(at, `${cells.length} fields`, `${heading.length}, as in the heading`);
    return [{ ...at, values: Object.fromEntries(heading.map((name, place) => [name, cells[place] ?? ''])) }];
  });
}

/** A whole number from `least` to `most`. */
export function wholeNumber({ file, line, values }: CsvRow, column: string, least: number, most: number): number {
  const found = values[column] ?? '';
  const number = /^\d{1,15}$/.test(found) ? Number(found) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new CsvError({ file, line, column }, `"${found}"`, `a whole number from ${least} to ${most}`);
}

/** What is not empty and in no line before. */
export function uniqueName({ file, line, values }: CsvRow, column: string, seen: Set<string>): string {
  const found = values[column] ?? '';
  if (found === '' || seen.has(found))
    throw new CsvError({ file, line, column }, `"${found}"`, 'a name that no line before has');
  seen.add(found);
  return found;
}
