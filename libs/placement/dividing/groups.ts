import type { ClusterGroup } from '#domain';
import type { ClusterDescription } from '../fleet/cluster-state.js';
import type { Candidate, Divider, Division, DivisionTask, FleetChange } from '../plugin.js';
import { countsBetween } from './cluster-sets.js';
import type { Demand } from './demand.js';
import {
  type Attempt,
  boundsOf,
  clusters,
  handOut,
  isDivided,
  named,
  partOf,
  replicasOf,
  type Spreading,
  shortOf,
  takes,
  tooFewClusters,
} from './division.js';
import { byWeight, inOrder, type Part, type Sharing, sum } from './sharing.js';

const allows = (allowed: readonly string[], found: string): boolean => allowed.length === 0 || allowed.includes(found);

/** Whether a cluster matches all that a group gives. */
export function inGroup(group: ClusterGroup, cluster: ClusterDescription): boolean {
  if (!allows(group.clusters, cluster.id) || !allows(group.regions, cluster.region)) return false;
  if (!allows(group.zones, cluster.zone) || !allows(group.providers, cluster.provider)) return false;
  for (const label in group.labels)
    if (!Object.hasOwn(cluster.labels, label) || cluster.labels[label] !== group.labels[label]) return false;
  return true;
}

/** Puts ordered groups of clusters before a divider. */
export const inGroups = (divider: Divider): Divider => ({
  name: divider.name,
  divide(task) {
    const { clusterGroups = [], clusterGroupMode } = task.group.policy;
    if (clusterGroups.length === 0) return divider.divide(task);
    return clusterGroupMode === 'overflow'
      ? overflow(task, clusterGroups, divider)
      : fallback(task, clusterGroups, divider);
  },
});

function heldOf({ demands, candidates, room, mayMove }: DivisionTask): Candidate[] {
  if (mayMove === true || demands.every(({ held }) => held.size === 0)) return [];
  return candidates.filter(({ slot }) => demands.some((demand) => room.held(slot, demand) !== undefined));
}

/** The first group that takes everything; what is held stays in its group as long as that does. */
function fallback(task: DivisionTask, groups: readonly ClusterGroup[], divider: Divider): Division {
  const held = heldOf(task);
  const home = groups.findIndex((group) => held.length > 0 && held.every(({ cluster }) => inGroup(group, cluster)));
  const facts: Record<string, string> = {};
  const wakeOn = new Set<FleetChange>(['cluster.relabelled']);
  for (const at of new Set([...(home === -1 ? [] : [home]), ...groups.keys()])) {
    const group = groups[at];
    const candidates = group === undefined ? [] : task.candidates.filter(({ cluster }) => inGroup(group, cluster));
    if (candidates.length === 0) {
      facts[groupName(at)] = 'no eligible cluster';
      continue;
    }
    const division = divider.divide({ ...task, candidates });
    if (division.kind === 'divided') {
      const where = `${groupName(at)} of ${groups.length}, ${clusters(candidates.length)} eligible`;
      return { ...division, lines: [...division.lines, where] };
    }
    facts[groupName(at)] = textOf(division);
    for (const change of division.wakeOn ?? []) wakeOn.add(change);
  }
  return { kind: 'refuses', refusal: { reason: 'NoGroupTakesAll', facts }, wakeOn: [...wakeOn] };
}

const groupName = (at: number): string => `group ${at + 1}`;

const textOf = ({ refusal }: Extract<Division, { kind: 'refuses' }>): string => {
  const facts = Object.entries(refusal.facts).map(([name, value]) => `${name} ${value}`);
  return facts.length === 0 ? refusal.reason : `${refusal.reason} (${facts.join(', ')})`;
};

/** The first group is filled before the next one gets anything; what is held stays. */
function overflow(task: DivisionTask, groups: readonly ClusterGroup[], divider: Divider): Division {
  const tiers = new Map(
    task.candidates.map(({ slot, cluster }) => [slot, groups.findIndex((group) => inGroup(group, cluster))]),
  );
  const tierOf = ({ slot }: Candidate): number => tiers.get(slot) ?? 0;
  const tried = Math.max(0, ...heldOf(task).map(tierOf));
  let refused: Division | undefined;
  for (let last = tried; last < groups.length; last++) {
    const candidates = task.candidates.filter((candidate) => tierOf(candidate) <= last);
    if (candidates.length === 0) continue;
    const within = { ...task, candidates };
    const alone = candidates.every((candidate) => tierOf(candidate) === last);
    const division = alone ? divider.divide(within) : fillInOrder(within, tierOf, divider.name === 'packed');
    if (division.kind === 'divided') return division;
    refused = division;
  }
  const none: Division = { kind: 'refuses', refusal: { reason: 'NoGroupTakesAll', facts: {} } };
  return { ...(refused ?? none), ...(refused?.kind === 'divided' ? {} : { wakeOn: ['cluster.relabelled'] }) };
}

