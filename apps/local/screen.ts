import { stripVTControlCharacters } from 'node:util';

/** Where the demo speaks: a picture that is redrawn on a terminal, plain lines elsewhere. */
export interface Screen {
  /** A line that stays. */
  say(line: string): void;
  /** The picture below all lines; on a terminal it replaces the one before, elsewhere only its new lines are printed. */
  show(picture: readonly string[]): void;
  /** Leaves the last picture standing. */
  settle(): void;
}

export interface Output {
  /** False: no colours, also on a terminal. */
  readonly colours?: boolean;
  write(text: string): void;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const clearBelow = '\u001b[J';
const up = (lines: number) => (lines === 0 ? '' : `\u001b[${lines}A`);
/** Colours take no room. */
const visible = (line: string) => stripVTControlCharacters(line);

export function openScreen(output: Output): Screen {
  return output.isTTY === true ? liveScreen(output) : plainScreen(output);
}

function liveScreen(output: Output): Screen {
  let drawn: readonly string[] = [];
  const painted = (line: string) => (output.colours === false ? visible(line) : line);
  const fitted = (line: string) => {
    const width = output.columns || 80; // 0: a terminal that does not know
    return visible(line).length <= width ? painted(line) : `${visible(line).slice(0, width - 1)}…`;
  };
  const draw = (above: string, picture: readonly string[]) => {
    output.write(`${up(drawn.length)}\r${clearBelow}${above}${picture.map((line) => `${fitted(line)}\n`).join('')}`);
    drawn = picture;
  };
  return {
    say: (line) => draw(`${painted(line)}\n`, drawn),
    show: (picture) => draw('', picture),
    settle: () => {
      drawn = [];
    },
  };
}

function plainScreen(output: Output): Screen {
  let said = new Set<string>();
  return {
    say: (line) => output.write(`${visible(line)}\n`),
    show: (picture) => {
      for (const line of picture.map(visible)) if (line.trim() !== '' && !said.has(line)) output.write(`${line}\n`);
      said = new Set(picture.map(visible));
    },
    settle: () => {
      said = new Set();
    },
  };
}

const paint = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
export const colour = {
  bold: paint(1),
  dim: paint(2),
  red: paint(31),
  green: paint(32),
  yellow: paint(33),
  blue: paint(36),
};
