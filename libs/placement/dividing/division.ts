import type { PlacementPolicy, Refusal } from '#domain';
import type { Candidate, Division, DivisionTask, Share } from '../plugin.js';
import { type Demand, wholeReplicas } from './demand.js';
import type { Part } from './sharing.js';

/** How many clusters a group may get, and how many it must. */
export interface Bounds {
  least: number;
  most: number;
}

/** Services and jobs with replicas: what is divided. Daemons and what is scaled to zero only go along. */
export const isDivided = (demand: Demand): boolean => demand.kind !== 'daemon' && demand.replicas > 0;

/** Every cluster of a linked group holds one replica of each component at least, so the smallest bounds the clusters. */
export function boundsOf({ group, demands, candidates }: DivisionTask): Bounds {
  const { minClusters, minReplicas = 0, maxReplicas = 0 } = group.policy;
  const holding =
    maxReplicas === 0
      ? 1
      : Math.ceil(Math.max(0, ...demands.filter(isDivided).map(({ replicas }) => replicas)) / maxReplicas);
  const least = Math.max(1, minClusters, holding);
  const declared = group.policy.maxClusters === 0 ? candidates.length : group.policy.maxClusters;
  const divided = demands.filter(isDivided);
  const daemons = demands.some((demand) => demand.kind === 'daemon');
  const natural = daemons ? candidates.length : least;
  const bySize =
    divided.length === 0
      ? natural
      : Math.floor(Math.min(...divided.map((demand) => demand.replicas)) / Math.max(1, minReplicas));
  return { least, most: Math.min(declared, bySize, candidates.length) };
}

/** Of each component in one cluster, where the policy bounds them. */
export const replicaBounds = ({ minReplicas = 0, maxReplicas = 0 }: PlacementPolicy): Record<string, string> => ({
  ...(minReplicas === 0 ? {} : { minReplicas: `${minReplicas}` }),
  ...(maxReplicas === 0 ? {} : { maxReplicas: `${maxReplicas}` }),
});

export function tooFewClusters(
  { group: { policy }, demands, candidates }: DivisionTask,
  bounds: Bounds,
): Refusal | undefined {
  if (bounds.most >= bounds.least) return undefined;
  const divided = demands.filter(isDivided);
  return {
    reason: 'TooFewClusters',
    facts: {
      needed: `${bounds.least}`,
      eligible: `${candidates.length}`,
      ...(divided.length === 0 ? {} : { replicas: `${Math.min(...divided.map((demand) => demand.replicas))}` }),
      ...replicaBounds(policy),
    },
  };
}

/** How the replicas of one demand go to the chosen clusters, best first; undefined when its rules can't be kept. */
export type Spreading = (task: DivisionTask, demand: Demand, places: readonly Place[]) => Spread | undefined;

export interface Place {
  candidate: Candidate;
  /** What it gets in any case. */
  least: number;
  /** What fits in all. */
  cap: number;
  held: number;
}

export interface Spread {
  counts: readonly number[];
  /** The arithmetic. */
  lines: readonly string[];
}

export interface Attempt {
  shares: readonly Share[];
  lines: readonly string[];
}

/**
 * Tries to place the group on `count` clusters: the best by score, exchanged one by one for roomier ones while some
 * component finds too little room. For a single component this finds a set whenever there is one; for components that
 * share clusters it may miss one. Nothing is taken from the room when it fails.
 */
export function placeOn(task: DivisionTask, count: number, least: number, spread: Spreading): Attempt | Demand {
  const chosen = task.candidates.slice(0, count);
  let rest: Candidate[] | undefined;
  for (;;) {
    let result: Attempt | Demand | undefined;
    task.room.attempt(() => {
      result = handOut(task, chosen, least, spread);
      return 'shares' in result;
    });
    if (result === undefined || 'shares' in result) return result ?? { shares: [], lines: [] };
    rest ??= task.candidates.slice(count);
    if (!exchange(task, chosen, rest, result)) return result;
  }
}

