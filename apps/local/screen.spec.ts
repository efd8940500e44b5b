import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { colour, openScreen } from './screen.js';

function drawnOn(colours: boolean): string {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  const screen = openScreen({ write, isTTY: true, columns: 80, colours });
  screen.say(colour.green('said'));
  screen.show([colour.red('shown')]);
  return text;
}

it('paints at a terminal, and only there where colours are wanted', () => {
  expect(drawnOn(true)).toContain(colour.green('said'));
  const plain = drawnOn(false);
  expect(plain.split('\n').some((line) => line.endsWith('m'))).toBe(false);
  expect(plain).not.toContain(colour.red('shown'));
  expect(stripVTControlCharacters(plain)).toContain('shown');
});
