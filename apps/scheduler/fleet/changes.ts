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
import type { ClusterState, FleetChange } from '#placement';

const asText = (value: object | readonly object[]): string => {
  const json: JsonValue = JSON.parse(JSON.stringify(value));
  return canonicalJson(json);
};

const freeOf = (cluster: ClusterState): Resources => {
  const { allocatable, overSubscription, foreignRequests, reserved } = cluster;
  return {
    mcpu: (allocatable.mcpu * overSubscription.mcpuPermille) / 1000 - foreignRequests.mcpu - reserved.mcpu,
    memoryBytes:
      (allocatable.memoryBytes * overSubscription.memoryPermille) / 1000 -
      foreignRequests.memoryBytes -
      reserved.memoryBytes,
    pods: allocatable.pods - foreignRequests.pods - reserved.pods,
  };
};

const grew = (before: Resources, after: Resources): boolean =>
  after.mcpu > before.mcpu || after.memoryBytes > before.memoryBytes || after.pods > before.pods;

/** Some node has more room than any had before, or a shape is there that was not. */
function classesGrew(before: readonly NodeClass[], after: readonly NodeClass[]): boolean {
  const known = new Map(before.map((each) => [asText({ ...each, nodes: 0 }), each.nodes]));
  return after.some((each) => each.nodes > (known.get(asText({ ...each, nodes: 0 })) ?? 0));
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

const takesNothing = ({ cordoned, sameMemberAs }: ClusterState): boolean => cordoned || sameMemberAs !== undefined;

/** What of a cluster's change could make a refused group placeable. Room that only shrank wakes nobody. */
export function changesBetween(before: ClusterState | undefined, after: ClusterState): FleetChange[] {
  if (before === undefined)
    return after.phase === 'ready' ? ['cluster.registered', 'cluster.ready'] : ['cluster.registered'];
  const changes: FleetChange[] = [];
  const place = ({ region, zone, provider, labels, price, jurisdictions }: ClusterState): string =>
    asText({ region, zone, provider, labels, price, jurisdictions });
  if (place(before) !== place(after)) changes.push('cluster.relabelled');
  if (asText(before.taints) !== asText(after.taints)) changes.push('cluster.tainted');
  if (takesNothing(before) && !takesNothing(after)) changes.push('cluster.uncordoned');
  if (before.phase !== 'ready' && after.phase === 'ready') changes.push('cluster.ready');
  const hasMoreRoom =
    grew(freeOf(before), freeOf(after)) ||
    grew(roomOf(before), roomOf(after)) ||
    classesGrew(before.classes, after.classes) ||
    learntLabels(before, after) ||
    after.nodes > before.nodes;
  if (hasMoreRoom) changes.push('cluster.capacity');
  if (before.schemaId !== after.schemaId || asText(before.kinds) !== asText(after.kinds))
    changes.push('cluster.schema');
  return changes;
}
