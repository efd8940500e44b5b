import type { wire } from '#contract';
import { idOf } from './figures.js';
import type { Look } from './look.js';
import { table } from './table.js';

const factList = (refusal: wire.Refusal): string =>
  Object.entries(refusal.facts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');

/** In words, where the server has any; else the reason and its facts. */
export function refusalText(refusal: wire.Refusal | undefined): string {
  if (refusal === undefined) return '';
  if (refusal.message !== '') return refusal.message;
  const facts = factList(refusal);
  return facts === '' ? refusal.reason : `${refusal.reason} (${facts})`;
}

const units: Readonly<Record<string, number>> = { '': 1, m: 1e-3, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };

/** The size of an amount as facts write it, like `500m` or `1.5Gi`; undefined for any other text. */
function sizeOf(text: string): number | undefined {
  const [, number, unit] = /^(-?\d+(?:\.\d+)?)(m|[KMGT]i)?$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (units[unit ?? ''] ?? 1);
}

/** `500m` for one value, `500m to 2` for several. */
function rangeOf(values: readonly string[]): string {
  const sorted = [...new Set(values)].sort((a, b) => (sizeOf(a) ?? 0) - (sizeOf(b) ?? 0));
  const [least, most] = [sorted.at(0), sorted.at(-1)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

/** The figures that clusters with the same reason differ by, or that its words leave out. */
function figuresOf(verdicts: readonly wire.ClusterVerdict[], text: string): string {
  const names = new Set(verdicts.flatMap(({ refusal }) => Object.keys(refusal?.facts ?? {})));
  return [...names]
    .sort()
    .flatMap((name) => {
      const values = verdicts.map(({ refusal }) => refusal?.facts[name] ?? '');
      const told = values.every((value) => text.includes(value));
      return told || values.some((value) => sizeOf(value) === undefined) ? [] : [`${name} ${rangeOf(values)}`];
    })
    .join(', ');
}

const mostNamed = 5;

function namesOf(verdicts: readonly wire.ClusterVerdict[]): string {
  const ids = verdicts.map(({ cluster }) => idOf(cluster)).sort();
  const named = ids.length <= mostNamed ? ids : ids.slice(0, mostNamed - 1);
  const more = ids.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** Clusters that were turned away, those with the same reason on one line: most frequent first. */
export function refusedLines(refused: readonly wire.ClusterVerdict[], look: Look): string[] {
  const groups = new Map<string, { filter: string; text: string; verdicts: wire.ClusterVerdict[] }>();
  for (const verdict of refused) {
    const { filter } = verdict;
    const text = refusalText(verdict.refusal) || '-';
    const key = `${filter}\n${text}`;
    const group = groups.get(key) ?? { filter, text, verdicts: [] };
    groups.set(key, group);
    group.verdicts.push(verdict);
  }
  const rows = [...groups.values()]
    .sort((a, b) => b.verdicts.length - a.verdicts.length || (a.text < b.text ? -1 : 1))
    .map(({ filter, text, verdicts }) => {
      const figures = figuresOf(verdicts, text);
      return [`${verdicts.length}`, filter, figures === '' ? text : `${text}; ${figures}`, namesOf(verdicts)];
    });
  return rows.length === 0 ? [] : table(['REFUSED', 'BY', 'WHY', 'CLUSTERS'], rows, look.palette);
}
