import type { Resources } from '#domain';

/** `pods` last: the order in which a shortage is named. */
export const resourceNames = ['mcpu', 'memoryBytes', 'pods'] as const;
export type ResourceName = (typeof resourceNames)[number];

/** How many demands fit into a room; `Infinity` when nothing is asked for. */
export function timesFits(demand: Resources, room: Resources): number {
  let times = Number.POSITIVE_INFINITY;
  for (const resource of resourceNames) {
    const asked = demand[resource];
    if (asked > 0) times = Math.min(times, Math.max(0, Math.floor(room[resource] / asked)));
  }
  return times;
}

/** Amounts in the order of `resourceNames`. */
export const amountsOf = ({ mcpu, memoryBytes, pods }: Resources): readonly number[] => [mcpu, memoryBytes, pods];
