import { type NodeClass, type Resources, subtractResources } from '#domain';
import type { Batch, ClusterState } from '../fleet/cluster-state.js';
import { anyNode, type NodeClasses, type PodRules } from '../fleet/node-classes.js';
import { resourceNames, timesFits } from '../fleet/resources.js';
import { Snapshot } from '../fleet/snapshot.js';
import type { PlacementRequest } from '../request.js';

/** Pods that need a node each time: which nodes they may go to, and the most that any of them asks for. */
export interface NodeSeekers {
  rules: readonly PodRules[];
  count: number;
  largest: Resources;
}

/** Daemons run where they run; they seek no node. */
export function nodeSeekersOf({ groups }: PlacementRequest): NodeSeekers {
  const seeking = groups
    .flatMap(({ components }) => components)
    .filter(({ kind, replicas }) => kind !== 'daemon' && replicas > 0);
  const largest = seeking.reduce(
    (most, { perReplica: { mcpu, memoryBytes, pods } }): Resources => ({
      mcpu: Math.max(most.mcpu, mcpu),
      memoryBytes: Math.max(most.memoryBytes, memoryBytes),
      pods: Math.max(most.pods, pods),
    }),
    { mcpu: 0, memoryBytes: 0, pods: 0 },
  );
  const rules = seeking.map(({ tolerations = [], nodeSelector }) => ({ tolerations, nodeSelector }));
  const count = seeking.reduce((total, { replicas }) => total + replicas, 0);
  return { rules, count, largest };
}

/** The room that one pod leaves, wherever it was. */
interface Gap {
  /** What the pod asked for. */
  size: Resources;
  /** As much, or more of what is no bound. */
  room: Resources;
  count: number;
  /** Classes that it may have run in. */
  homes: readonly NodeClass[];
}

/**
 * The nodes of a cluster once these pods have gone. Nobody tells on which nodes they are, so no more is shown than what
 * there is wherever they are: either the gap of each by itself, apart from what its node had free besides, or, where
 * larger pods are asked for, as many whole gaps for the largest as come about however the pods were spread. A gap whose
 * node may be one that the seekers cannot go to is left out.
 */
export function vacated(nodes: NodeClasses, leaving: readonly Batch[], seekers: NodeSeekers): NodeClasses {
  if (!nodes.known) return nodes;
  const classes = nodes.list().filter((each) => each.nodes > 0);
  const gaps = leaving.flatMap((each) => gapOf(nodes, classes, each, seekers) ?? []);
  if (gaps.length === 0) return nodes;
  const { largest } = seekers;
  const apart = gaps.reduce((sum, { room, count }) => sum + count * timesFits(largest, room), 0);
  const joined = apart >= seekers.count ? 0 : joinedGaps(gaps, largest);
  if (joined <= apart)
    return nodes.like([...classes, ...gaps.map(({ room, count, homes }) => node(homes, count, room))]);
  const [{ homes } = { homes: [] }] = gaps;
  const whole = classes.map((each) => ({ ...each, nodes: each.nodes * timesFits(largest, each.free), free: largest }));
  return nodes.like([...whole, node(homes, joined, largest)]);
}

/** A cluster as it can be counted on once so much has left it. */
export function vacatedState(
  state: ClusterState,
  { amount, pods }: { amount: Resources; pods: readonly Batch[] },
  request: PlacementRequest,
): ClusterState {
  const fleet = new Snapshot();
  const nodes = vacated(fleet.classes(fleet.upsert(state)), pods, nodeSeekersOf(request));
  // Pods that no inventory shows are handed out in these.
  return { ...state, reserved: subtractResources(state.reserved, amount), classes: nodes.list(), unreflected: [] };
}

function gapOf(
  nodes: NodeClasses,
  classes: readonly NodeClass[],
  { perReplica, replicas, rules = anyNode }: Batch,
  seekers: NodeSeekers,
): Gap | undefined {
  const homes = classes.filter((each) => nodes.mayRunOn(each, rules));
  const isOpen = homes.every((each) => seekers.rules.every((seeker) => nodes.mayRunOn(each, seeker)));
  // What every node has enough of for all seekers is no bound.
  const room = { ...perReplica };
  for (const name of resourceNames) {
    const all = seekers.count * seekers.largest[name];
    if (homes.every(({ free }) => free[name] >= all)) room[name] = Math.max(room[name], all);
  }
  return replicas > 0 && homes.length > 0 && isOpen ? { size: perReplica, room, count: replicas, homes } : undefined;
}

const noDevices: readonly number[] = [];

const node = ([home]: readonly NodeClass[], nodes: number, free: Resources): NodeClass => ({
  ...{ architecture: '', taints: [], ...home, devices: noDevices },
  nodes,
  free,
});

const sum = (a: Resources, b: Resources, times: number): Resources => ({
  mcpu: a.mcpu + b.mcpu * times,
  memoryBytes: a.memoryBytes + b.memoryBytes * times,
  pods: a.pods + b.pods * times,
});

/**
 * How many more of the largest start, at the least. Where pods leave nodes in the worst way, on each node the first few go
 * in vain, and then each run of them makes room for one; the longest runs come first, and the last ends with what was there.
 */
function joinedGaps(gaps: readonly Gap[], largest: Resources): number {
  const least = gaps.map(({ room }) => room).reduce(smaller);
  const smallest = gaps.map(({ size }) => size).reduce(smaller);
  const homes = [...new Set(gaps.flatMap((gap) => gap.homes))];
  let leaving = gaps.reduce((total, { count }) => total + count, 0);
  const runs = homes.map((home) => ({
    nodes: home.nodes,
    lengths: runsOf(home, least, largest, Math.min(leaving, mostOn(home, smallest))),
  }));
  for (const { nodes, lengths } of runs) leaving -= nodes * (lengths[0] ?? 0);
  const costly = runs.flatMap(({ nodes, lengths }) => lengths.slice(1).map((length) => ({ nodes, length })));
  let started = 0;
  for (const { nodes, length } of costly.sort((a, b) => b.length - a.length)) {
    if (leaving <= 0) break;
    const used = Math.min(nodes, Math.ceil(leaving / length));
    started += used;
    leaving -= used * length;
  }
  return started;
}

/** Of pods that leave a node of this class: how many in vain, then how many more until the next room is made, and so on. */
function runsOf({ free }: NodeClass, least: Resources, largest: Resources, most: number): number[] {
  const lengths = [0];
  let before = timesFits(largest, free);
  for (let gone = 1; gone <= most; gone++) {
    const now = timesFits(largest, sum(free, least, gone));
    if (now > before) lengths.push(0);
    lengths[lengths.length - 1] = (lengths.at(-1) ?? 0) + 1;
    before = now;
  }
  return lengths;
}

/** How many pods of at least this size a node of the class can hold, of what is not free. */
const mostOn = ({ free, allocatable }: NodeClass, size: Resources): number =>
  Math.min(
    ...(['mcpu', 'memoryBytes'] as const).map((name) =>
      allocatable === undefined || allocatable[name] === 0 || size[name] === 0
        ? Number.POSITIVE_INFINITY
        : Math.max(0, Math.floor((allocatable[name] - free[name]) / size[name])),
    ),
  );

const smaller = (a: Resources, b: Resources): Resources => ({
  mcpu: Math.min(a.mcpu, b.mcpu),
  memoryBytes: Math.min(a.memoryBytes, b.memoryBytes),
  pods: Math.min(a.pods, b.pods),
});
