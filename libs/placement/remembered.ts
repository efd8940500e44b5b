import type { Refusal } from '#domain';
import type { Snapshot } from './fleet/snapshot.js';
import type { ClusterFilter, GroupAtFleet } from './plugin.js';
import type { GroupRequest } from './request.js';

/** Verdicts on clusters that hold nothing of a group, by their places in `ids`. */
export interface Remembered {
  /** The place of the filter that refused, in the list; −1 when all admitted. */
  refusedBy: Int16Array;
  /** Places of the others. */
  admitted: Int32Array;
  refusals: readonly (Refusal | undefined)[];
}

/** So many different demands on clusters are remembered at once; the one that was asked for first goes first. */
const mostKeys = 256;

interface Memory {
  /** The descriptions that these verdicts are about. */
  epoch: number;
  verdicts: Map<string, Remembered>;
}

const memories = new WeakMap<readonly ClusterFilter[], WeakMap<Snapshot, Memory>>();

function memoryOf(filters: readonly ClusterFilter[], snapshot: Snapshot): Memory {
  let bySnapshot = memories.get(filters);
  if (bySnapshot === undefined) {
    bySnapshot = new WeakMap();
    memories.set(filters, bySnapshot);
  }
  let memory = bySnapshot.get(snapshot);
  if (memory === undefined || memory.epoch !== snapshot.descriptionsEpoch) {
    memory = { epoch: snapshot.descriptionsEpoch, verdicts: new Map() };
    bySnapshot.set(snapshot, memory);
  }
  return memory;
}

/**
 * What the filters say that judge clusters by their descriptions alone. Descriptions change seldom and many groups ask
 * for the same, so clusters are looked at once for each such demand and not once for each decision.
 */
export function remembered(filters: readonly ClusterFilter[], fleet: GroupAtFleet): Remembered {
  const { group, snapshot } = fleet;
  let key = '';
  for (let index = 0; index < filters.length; index++) {
    const filter = filters[index];
    if (filter !== undefined && isRemembered(filter, group)) key += `${index} ${filter.remember?.(group) ?? ''}\n`;
  }
  const { verdicts } = memoryOf(filters, snapshot);
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const asked = filters.flatMap((filter, index) => (isRemembered(filter, group) ? [{ filter, index }] : []));
  const refusedBy = new Int16Array(snapshot.slots.length).fill(-1);
  const refusals: (Refusal | undefined)[] = [];
  for (const [place, slot] of snapshot.slots.entries()) {
    const there = { ...fleet, slot, cluster: snapshot.describe(slot), holds: false };
    for (const { filter, index } of asked) {
      const verdict = filter.admits(there);
      if (verdict.kind !== 'refuses') continue;
      refusedBy[place] = index;
      refusals[place] = verdict.refusal;
      break;
    }
  }
  for (const oldest of verdicts.keys()) {
    if (verdicts.size < mostKeys) break;
    verdicts.delete(oldest);
  }
  const found = { refusedBy, admitted: admittedBy(refusedBy), refusals };
  verdicts.set(key, found);
  return found;
}

/** Places where nobody refused. */
export function admittedBy(refusedBy: Int16Array): Int32Array {
  const places = new Int32Array(refusedBy.length);
  let count = 0;
  for (let place = 0; place < refusedBy.length; place++) if (refusedBy[place] === -1) places[count++] = place;
  return places.subarray(0, count);
}

export const isRemembered = (filter: ClusterFilter, group: GroupRequest): boolean =>
  filter.remember !== undefined && (filter.applies === undefined || filter.applies(group));
