export interface Line {
  name: string;
  /** x and y, in order of x. */
  points: readonly (readonly [number, number])[];
}

export interface Chart {
  title: string;
  x: { name: string; ticks: readonly number[]; text?: (tick: number) => string };
  y: { name: string; ticks: readonly number[] };
  lines: readonly Line[];
}

const width = 860;
const height = 400;
const plot = { left: 64, right: 210, top: 44, bottom: 52 };
/** Okabe and Ito: told apart with any eyes. */
const colours = ['#000000', '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00'];

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
const short = (value: number): string => String(Number(value.toFixed(1)));

interface Frame {
  x: (value: number) => number;
  y: (value: number) => number;
}

/** Lines over two linear axes, as a picture that shows on light and dark pages alike. */
export function lineChart({ title, x, y, lines }: Chart): string {
  const frame: Frame = {
    x: scale(x.ticks, plot.left, width - plot.right),
    y: scale(y.ticks, height - plot.bottom, plot.top),
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(plot.left, 22, title, 'font-size="14" font-weight="bold"'),
    ...x.ticks.map((tick) => text(frame.x(tick), height - 32, x.text?.(tick) ?? `${tick}`, 'text-anchor="middle"')),
    text((plot.left + width - plot.right) / 2, height - 10, x.name, 'text-anchor="middle"'),
    ...y.ticks.flatMap((tick) => gridLine(frame.y(tick), `${tick}`)),
    text(14, (plot.top + height - plot.bottom) / 2, y.name, middleLeft),
    ...lines.flatMap((line, at) => drawn(line, frame, at, lines.length)),
    '</svg>',
    '',
  ].join('\n');
}

const middleLeft = `text-anchor="middle" transform="rotate(-90 14 ${(plot.top + height - plot.bottom) / 2})"`;

const text = (x: number, y: number, content: string, attributes: string): string =>
  `<text x="${short(x)}" y="${short(y)}" fill="#222222" ${attributes}>${escaped(content)}</text>`;

const gridLine = (y: number, label: string): string[] => [
  `<line x1="${plot.left}" x2="${width - plot.right}" y1="${short(y)}" y2="${short(y)}" stroke="#dddddd"/>`,
  text(plot.left - 8, y + 4, label, 'text-anchor="end"'),
];

/** The line and its entry in the legend, which stands on the right. */
function drawn({ name, points }: Line, frame: Frame, at: number, of: number): string[] {
  const colour = colours[at % colours.length];
  const path = points.map(([x, y]) => `${short(frame.x(x))},${short(frame.y(y))}`).join(' ');
  const dash = at < of / 2 ? '' : ' stroke-dasharray="6 3"';
  const stroke = `fill="none" stroke="${colour}" stroke-width="2"${dash}`;
  const y = plot.top + 14 + at * 17;
  const left = width - plot.right + 16;
  return [
    `<polyline points="${path}" ${stroke}/>`,
    `<line x1="${left}" x2="${left + 26}" y1="${y - 4}" y2="${y - 4}" ${stroke}/>`,
    text(left + 32, y, name, ''),
  ];
}

function scale(ticks: readonly number[], from: number, to: number): (value: number) => number {
  const least = Math.min(...ticks);
  const most = Math.max(...ticks);
  return (value) => from + ((value - least) / (most - least || 1)) * (to - from);
}

/** From 0 to the next round step above `most`, in at most six steps. */
export function ticksTo(most: number): number[] {
  const rough = Math.max(most, 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough;
  const count = Math.max(1, Math.ceil(most / step));
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(6)));
}
