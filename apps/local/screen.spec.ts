import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { colour, openScreen } from './screen.js';

function drawnOn(colours: boolean, columns = 80, picture = [colour.red('shown')]): string {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  const screen = openScreen({ write, isTTY: true, columns, colours });
  screen.say(colour.green('said'));
  screen.show(picture);
  return text;
}

it('paints at a terminal, and only there where colours are wanted', () => {
  expect(drawnOn(true)).toContain(colour.green('said'));
  const plain = drawnOn(false);
  expect(plain).not.toContain(colour.green('said'));
  expect(plain).not.toContain(colour.red('shown'));
  expect(stripVTControlCharacters(plain)).toContain('said\n');
  expect(stripVTControlCharacters(plain)).toContain('shown\n');
});

it('takes a terminal that says it is 0 wide for one of 80', () => {
  const line = 'x'.repeat(80);
  expect(drawnOn(true, 0, [line, `${line}x`])).toContain(`${line}\n${line.slice(1)}…\n`);
});
