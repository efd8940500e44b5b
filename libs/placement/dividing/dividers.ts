import type { Divider, Division, DivisionTask } from '../plugin.js';
import { copiesWithin, divideWithin, isBound, rulesOf } from './constrained.js';
import { type Demand, wholeReplicas } from './demand.js';
import {
  type Bounds,
  boundsOf,
  brief,
  clusters,
  isDivided,
  named,
  type Place,
  partOf,
  placeOn,
  replicasOf,
  rooms,
  type Spread,
  type Spreading,
  shortOf,
  tooFewClusters,
} from './division.js';
import { inGroups } from './groups.js';
import { byWeight, inOrder, sum, weighedShares } from './sharing.js';
import { weighted } from './weighted.js';

/** Every chosen cluster holds all replicas. */
export const duplicated: Divider = {
  name: 'duplicated',
  divide(task) {
    const { group, demands, candidates, room } = task;
    const least = Math.max(1, group.policy.minClusters);
    const most = group.policy.maxClusters === 0 ? candidates.length : group.policy.maxClusters;
    const chosen = rulesOf(task).length === 0 ? candidates.slice(0, most) : copiesWithin(task, { least, most });
    if ('kind' in chosen) return chosen;
    if (chosen.length < least)
      return {
        kind: 'refuses',
        refusal: { reason: 'TooFewClusters', facts: { needed: `${least}`, eligible: `${candidates.length}` } },
      };
    const shares = chosen.map(({ cluster, slot }) => {
      const replicas = demands.map((demand) => wholeReplicas(demand, cluster.nodes));
      for (const [at, demand] of demands.entries()) room.take(slot, demand, replicas[at] ?? 0);
      return { slot, replicas };
    });
    const lines = demands.map((demand) =>
      demand.kind === 'daemon'
        ? `${demand.name} on every node of ${clusters(chosen.length)}`
        : `${replicasOf(demand)} in each of ${clusters(chosen.length)}`,
    );
    return { kind: 'divided', shares, lines };
  },
};

/** By headroom over as many clusters as may be; what is held stays, so that scaling moves as little as it can. */
export const divided: Divider = {
  name: 'divided',
  divide(task) {
    if (isBound(task)) return divideWithin(task, { spread: byHeadroom, sharing: byWeight, packs: false });
    const bounds = boundsOf(task);
    const tooFew = tooFewClusters(task, bounds);
    if (tooFew !== undefined) return { kind: 'refuses', refusal: tooFew };
    const stayed = stays(task, bounds, byHeadroom);
    if (stayed !== undefined) return stayed;
    let short: Demand | undefined;
    for (let count = bounds.most; ; count = Math.max(bounds.least, Math.floor(count / 2))) {
      const result = placeOn(task, count, bounds.least, byHeadroom);
      if ('shares' in result) return { kind: 'divided', ...result };
      short ??= result;
      if (count === bounds.least) break;
    }
    return wholeInOne(task, bounds.least, byHeadroom) ?? shortOf(task, short, bounds.most);
  },
};

/** On as few clusters as hold it, the best filled first; what is held stays. */
export const packed: Divider = {
  name: 'packed',
  divide(task) {
    if (isBound(task)) return divideWithin(task, { spread: bestFirst, sharing: inOrder, packs: true });
    const bounds = boundsOf(task);
    const tooFew = tooFewClusters(task, bounds);
    if (tooFew !== undefined) return { kind: 'refuses', refusal: tooFew };
    const whole = stays(task, bounds, bestFirst) ?? wholeInOne(task, bounds.least, bestFirst);
    if (whole !== undefined) return whole;
    let short: Demand | undefined;
    for (let count = fewest(task, bounds.least); count <= bounds.most; count++) {
      const result = placeOn(task, count, bounds.least, bestFirst);
      if ('shares' in result) return { kind: 'divided', ...result };
      short = result;
    }
    return shortOf(task, short, bounds.most);
  },
};

/** Whoever holds all its replicas keeps its clusters, although others, more or fewer, would do as well. */
function stays(task: DivisionTask, bounds: Bounds, spread: Spreading): Division | undefined {
  const { demands, room } = task;
  if (task.mayMove === true || demands.every(({ held }) => held.size === 0)) return undefined;
  const heldAt = (slot: number, demand: Demand): number => room.held(slot, demand)?.replicas ?? 0;
  const candidates = task.candidates.filter(({ slot }) => demands.some((demand) => heldAt(slot, demand) > 0));
  if (candidates.length < bounds.least || candidates.length > bounds.most) return undefined;
  const holdsAll = demands
    .filter(isDivided)
    .every((demand) => candidates.reduce((sum, { slot }) => sum + heldAt(slot, demand), 0) === demand.replicas);
  if (!holdsAll) return undefined;
  const result = placeOn({ ...task, candidates }, candidates.length, bounds.least, spread);
  return 'shares' in result ? { kind: 'divided', ...result } : undefined;
}

/** The best cluster that alone holds the whole group. */
function wholeInOne(task: DivisionTask, least: number, spread: Spreading): Division | undefined {
  if (least > 1) return undefined;
  for (const candidate of task.candidates) {
    const alone = { ...task, candidates: [candidate] };
    const result = placeOn(alone, 1, 1, spread);
    if ('shares' in result) return { kind: 'divided', ...result };
  }
  return undefined;
}

/** No fewer clusters can hold the component that needs the most: by what fits into the roomiest. */
function fewest({ demands, candidates, room }: DivisionTask, least: number): number {
  const needs = demands.map((demand) => {
    if (demand.kind === 'daemon') return 1;
    const fits = candidates.map(({ slot }) => room.fit(slot, demand)).sort((a, b) => b - a);
    let left = demand.replicas;
    let count = 0;
    while (left > 0 && count < fits.length) left -= fits[count++] ?? 0;
    return left > 0 ? fits.length + 1 : count;
  });
  return Math.max(least, ...needs);
}

function byHeadroom(task: DivisionTask, demand: Demand, places: readonly Place[]): Spread {
  if (places.length === 1)
    return { counts: [demand.replicas], lines: [`${replicasOf(demand)} → ${named([demand.replicas], places)}`] };
  const parts = places.map((place) => partOf(task, demand, place));
  const { counts, kept, manner } = weighedShares(demand.replicas, parts);
  const change = Math.abs(demand.replicas - sum(kept));
  const byRoom = `by room (${rooms(
    parts.map(({ weight }) => weight),
    places,
  )})`;
  const ways = {
    fair: ` ${byRoom}`,
    'topped-up': `: ${named(kept, places)} first, ${change} more ${byRoom}`,
    'taken-back': `: ${named(kept, places)} held, less ${change}`,
  };
  const line = `${replicasOf(demand)} over ${clusters(places.length)}${ways[manner]} → ${named(counts, places)}`;
  return { counts, lines: [line] };
}

function bestFirst(task: DivisionTask, demand: Demand, places: readonly Place[]): Spread {
  const parts = places.map((place) => partOf(task, demand, place));
  const counts = inOrder(demand.replicas, parts);
  const caps = parts.map(({ most }) => most);
  const line = `${replicasOf(demand)} packed into ${clusters(places.length)} with room for ${brief(caps, ', ')} → ${named(counts, places)}`;
  return { counts, lines: [line] };
}

export const builtInDividers: readonly Divider[] = [duplicated, divided, packed, weighted].map(inGroups);
