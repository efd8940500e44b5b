import Table from 'cli-table3';
import type { Palette } from './look.js';

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '   ',
};

/** Columns, a line each row, nothing at the ends of lines. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], palette: Palette): string[] {
  const drawn = new Table({
    chars: noBorders,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  drawn.push(head.map(palette.bold), ...rows.map((row) => [...row]));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** Names and values, one pair a line, the values beneath each other. */
export function pairs(entries: readonly (readonly [name: string, value: string])[], palette: Palette): string[] {
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${palette.bold(name.padEnd(width))}   ${value}`.trimEnd());
}
