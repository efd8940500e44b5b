import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { line } from '#contract';
import type { Chance } from '#domain';

const kinds = [
  ...['Pod', 'Service', 'ConfigMap', 'Secret', 'Namespace', 'Node', 'Event', 'Endpoints', 'ServiceAccount'].map(
    (kind) => `v1/${kind}`,
  ),
  ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ControllerRevision'].map((kind) => `apps/v1/${kind}`),
  ...['Job', 'CronJob'].map((kind) => `batch/v1/${kind}`),
  ...['Ingress', 'IngressClass', 'NetworkPolicy'].map((kind) => `networking.k8s.io/v1/${kind}`),
  ...['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'].map((kind) => `rbac.authorization.k8s.io/v1/${kind}`),
];

const amounts = (cores: number, gigabytes: number, pods: number): MessageInitShape<typeof line.AmountsSchema> => ({
  mcpu: BigInt(Math.round(cores * 1000)),
  memoryBytes: BigInt(gigabytes) << 30n,
  pods: BigInt(pods),
});

const classesWith = (used: number): MessageInitShape<typeof line.NodeClassSchema>[] =>
  Array.from({ length: 6 }, (_, index) => ({
    ...{ nodes: 2, architecture: 'amd64' },
    free: amounts((used * (index + 1)) / 24, index + 1, 80),
  }));

/** Cores in use, never twice the same. */
const use = (chance: Chance): number => chance() * 16;

/** Twelve nodes in six classes: what the first heartbeat brings. */
export function someInventory(chance: Chance, reflectedWorkSequence: bigint): line.Inventory {
  const used = use(chance);
  return create(line.InventorySchema, {
    reflectedWorkSequence,
    serverVersion: 'v1.36.0',
    nodes: 12,
    readyNodes: 12,
    allocatable: amounts(48, 192, 1_320),
    foreignRequests: amounts(3, 12, 60),
    berthRequests: amounts(used, 48, 300),
    classes: classesWith(used),
    measured: amounts(used * 0.7, 40, 0),
    kinds,
  });
}

/** What changes all the time: requests, measured use, and what the nodes have left. */
export function someChange(chance: Chance): line.InventoryDelta {
  const used = use(chance);
  return create(line.InventoryDeltaSchema, {
    berthRequests: amounts(used, 48, 300),
    classes: { classes: classesWith(used) },
    measured: { amounts: amounts(used * 0.7, 40, 0) },
  });
}
