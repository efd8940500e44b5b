import type { ClusterPrice } from '#domain';
import type { ClusterDescription } from './cluster-state.js';
import type { ClusterScorer, GroupAtFleet } from './plugin.js';

const gibi = 2 ** 30;

/** What one replica of each component costs an hour there, in millionths of the fleet's currency, rounded up. */
export function hourlyMicros(unit: readonly number[], { coreHourMicros, gibHourMicros }: ClusterPrice): number {
  const [mcpu = 0, memoryBytes = 0] = unit;
  return Math.ceil((mcpu * coreHourMicros) / 1000 + (memoryBytes / gibi) * gibHourMicros);
}

/** Undefined: nobody said. */
type Figure = (cluster: ClusterDescription, unit: readonly number[]) => number | undefined;

const priceOf: Figure = ({ price }, unit) => (price === undefined ? undefined : hourlyMicros(unit, price));
const intensityOf: Figure = ({ carbonIntensity }) => carbonIntensity;

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
  return {
    name,
    weight,
    applies: (fleet) => percent(fleet) > 0,
    scoreAll(fleet, scores) {
      const { snapshot, unit } = fleet;
      const share = percent(fleet);
      const least = leastOf(fleet, figure);
      for (const [place, slot] of snapshot.slots.entries())
        scores[place] = scoreOf(figure(snapshot.describe(slot), unit), least, share);
    },
    score(at) {
      let least = leasts.get(at.demands);
      if (least === undefined) {
        least = leastOf(at, figure);
        leasts.set(at.demands, least);
      }
      return scoreOf(figure(at.cluster, at.unit), least, percent(at));
    },
  };
}

function scoreOf(found: number | undefined, least: number, share: number): number {
  if (found === undefined) return 0;
  return Math.floor((Math.min(1000, found === 0 ? 1000 : (1000 * least) / found) * share) / 100);
}

function leastOf({ snapshot, unit }: GroupAtFleet, figure: Figure): number {
  let least = Number.POSITIVE_INFINITY;
  for (const slot of snapshot.slots) {
    const found = figure(snapshot.describe(slot), unit);
    if (found !== undefined && found < least) least = found;
  }
  return least;
}

/** Prefers the cheapest cluster, as much as the policy's `costWeight` says. */
export const cost = (weight: number): ClusterScorer =>
  leastFirst('Cost', weight, priceOf, ({ group }) => group.policy.costWeight ?? 0);

/** Prefers the cleanest power, as much as the policy's `carbonWeight` says. */
export const carbon = (weight: number): ClusterScorer =>
  leastFirst('Carbon', weight, intensityOf, ({ group }) => group.policy.carbonWeight ?? 0);
