import type { DeviceRequest } from '../request.js';

const whole = 1000;

/** How often a request goes onto one node with these devices free (thousandths of each). */
export function devicesFit(free: readonly number[], { count, milli }: DeviceRequest): number {
  if (count === 0 || milli === 0) return Number.POSITIVE_INFINITY;
  if (milli < whole) return free.reduce((times, each) => times + Math.floor(each / milli), 0);
  return Math.floor(free.filter((each) => each === whole).length / count);
}

/**
 * What is left of them: a part comes from the fullest device that has it, whole ones from those that nobody uses.
 * For a request that fits. The freest first, as it came.
 */
export function withoutDevices(free: readonly number[], { count, milli }: DeviceRequest): readonly number[] {
  if (milli >= whole) return free.map((each, at) => (at < count ? 0 : each)).sort((a, b) => b - a);
  const from = free.findLastIndex((each) => each >= milli);
  return free.map((each, at) => (at === from ? each - milli : each)).sort((a, b) => b - a);
}
