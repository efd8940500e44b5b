/** Colours, or none. */
export interface Palette {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
}

/** How things are shown: coloured or not, with bars or not, and what time it is. */
export interface Look {
  palette: Palette;
  /** Bars beside figures: for people at a terminal. */
  bars: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

const paint = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;

export const colours: Palette = {
  bold: paint(1),
  dim: paint(2),
  red: paint(31),
  green: paint(32),
  yellow: paint(33),
};

const same = (text: string) => text;
export const noColours: Palette = { bold: same, dim: same, red: same, green: same, yellow: same };
