import { addResources, type ClusterId, noResources, type Resources } from '#domain';
import { type Decision, decide } from '../decide.js';
import type { Batch } from '../fleet/cluster-state.js';
import type { NodeClasses } from '../fleet/node-classes.js';
import type { Snapshot } from '../fleet/snapshot.js';
import { defaultPolicy, type EnginePolicy } from '../policy.js';
import type { PlacementRequest } from '../request.js';
import { type NodeSeekers, nodeSeekersOf, vacated } from './vacated.js';

/** What an application that goes sets free in one cluster. */
export interface Vacancy {
  cluster: ClusterId;
  /** All that is reserved for it there. */
  amount: Resources;
  /** Its pods. */
  pods: readonly Batch[];
}

/** A placed application that may have to give way. */
export interface Preemptible {
  key: string;
  priority: number;
  /** When it was placed: of equals the newest goes first. */
  placedAt: number;
  vacancies: readonly Vacancy[];
}

/** Who has to go, and what would be decided once they have. */
export interface Preemption<P extends Preemptible = Preemptible> {
  victims: readonly P[];
  decision: Decision;
}

/** What nodes look like once some have left, by cluster, victims and seekers: good as long as the snapshot stays as it is. */
export type VacatedNodes = Map<string, NodeClasses>;

/** Of so many every choice is tried; of more, each alone, and then all less those that need not go. */
const mostTriedWhole = 8;
const mostTriedAlone = 64;

/** Lowest priority is `-limits.priority`: so every victim counts, whatever its priority. */
const weightOf = ({ priority }: Preemptible): number => priority + 1_000_001;

const highest = (victims: readonly Preemptible[]): number => Math.max(...victims.map(({ priority }) => priority));
const total = (of: readonly number[]): number => of.reduce((sum, each) => sum + each, 0);

/** As kube-scheduler chooses: the lowest highest priority, then the lowest sum of them, then the fewest, then the newest. */
function compare(a: readonly Preemptible[], b: readonly Preemptible[]): number {
  return (
    highest(a) - highest(b) ||
    total(a.map(weightOf)) - total(b.map(weightOf)) ||
    a.length - b.length ||
    total(b.map(({ placedAt }) => placedAt)) - total(a.map(({ placedAt }) => placedAt))
  );
}

/** The last is the first to be spared. */
const goesBefore = (a: Preemptible, b: Preemptible): number =>
  a.priority - b.priority || b.placedAt - a.placedAt || (a.key < b.key ? -1 : 1);

/**
 * Who has to give way so that a request of this priority then has a place, whole: tried by deciding on the fleet as it
 * will be without them. Only those of a lower priority go, whole applications, and nobody goes for nothing: undefined
 * when all of them together would not do. Reads the snapshot, and leaves it as it was.
 */
export function planPreemption<P extends Preemptible>(
  { request, priority }: { request: PlacementRequest; priority: number },
  candidates: readonly P[],
  snapshot: Snapshot,
  policy: EnginePolicy = defaultPolicy,
  known: VacatedNodes = new Map(),
): Preemption<P> | undefined {
  const lower = candidates.filter((each) => each.priority < priority).sort(goesBefore);
  const seekers = nodeSeekersOf(request);
  const sought = JSON.stringify(seekers);
  const without = (victims: readonly P[]): Preemption<P> | undefined => {
    const decision = decideWithout(victims, { request, seekers, sought, snapshot, policy, known });
    return decision.placed ? { victims, decision } : undefined;
  };
  const all = lower.length === 0 ? undefined : without(lower);
  if (all === undefined) return undefined;
  const enough = lowestThatDo(lower, without) ?? all;
  return enough.victims.length <= mostTriedWhole ? best(enough, without) : few(enough, without);
}

/**
 * Which of these might have a place if all candidates went, by sums alone: whoever has none then has none in any plan. Much
 * quicker than plans, for many that ask against the same candidates.
 */
