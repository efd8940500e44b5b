import { type NodeClass, noOverSubscription, noResources, type Resources } from '#domain';
import type { ClusterState } from '#placement';
import { type FreeNode, nodeClasses } from '../../../libs/kube/member/node-classes.js';
import type { TraceCluster } from './fleets.js';
import type { TracePod } from './input.js';
import { type MemberCluster, mostPods, type NodeState } from './member.js';

const mebibyte = 2 ** 20;

export const requestsOf = ({ mcpu, memoryMib }: TracePod): Resources => ({
  mcpu,
  memoryBytes: memoryMib * mebibyte,
  pods: 1,
});

/** A free node as an agent reads it from its cluster. */
const freeNode = ({ node, freeMcpu, freeMemoryMib, freePods, freeMilli }: NodeState): FreeNode => ({
  free: { mcpu: freeMcpu, memoryBytes: freeMemoryMib * mebibyte, pods: freePods },
  allocatable: { mcpu: node.mcpu, memoryBytes: node.memoryMib * mebibyte, pods: mostPods },
  architecture: 'amd64',
  taints: [],
  ...(freeMilli.length === 0 ? {} : { deviceModel: node.model, devices: [...freeMilli].sort((a, b) => b - a) }),
});

/** What the agent of this cluster would send: at most 64 classes, by its own code. */
export const classesOf = (member: MemberCluster): NodeClass[] => nodeClasses(member.nodes().map(freeNode));

/** A ready cluster as the engine sees it. `reserved` is what it was given, started or not: Berth holds both. */
export function stateOf(
  { id, nodes }: TraceCluster,
  reserved: Resources,
  classes: readonly NodeClass[],
  version: number,
): ClusterState {
  return {
    id,
    region: '',
    zone: '',
    provider: '',
    labels: {},
    taints: [],
    cordoned: false,
    phase: 'ready',
    serverVersion: '1.34.0',
    nodes: nodes.length,
    allocatable: {
      mcpu: nodes.reduce((sum, { mcpu }) => sum + mcpu, 0),
      memoryBytes: nodes.reduce((sum, { memoryMib }) => sum + memoryMib, 0) * mebibyte,
      pods: nodes.length * mostPods,
    },
    foreignRequests: noResources,
    reserved,
    overSubscription: noOverSubscription,
    measured: undefined,
    measureFresh: false,
    classes,
    kinds: [],
    schemaId: '',
    version: BigInt(version),
  };
}
