/** How whole seats come of fractions. */
export type Remainders = 'largest-remainder' | 'webster';

/**
 * Seats in proportion to weights, none beyond its cap; what capped places can't take goes to the others in the same way.
 * Equal claims go to the greater weight, then to the earlier place. When every weight with room left is zero, room takes
 * the place of weights.
 *
 * Largest remainder (Hamilton) keeps each within one seat of its exact share as long as no cap binds, and knows the
 * paradoxes: more seats can cost somebody one, and so can a newcomer. Webster (Sainte-Laguë) knows none of them and may
 * leave that bound (Balinski and Young, Fair Representation, 1982).
 * @returns whole seats per place; their sum is `seats`, or the sum of the caps if that is less.
 */
export function apportion(
  seats: number,
  weights: readonly number[],
  caps: readonly number[],
  method: Remainders = 'largest-remainder',
): number[] {
  const given = weights.map(() => 0);
  let left = Math.min(
    seats,
    caps.reduce((sum, cap) => sum + cap, 0),
  );
  while (left > 0) {
    const room = caps.map((cap, place) => Math.min(cap - (given[place] ?? 0), left));
    const open = weights.map((weight, place) => ((room[place] ?? 0) > 0 ? weight : 0));
    const weighs = open.some((weight) => weight > 0);
    const round = method === 'webster' && weighs ? byDivisors(left, open, room) : quotas(left, weighs ? open : room);
    for (const [place, quota] of round.entries()) {
      const taken = Math.min(quota, room[place] ?? 0);
      given[place] = (given[place] ?? 0) + taken;
      left -= taken;
    }
  }
  return given;
}

function quotas(seats: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const floors = weights.map((weight) => Math.floor((seats * weight) / sum));
  const rest = seats - floors.reduce((total, floor) => total + floor, 0);
  if (rest === 0) return floors;
  const remainders = weights.map((weight, place) => seats * weight - (floors[place] ?? 0) * sum);
  const order = weights
    .map((_, place) => place)
    .filter((place) => (weights[place] ?? 0) > 0)
    .sort((a, b) => (remainders[b] ?? 0) - (remainders[a] ?? 0) || (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
  for (const place of order.slice(0, rest)) floors[place] = (floors[place] ?? 0) + 1;
  return floors;
}

/** Webster's: each seat goes to the greatest weight ÷ (2 × its seats so far + 1). Most are handed out at once. */
function byDivisors(seats: number, weights: readonly number[], caps: readonly number[]): number[] {
  const given = weights.map(() => 0);
  let open = weights.map((_, place) => place).filter((place) => (weights[place] ?? 0) > 0);
  let left = seats;
  for (let settled = false; !settled && open.length > 0; ) {
    const sum = open.reduce((total, place) => total + (weights[place] ?? 0), 0);
    // The divisor that hands out all seats is at most so much greater than the exact one: each gets this at least.
    const shrunk = Math.max(0, left - open.length / 2) / sum;
    const least = (place: number): number => Math.max(0, Math.floor((weights[place] ?? 0) * shrunk - 0.5));
    const full = open.filter((place) => least(place) >= (caps[place] ?? 0));
    settled = full.length === 0;
    for (const place of settled ? open : full) {
      given[place] = settled ? least(place) : (caps[place] ?? 0);
      if (!settled) left -= given[place] ?? 0;
    }
    open = open.filter((place) => !full.includes(place));
  }
  for (left = seats - given.reduce((total, count) => total + count, 0); left > 0; left--) {
    const next = highestClaim(open, weights, caps, given);
    if (next === undefined) break;
    given[next] = (given[next] ?? 0) + 1;
  }
  return given;
}

function highestClaim(
  open: readonly number[],
  weights: readonly number[],
  caps: readonly number[],
  given: readonly number[],
): number | undefined {
  let best: number | undefined;
  for (const place of open) {
    const count = given[place] ?? 0;
    if (count >= (caps[place] ?? 0)) continue;
    const mine = (weights[place] ?? 0) * (2 * (given[best ?? place] ?? 0) + 1);
    const its = (weights[best ?? place] ?? 0) * (2 * count + 1);
    if (best === undefined || mine > its || (mine === its && (weights[place] ?? 0) > (weights[best] ?? 0)))
      best = place;
  }
  return best;
}