/**
 * Hands the whole group out to these clusters: whole components first, then at least one replica of each where the
 * group is linked, in the first `least` clusters, or as many as the policy demands; then the rest as `spread` says.
 * What it took when it answers the demand that found too little room is the caller's to give back.
 */
export function handOut(
  task: DivisionTask,
  chosen: readonly Candidate[],
  least: number,
  spread: Spreading,
): Attempt | Demand {
  const { demands, room } = task;
  const leasts = leastsOf(task, chosen, least);
  for (const [place, { slot }] of leasts === undefined ? [] : chosen.entries()) {
    const wants = demands.map((demand, at) => [demand, leasts?.[at]?.[place] ?? 0] as const);
    const shortage = room.takeAll(slot, wants);
    if (shortage !== undefined) return shortage.demand;
  }
  const counts: (readonly number[])[] = [];
  const lines: string[] = [];
  for (const [at, demand] of demands.entries()) {
    const base = leasts?.[at] ?? [];
    if (!isDivided(demand)) {
      counts.push(base);
      lines.push(wholeLine(demand, chosen.length));
      continue;
    }
    const places = chosen.map((candidate, place) => placeOf(task, demand, candidate, base[place] ?? 0));
    if (places.reduce((sum, place) => sum + place.cap, 0) < demand.replicas) return demand;
    const result = spread(task, demand, places);
    if (result === undefined) return demand;
    for (const [place, { slot }] of chosen.entries()) {
      const more = (result.counts[place] ?? 0) - (base[place] ?? 0);
      if (more > 0) room.take(slot, demand, more);
    }
    counts.push(result.counts);
    lines.push(...result.lines);
  }
  return { shares: sharesOf(demands, chosen, counts), lines };
}

/** By demand, what each chosen cluster gets in any case; undefined when that is nothing. */
function leastsOf(
  { group, demands }: DivisionTask,
  chosen: readonly Candidate[],
  least: number,
): readonly (readonly number[])[] | undefined {
  const linked = demands.length > 1;
  if (!linked && least <= 1 && demands.every(isDivided)) return undefined;
  return demands.map((demand) =>
    chosen.map(({ cluster }, place) => {
      if (!isDivided(demand)) return wholeReplicas(demand, cluster.nodes);
      return linked || (least > 1 && place < least) ? Math.max(1, group.policy.minReplicas ?? 0) : 0;
    }),
  );
}

function sharesOf(
  demands: readonly Demand[],
  chosen: readonly Candidate[],
  counts: readonly (readonly number[])[],
): Share[] {
  const shares = chosen.map(({ slot }, place) => ({ slot, replicas: counts.map((each) => each[place] ?? 0) }));
  if (!demands.some(isDivided)) return shares;
  return shares.filter((share) => demands.some((demand, at) => isDivided(demand) && (share.replicas[at] ?? 0) > 0));
}

const placeOf = (task: DivisionTask, demand: Demand, candidate: Candidate, least: number): Place => ({
  candidate,
  least,
  cap: Math.min(mostOf(task, demand), least + task.room.fit(candidate.slot, demand, mostOf(task, demand))),
  held: task.mayMove === true ? 0 : (task.room.held(candidate.slot, demand)?.replicas ?? 0),
});

/** More than this no cluster gets of a component. */
const mostOf = ({ group: { policy } }: DivisionTask, { replicas }: Demand): number =>
  (policy.maxReplicas ?? 0) === 0 ? replicas : Math.min(replicas, policy.maxReplicas ?? 0);

/** How many more replicas a cluster takes: by its room, and by the policy's maximum. */
export const takes = (task: DivisionTask, slot: number, demand: Demand): number =>
  Math.min(mostOf(task, demand), task.room.fit(slot, demand, demand.replicas));

const wholeLine = (demand: Demand, chosen: number): string =>
  demand.kind === 'daemon'
    ? `${demand.name} on every node of ${clusters(chosen)}`
    : `${demand.name}: no replicas, in ${clusters(chosen)}`;

