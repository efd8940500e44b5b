import { apportion } from './apportion.js';

/** What takes a part of a component's replicas: a cluster, or a domain of them. */
export interface Part {
  weight: number;
  /** What it gets in any case. */
  least: number;
  /** What it can take in all, not below `least`. */
  most: number;
  /** What it has now. */
  held: number;
}

/** Divides `seats` over parts, each within its bounds. `seats` is within the sums of these. */
export type Sharing = (seats: number, parts: readonly Part[]) => readonly number[];

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** What may stay where it is. */
const keptOf = (parts: readonly Part[]): number[] =>
  parts.map(({ least, held, most }) => Math.max(least, Math.min(held, most)));

/** From as few parts as can give it, of those from the last: who has the most to give goes first until one gives the rest. */
function takeBack(kept: readonly number[], parts: readonly Pick<Part, 'least'>[], surplus: number): number[] {
  const counts = [...kept];
  const spare = (at: number): number => (counts[at] ?? 0) - (parts[at]?.least ?? 0);
  let left = surplus;
  while (left > 0) {
    let from = counts.length - 1;
    for (let at = from - 1; at >= 0 && spare(from) < left; at--) if (spare(at) > spare(from)) from = at;
    const given = Math.min(left, spare(from));
    if (given <= 0) break;
    counts[from] = (counts[from] ?? 0) - given;
    left -= given;
  }
  return counts;
}

/** How shares by weight came about: nothing had to stay, or what is held was topped up, or taken back from. */
export interface WeighedShares {
  counts: readonly number[];
  kept: readonly number[];
  manner: 'fair' | 'topped-up' | 'taken-back';
}

/** In proportion to weight, as long as nothing has to move for it; else what is held stays, and the rest goes by weight. */
export function weighedShares(seats: number, parts: readonly Part[]): WeighedShares {
  const kept = keptOf(parts);
  const keeps = sum(kept);
  if (keeps > seats) return { counts: takeBack(kept, parts, keeps - seats), kept, manner: 'taken-back' };
  const weights = parts.map(({ weight }) => weight);
  const fair = apportion(
    seats,
    weights,
    parts.map(({ most }) => most),
  );
  if (fair.every((count, at) => count >= (kept[at] ?? 0))) return { counts: fair, kept, manner: 'fair' };
  const room = parts.map(({ most }, at) => most - (kept[at] ?? 0));
  const more = apportion(seats - keeps, weights, room);
  return { counts: kept.map((count, at) => count + (more[at] ?? 0)), kept, manner: 'topped-up' };
}

export const byWeight: Sharing = (seats, parts) => weighedShares(seats, parts).counts;

/** The first is filled, then the next; what is held stays. */
export const inOrder: Sharing = (seats, parts) => {
  const kept = keptOf(parts);
  const keeps = sum(kept);
  const counts = takeBack(kept, parts, Math.max(0, keeps - seats));
  let left = Math.max(0, seats - keeps);
  for (const [at, { most }] of parts.entries()) {
    const more = Math.min(left, most - (counts[at] ?? 0));
    counts[at] = (counts[at] ?? 0) + more;
    left -= more;
  }
  return counts;
};
