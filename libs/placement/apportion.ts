/**
 * Largest remainder (Hamilton) with caps: seats in proportion to weights, none above its cap. What capped places can't
 * take goes to the others in the same way. Equal remainders go to the greater weight, then to the earlier place.
 * When every weight with room left is zero, room takes the place of weights.
 * @returns whole seats per place; their sum is `seats`, or the sum of the caps if that is less.
 */
export function apportion(seats: number, weights: readonly number[], caps: readonly number[]): number[] {
  const given = weights.map(() => 0);
  let left = Math.min(
    seats,
    caps.reduce((sum, cap) => sum + cap, 0),
  );
  while (left > 0) {
    const room = caps.map((cap, place) => Math.min(cap - (given[place] ?? 0), left));
    const open = weights.map((weight, place) => ((room[place] ?? 0) > 0 ? weight : 0));
    const round = quotas(left, open.some((weight) => weight > 0) ? open : room);
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
  const remainders = weights.map((weight, place) => seats * weight - (floors[place] ?? 0) * sum);
  const order = weights
    .map((_, place) => place)
    .filter((place) => (weights[place] ?? 0) > 0)
    .sort((a, b) => (remainders[b] ?? 0) - (remainders[a] ?? 0) || (weights[b] ?? 0) - (weights[a] ?? 0) || a - b);
  let left = seats - floors.reduce((total, floor) => total + floor, 0);
  for (const place of order) {
    if (left <= 0) break;
    floors[place] = (floors[place] ?? 0) + 1;
    left -= 1;
  }
  return floors;
}