export function hopeful(
  requests: readonly PlacementRequest[],
  candidates: readonly Preemptible[],
  snapshot: Snapshot,
  policy: EnginePolicy = defaultPolicy,
): boolean[] {
  const undo = candidates
    .flatMap(({ vacancies }) => vacancies)
    .flatMap(({ cluster, amount }) => {
      const slot = snapshot.slotOf(cluster);
      return slot === undefined ? [] : [snapshot.suppose(slot, amount, snapshot.classes(slot).like([]))];
    });
  try {
    return requests.map((request) => decide(request, snapshot, policy).placed);
  } finally {
    for (const takeBack of undo.reverse()) takeBack();
  }
}

type Trial<P extends Preemptible> = (victims: readonly P[]) => Preemption<P> | undefined;

interface Scope {
  request: PlacementRequest;
  seekers: NodeSeekers;
  /** The seekers as a text. */
  sought: string;
  snapshot: Snapshot;
  policy: EnginePolicy;
  known: VacatedNodes;
}

interface Leaving {
  amount: Resources;
  pods: Batch[];
  who: string[];
}

function leavingOf(victims: readonly Preemptible[]): Map<ClusterId, Leaving> {
  const leaving = new Map<ClusterId, Leaving>();
  for (const { key, vacancies } of victims)
    for (const { cluster, amount, pods } of vacancies) {
      const there = leaving.get(cluster) ?? { amount: noResources, pods: [], who: [] };
      there.amount = addResources(there.amount, amount);
      there.pods.push(...pods);
      there.who.push(key);
      leaving.set(cluster, there);
    }
  return leaving;
}

function decideWithout(victims: readonly Preemptible[], scope: Scope): Decision {
  const { request, seekers, sought, snapshot, policy, known } = scope;
  const undo: (() => void)[] = [];
  for (const [cluster, { amount, pods, who }] of leavingOf(victims)) {
    const slot = snapshot.slotOf(cluster);
    if (slot === undefined) continue;
    const key = [cluster, sought, ...who].join();
    const nodes = known.get(key) ?? vacated(snapshot.classes(slot), pods, seekers);
    known.set(key, nodes);
    undo.push(snapshot.suppose(slot, amount, nodes));
  }
  try {
    return decide(request, snapshot, policy);
  } finally {
    for (const takeBack of undo.reverse()) takeBack();
  }
}

/** Those up to the lowest priority at which all together do. */
function lowestThatDo<P extends Preemptible>(lower: readonly P[], without: Trial<P>): Preemption<P> | undefined {
  const priorities = [...new Set(lower.map(({ priority }) => priority))];
  let found: Preemption<P> | undefined;
  let [from, to] = [0, priorities.length - 1];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    const bound = priorities[middle] ?? 0;
    const tried = without(lower.filter(({ priority }) => priority <= bound));
    if (tried === undefined) from = middle + 1;
    else [found, to] = [tried, middle];
  }
  return found;
}

function best<P extends Preemptible>(enough: Preemption<P>, without: Trial<P>): Preemption<P> {
  const choices = Array.from({ length: 2 ** enough.victims.length - 1 }, (_, bits) =>
    enough.victims.filter((__, at) => ((bits + 1) >> at) % 2 === 1),
  );
  for (const victims of choices.sort(compare)) {
    const tried = without(victims);
    if (tried !== undefined) return tried;
  }
  return enough;
}

function few<P extends Preemptible>(enough: Preemption<P>, without: Trial<P>): Preemption<P> {
  for (const alone of enough.victims.slice(0, mostTriedAlone)) {
    const tried = without([alone]);
    if (tried !== undefined) return tried;
  }
  let left = enough;
  const spare = (some: readonly P[]): void => {
    const tried = without(left.victims.filter((each) => !some.includes(each)));
    if (tried !== undefined) left = tried;
    else if (some.length > 1) {
      const half = Math.floor(some.length / 2);
      spare(some.slice(0, half));
      spare(some.slice(half));
    }
  };
  const sparing = [...enough.victims].reverse();
  const half = Math.ceil(sparing.length / 2);
  spare(sparing.slice(0, half));
  spare(sparing.slice(half));
  return left;
}
