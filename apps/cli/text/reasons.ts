import type { wire } from '#contract';
import { idOf } from './figures.js';

const same = (one: wire.Reason, other: wire.Reason): boolean =>
  one.reason === other.reason && one.message === other.message;

/** `NotEnoughCapacity: no cluster has room (3×)`; `places` are the clusters that say so. */
function reasonLine({ reason, message }: wire.Reason, count: number, places: readonly string[]): string {
  const where = places.length === 0 ? '' : ` in ${places.join(', ')}`;
  return `${reason}${where}${message === '' ? '' : `: ${message}`}${count > 1 ? ` (${count}×)` : ''}`;
}

/**
 * Why a component is not as it should be: each reason once, however many clusters give it, with their names where the
 * component is in several.
 */
export function reasonLines({ reasons, clusters }: wire.ComponentStatus): string[] {
  const first = reasons.filter((reason, at) => reasons.findIndex((each) => same(each, reason)) === at);
  return first.map((reason) => {
    const count = reasons.filter((each) => same(each, reason)).reduce((sum, each) => sum + each.count, 0);
    const places = clusters.filter((at) => at.reasons.some((each) => same(each, reason)));
    // one for each place is told by the names
    const told = count === places.length ? 1 : count;
    return reasonLine(reason, told, clusters.length < 2 ? [] : places.map(({ cluster }) => idOf(cluster)).sort());
  });
}
