import type { ClusterPrice } from '#domain';
import type { ClusterScorer, GroupAtFleet } from '../plugin.js';
import type { ClusterDescription } from './cluster-state.js';
import type { Snapshot } from './snapshot.js';

const gibi = 2 ** 30;

/** What one replica of each component costs an hour there, in millionths of the fleet's currency, rounded up. */
export function hourlyMicros(unit: readonly number[], { coreHourMicros, gibHourMicros }: ClusterPrice): number {
  const [mcpu = 0, memoryBytes = 0] = unit;
  return Math.ceil((mcpu * coreHourMicros) / 1000 + (memoryBytes / gibi) * gibHourMicros);
}

/** What two figures of a cluster's description come to for a group; `Infinity` where nobody said. */
interface Figure {
  parts(cluster: ClusterDescription): readonly [number, number] | undefined;
  sum(first: number, second: number, unit: readonly number[]): number;
}

const priceOf: Figure = {
  parts: ({ price }) => price && [price.coreHourMicros, price.gibHourMicros],
  sum: (coreHourMicros, gibHourMicros, unit) => hourlyMicros(unit, { coreHourMicros, gibHourMicros }),
};
const intensityOf: Figure = {
  parts: ({ carbonIntensity }) => (carbonIntensity === undefined ? undefined : [carbonIntensity, 0]),
  sum: (intensity) => intensity,
};

/** The parts of a figure in columns by place; −1 where nobody said. */
interface Parts {
  epoch: number;
  first: Float64Array;
  second: Float64Array;
}

const known = new WeakMap<Figure, WeakMap<Snapshot, Parts>>([
  [priceOf, new WeakMap()],
  [intensityOf, new WeakMap()],
]);

/** Made once until a description changes. */
function partsOf(figure: Figure, snapshot: Snapshot): Parts {
  const found = known.get(figure)?.get(snapshot);
  if (found !== undefined && found.epoch === snapshot.descriptionsEpoch) return found;
  const { slots } = snapshot;
  const [first, second] = [new Float64Array(slots.length).fill(-1), new Float64Array(slots.length).fill(-1)];
  for (const [place, slot] of slots.entries()) {
    const parts = figure.parts(snapshot.describe(slot));
    if (parts !== undefined) [first[place], second[place]] = parts;
  }
  const parts = { epoch: snapshot.descriptionsEpoch, first, second };
  known.get(figure)?.set(snapshot, parts);
  return parts;
}

/** Written anew by every scorer. */
let found = new Float64Array(1024);

/** The figure of every cluster by place, `Infinity` where nobody said; the least of them is answered. */
function figuresInto(figure: Figure, { snapshot, unit }: GroupAtFleet): number {
  const { first, second } = partsOf(figure, snapshot);
  if (found.length < first.length) found = new Float64Array(first.length * 2);
  let least = Number.POSITIVE_INFINITY;
  for (let place = 0; place < first.length; place++) {
    const one = first[place] ?? -1;
    const sum = one < 0 ? Number.POSITIVE_INFINITY : figure.sum(one, second[place] ?? 0, unit);
    found[place] = sum;
    if (sum < least) least = sum;
  }
  return least;
}

/**
 * 1000 for the least of the fleet, 500 for twice as much; times the policy's percentage. What is unknown counts as
 * infinitely much. The least is found once for each group of a decision: its demands are made anew every time.
 */
function leastFirst(
  name: string,
  weight: number,
  figure: Figure,
  percent: (fleet: GroupAtFleet) => number,
): ClusterScorer {
  const leasts = new WeakMap<readonly object[], number>();
  const leastOf = (fleet: GroupAtFleet): number => {
    const least = leasts.get(fleet.demands) ?? figuresInto(figure, fleet);
    leasts.set(fleet.demands, least);
    return least;
  };
  return {
    name,
    weight,
    applies: (fleet) => percent(fleet) > 0,
    isFixed: true,
    scoreAll(fleet, scores, from, to) {
      const share = percent(fleet);
      const least = figuresInto(figure, fleet);
      for (let place = from; place < to; place++) scores[place] = scoreOf(found[place] ?? 0, least, share);
    },
    follow: (fleet) => `${percent(fleet)} ${fleet.unit.join(' ')}`,
    score(at) {
      const parts = figure.parts(at.cluster);
      if (parts === undefined) return 0;
      return scoreOf(figure.sum(...parts, at.unit), leastOf(at), percent(at));
    },
  };
}

function scoreOf(figure: number, least: number, share: number): number {
  if (figure === Number.POSITIVE_INFINITY) return 0;
  return Math.floor((Math.min(1000, figure === 0 ? 1000 : (1000 * least) / figure) * share) / 100);
}

/** Prefers the cheapest cluster, as much as the policy's `costWeight` says. */
export const cost = (weight: number): ClusterScorer =>
  leastFirst('Cost', weight, priceOf, ({ group }) => group.policy.costWeight ?? 0);

/** Prefers the cleanest power, as much as the policy's `carbonWeight` says. */
export const carbon = (weight: number): ClusterScorer =>
  leastFirst('Carbon', weight, intensityOf, ({ group }) => group.policy.carbonWeight ?? 0);
