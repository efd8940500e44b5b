import {
  addResources,
  canonicalJson,
  type JsonValue,
  type NodeClass,
  noResources,
  type Resources,
  subtractResources,
  timesResources,
} from '#domain';
import { type ClusterState, type FleetChange, measuredHeadroom } from '#placement';

const asText = (value: object | readonly object[]): string => {
  const json: JsonValue = JSON.parse(JSON.stringify(value));
  return canonicalJson(json);
};

const freeOf = (cluster: ClusterState): Resources => {
  const { allocatable, overSubscription, foreignRequests, reserved, nominated = noResources } = cluster;
  return {
    mcpu:
      (allocatable.mcpu * overSubscription.mcpuPermille) / 1000 - foreignRequests.mcpu - reserved.mcpu - nominated.mcpu,
    memoryBytes:
      (allocatable.memoryBytes * overSubscription.memoryPermille) / 1000 -
      foreignRequests.memoryBytes -
      reserved.memoryBytes -
      nominated.memoryBytes,
    pods: allocatable.pods - foreignRequests.pods - reserved.pods - nominated.pods,
  };
};

const grew = (before: Resources, after: Resources): boolean =>
  after.mcpu > before.mcpu || after.memoryBytes > before.memoryBytes || after.pods > before.pods;

const holds = (free: Resources, asked: Resources): boolean =>
  free.mcpu >= asked.mcpu && free.memoryBytes >= asked.memoryBytes && free.pods >= asked.pods;

/** More nodes of a kind have at least so much room than had before. Nodes that only filled up are no news. */
function classesGrew(before: readonly NodeClass[], after: readonly NodeClass[]): boolean {
  if (JSON.stringify(before) === JSON.stringify(after)) return false;
  const kinded = (classes: readonly NodeClass[]) =>
    classes.map((each) => ({ ...each, kind: asText({ ...each, nodes: 0, free: noResources }) }));
  const [were, are] = [kinded(before), kinded(after)];
  return are.some(({ kind, free }) => {
    const roomy = (classes: typeof are): number =>
      classes.reduce((sum, each) => sum + (each.kind === kind && holds(each.free, free) ? each.nodes : 0), 0);
    return roomy(are) > roomy(were);
  });
}

/** Classes are told apart by a label that they were not by. */
const learntLabels = (before: ClusterState, after: ClusterState): boolean =>
  after.labelKeys?.some((key) => before.labelKeys?.includes(key) !== true) === true ||
  (before.labelKeys !== undefined && after.labelKeys === undefined);

/** Room on nodes, less the pods that are on their way to them: equal while those arrive as expected. */
function roomOf({ classes, unreflected = [] }: ClusterState): Resources {
  const free = classes.reduce((sum, each) => addResources(sum, timesResources(each.free, each.nodes)), noResources);
  const coming = unreflected.map(({ perReplica, replicas }) => timesResources(perReplica, replicas));
  return coming.reduce(subtractResources, free);
}

/** A measure that came back counts, too. */
function headroomGrew(before: ClusterState, after: ClusterState): boolean {
  const [was, is] = [measuredHeadroom(before), measuredHeadroom(after)];
  if (is === undefined) return false;
  return was === undefined || is.mcpu > was.mcpu || is.memoryBytes > was.memoryBytes;
}

const takesNothing = ({ cordoned, sameMemberAs }: ClusterState): boolean => cordoned || sameMemberAs !== undefined;

/** What of a cluster's change could make a refused group placeable. Room that only shrank wakes nobody. */
export function changesBetween(before: ClusterState | undefined, after: ClusterState): FleetChange[] {
  if (before === undefined)
    return after.phase === 'ready' ? ['cluster.registered', 'cluster.ready'] : ['cluster.registered'];
  const changes: FleetChange[] = [];
  const place = ({ region, zone, provider, labels, price, jurisdictions }: ClusterState): string =>
    asText({ region, zone, provider, labels, price, jurisdictions });
  if (place(before) !== place(after)) changes.push('cluster.relabelled');
  const taints = new Set(after.taints.map(asText));
  if (before.taints.some((taint) => !taints.has(asText(taint)))) changes.push('cluster.tainted');
  if (takesNothing(before) && !takesNothing(after)) changes.push('cluster.uncordoned');
  if (before.phase !== 'ready' && after.phase === 'ready') changes.push('cluster.ready');
  const hasMoreRoom =
    grew(freeOf(before), freeOf(after)) ||
    grew(roomOf(before), roomOf(after)) ||
    classesGrew(before.classes, after.classes) ||
    learntLabels(before, after) ||
    after.nodes > before.nodes;
  if (hasMoreRoom) changes.push('cluster.capacity');
  if (headroomGrew(before, after)) changes.push('cluster.headroom');
  if (before.schemaId !== after.schemaId || asText(before.kinds) !== asText(after.kinds))
    changes.push('cluster.schema');
  if (asText(before.storageClasses ?? []) !== asText(after.storageClasses ?? [])) changes.push('cluster.storage');
  return changes;
}