/** Replaces the chosen cluster with the least room for `short` by the unchosen one with the most, if that is more. */
function exchange({ room }: DivisionTask, chosen: Candidate[], rest: Candidate[], short: Demand): boolean {
  const fits = chosen.map(({ slot }) => room.fit(slot, short));
  const spare = rest.map(({ slot }) => room.fit(slot, short));
  const tightest = Math.min(...fits);
  const roomiest = Math.max(...spare);
  if (rest.length === 0 || roomiest <= tightest) return false;
  const [incoming] = rest.splice(spare.indexOf(roomiest), 1);
  if (incoming === undefined) return false;
  chosen.splice(fits.lastIndexOf(tightest), 1);
  chosen.push(incoming);
  return true;
}

/** Says for what there is too little room on `most` clusters. */
export function shortOf(task: DivisionTask, short: Demand | undefined, most: number): Division {
  const { demands, candidates, group } = task;
  const demand = short ?? demands[0];
  if (demand === undefined) return { kind: 'refuses', refusal: { reason: 'NotEnoughCapacity', facts: {} } };
  const fits = candidates.map(({ slot }) => takes(task, slot, demand)).sort((a, b) => b - a);
  const fitting = fits.slice(0, most).reduce((sum, fit) => sum + fit, 0);
  const facts = {
    component: demand.name,
    replicas: `${demand.replicas}`,
    fitting: `${Math.min(demand.replicas, fitting)}`,
    clusters: `${most}`,
    ...replicaBounds(group.policy),
  };
  // Each component alone would fit: it is sharing the clusters that leaves no room.
  return {
    kind: 'refuses',
    refusal: { reason: fitting >= demand.replicas ? 'NotEnoughTogether' : 'NotEnoughCapacity', facts },
  };
}

/** A chosen cluster as one that takes a share by headroom. */
export const partOf = (task: DivisionTask, demand: Demand, { candidate, least, cap, held }: Place): Part => ({
  weight: least + headroomReplicas(task, demand, candidate, cap - least),
  least,
  most: cap,
  held: Math.min(held, cap),
});

/** How many replicas the measured and requested headroom of a cluster holds. */
function headroomReplicas(task: DivisionTask, demand: Demand, { slot }: Candidate, cap: number): number {
  const { snapshot, room, safetyPermille } = task;
  let fits = Number.POSITIVE_INFINITY;
  for (let at = 0; at < demand.amounts.length; at++) {
    const asked = demand.amounts[at] ?? 0;
    if (asked === 0) continue;
    const measured = snapshot.measured(slot, at);
    const unused = snapshot.allocatable(slot, at) - Math.floor((measured * safetyPermille) / 1000);
    const left = measured < 0 ? room.free(slot, at) : Math.min(room.free(slot, at), unused);
    fits = Math.min(fits, Math.floor(Math.max(0, left) / asked));
  }
  return fits === Number.POSITIVE_INFINITY ? cap : fits;
}

/** The first few of many, so that a line stays a line. */
export function brief(parts: readonly (number | string)[], separator: string): string {
  const shown = parts.slice(0, 8).join(separator);
  return parts.length <= 8 ? shown : `${shown}${separator}… (${parts.length - 8} more)`;
}

const each = (counts: readonly number[], places: readonly Place[], separator: string): string =>
  brief(
    places.map(({ candidate }, at) => `${candidate.cluster.id} ${counts[at] ?? 0}`),
    separator,
  );

/** Who gets how many: `virginia 3 + frankfurt 1`. */
export const named = (counts: readonly number[], places: readonly Place[]): string => each(counts, places, ' + ');

/** How many would go into each: `virginia 138, frankfurt 238`. */
export const rooms = (counts: readonly number[], places: readonly Place[]): string => each(counts, places, ', ');

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export const replicasOf = ({ name, replicas }: Demand): string => `${counted(replicas, 'replica')} of ${name}`;

export const clusters = (count: number): string => counted(count, 'cluster');
