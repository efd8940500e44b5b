/** The value below which `share` (0 to 1) of all lie, by nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const rank = Math.max(0, Math.ceil(share * sorted.length) - 1);
  const found = sorted[rank];
  if (found === undefined) throw new Error('no value was measured');
  return found;
}

/** The middle one; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new Error('no value was measured');
  return (lower + upper) / 2;
}

export const round = (value: number, digits = 2): number => Number(value.toFixed(digits));