function fillInOrder(task: DivisionTask, tierOf: (candidate: Candidate) => number, packs: boolean): Division {
  const bounds = boundsOf(task);
  const few = tooFewClusters(task, bounds);
  if (few !== undefined) return { kind: 'refuses', refusal: few };
  const spread = tierwise(tierOf, packs ? inOrder : byWeight);
  let short: Demand | undefined;
  for (const chosen of fillings(task, tierOf, bounds, packs)) {
    let result: Attempt | Demand | undefined;
    task.room.attempt(() => {
      result = handOut(task, chosen, chosen.length + 1, spread);
      return 'shares' in result;
    });
    if (result !== undefined && 'shares' in result) return { kind: 'divided', ...result };
    short ??= result;
  }
  return shortOf(task, short, bounds.most);
}

/** All clusters of the groups before the last, and of the last as many as may be, or as few; then whatever is roomiest. */
function* fillings(
  task: DivisionTask,
  tierOf: (candidate: Candidate) => number,
  { least, most }: { least: number; most: number },
  packs: boolean,
): Generator<readonly Candidate[]> {
  const demand = task.demands.find(isDivided);
  const room = new Map(task.candidates.map(({ slot }) => [slot, demand === undefined ? 0 : takes(task, slot, demand)]));
  const byRoom = (a: Candidate, b: Candidate): number => (room.get(b.slot) ?? 0) - (room.get(a.slot) ?? 0);
  const places = new Map(task.candidates.map(({ slot }, place) => [slot, place]));
  const bestFirst = (chosen: readonly Candidate[]): Candidate[] =>
    [...chosen].sort((a, b) => tierOf(a) - tierOf(b) || (places.get(a.slot) ?? 0) - (places.get(b.slot) ?? 0));
  const ordered = [...task.candidates].sort((a, b) => tierOf(a) - tierOf(b) || byRoom(a, b));
  const last = Math.max(...task.candidates.map(tierOf));
  const before = ordered.filter((candidate) => tierOf(candidate) < last);
  const filled = before.reduce((sum, { slot }) => sum + (room.get(slot) ?? 0), 0);
  const rest = Math.max(0, (demand?.replicas ?? 0) - filled);
  const widest = Math.min(most, before.length + Math.max(1, rest));
  const fewest = Math.min(widest, Math.max(least, before.length + 1));
  for (const count of countsBetween(fewest, widest, packs)) yield bestFirst(ordered.slice(0, count));
  yield bestFirst([...task.candidates].sort(byRoom).slice(0, most));
}

/** Group by group in order, within each as `sharing` says. */
const tierwise =
  (tierOf: (candidate: Candidate) => number, sharing: Sharing): Spreading =>
  (task, demand, places) => {
    const parts = places.map((place) => partOf(task, demand, place));
    const tiers = [...new Set(places.map(({ candidate }) => tierOf(candidate)))].sort((a, b) => a - b);
    const members = tiers.map((tier) =>
      [...places.keys()].filter((at) => places[at] !== undefined && tierOf(places[at].candidate) === tier),
    );
    const partsOf = (at: readonly number[]): Part[] => at.flatMap((place) => parts[place] ?? []);
    const totals = members.map((at): Part => {
      const own = partsOf(at);
      const total = (field: keyof Part): number => sum(own.map((part) => part[field]));
      return { weight: total('weight'), least: total('least'), most: total('most'), held: total('held') };
    });
    const shares = inOrder(demand.replicas, totals);
    const counts = places.map(() => 0);
    for (const [tier, at] of members.entries()) {
      const given = sharing(shares[tier] ?? 0, partsOf(at));
      for (const [index, place] of at.entries()) counts[place] = given[index] ?? 0;
    }
    const line = tiers.map((tier, at) => `${groupName(tier)} ${shares[at] ?? 0}`).join(' + ');
    const over = `${replicasOf(demand)} over ${clusters(places.length)} → ${named(counts, places)}`;
    return { counts, lines: [`${replicasOf(demand)} by group → ${line}`, over] };
  };
