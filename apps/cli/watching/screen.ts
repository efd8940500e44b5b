import { stripVTControlCharacters } from 'node:util';
import type { Output } from '../io.js';

/** A picture at a terminal, drawn over the one before. */
export interface Screen {
  draw(lines: readonly string[]): void;
}

const clearBelow = '\u001b[J';
const up = (lines: number) => (lines === 0 ? '' : `\u001b[${lines}A`);

/** A line longer than the terminal is wide would wrap and spoil the count of lines; it is cut, without its colours. */
export function fitted(line: string, width: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= width ? line : `${plain.slice(0, Math.max(0, width - 1))}…`;
}

export function openScreen(output: Output): Screen {
  let drawn = 0;
  return {
    draw: (lines) => {
      const picture = lines.map((line) => `${fitted(line, output.columns || 80)}\n`).join('');
      output.write(`${up(drawn)}\r${clearBelow}${picture}`);
      drawn = lines.length;
    },
  };
}
