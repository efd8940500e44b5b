import type {
  ClusterCondition,
  ClusterFacts,
  ClusterPhase,
  NodeClass,
  NodeScoring,
  OverSubscription,
  Resources,
  StorageClass,
  Taint,
} from '#domain';

export interface StoredCondition extends ClusterCondition {
  /** ISO 8601. */
  since: string;
}

/** A member cluster with what its agent said. */
export interface StoredCluster extends ClusterFacts {
  version: bigint;
  overSubscription: OverSubscription;
  phase: ClusterPhase;
  createdAt: Date;
  serverVersion: string;
  nodes: number;
  readyNodes: number;
  allocatable: Resources;
  foreignRequests: Resources;
  reserved: Resources;
  /** Undefined without metrics. */
  measured: { mcpu: number; memoryBytes: number } | undefined;
  classes: readonly NodeClass[];
  storageClasses: readonly StorageClass[];
  /** How many kinds it serves. */
  kinds: number;
  /** Those, as `apps/v1/Deployment`; empty where clusters are listed. */
  servedKinds: readonly string[];
  /** Of so many works not all pods are in these figures. */
  unreflectedWorks: number;
  /** Null until an inventory came. */
  reportedAt: Date | null;
  workSequence: bigint;
  /** In order of type. */
  conditions: readonly StoredCondition[];
  /** Undefined until one came. */
  agent:
    | {
        epoch: bigint;
        version: string;
        connected: boolean;
        leaseExpiresAt: Date | null;
        certificateExpiresAt: Date | null;
        appliedWorkSequence: bigint;
        heardAt: Date | null;
        /** Empty: it does not say. */
        hostName: string;
      }
    | undefined;
}

/** What operators say about a cluster. */
export interface StoredClusterSettings extends Omit<ClusterFacts, 'id'> {
  overSubscription: OverSubscription;
}

/** As the select in `./read.ts` gives it. */
export interface RawCluster {
  id: string;
  version: string;
  region: string;
  zone: string;
  provider: string;
  labels: Record<string, string>;
  taints: Taint[];
  cordoned: boolean;
  oversubscribe_mcpu_permille: number;
  oversubscribe_memory_permille: number;
  core_hour_micros: string | null;
  gib_hour_micros: string | null;
  carbon_intensity: number | null;
  jurisdictions: string[];
  node_scoring: NodeScoring;
  phase: ClusterPhase;
  created_at: Date;
  server_version: string;
  nodes: number;
  ready_nodes: number;
  allocatable_mcpu: string;
  allocatable_memory_bytes: string;
  allocatable_pods: string;
  foreign_mcpu: string;
  foreign_memory_bytes: string;
  foreign_pods: string;
  reserved_mcpu: string;
  reserved_memory_bytes: string;
  reserved_pods: string;
  measured_mcpu: string | null;
  measured_memory_bytes: string | null;
  classes: NodeClass[];
  storage_classes: StorageClass[];
  kinds: number;
  served_kinds: string[];
  unreflected_works: number;
  reported_at: Date | null;
  work_sequence: string;
  conditions: StoredCondition[];
  epoch: string | null;
  agent_version: string | null;
  connected: boolean | null;
  lease_expires_at: Date | null;
  certificate_expires_at: Date | null;
  applied_work_sequence: string | null;
  heard_at: Date | null;
  host_name: string | null;
}

/** What operators may leave open; absent when they do. */
export const costsOf = (
  row: Pick<RawCluster, 'core_hour_micros' | 'gib_hour_micros' | 'carbon_intensity' | 'jurisdictions' | 'node_scoring'>,
): Pick<ClusterFacts, 'price' | 'carbonIntensity' | 'jurisdictions' | 'nodeScoring'> => ({
  price:
    row.core_hour_micros === null || row.gib_hour_micros === null
      ? undefined
      : { coreHourMicros: Number(row.core_hour_micros), gibHourMicros: Number(row.gib_hour_micros) },
  carbonIntensity: row.carbon_intensity ?? undefined,
  jurisdictions: row.jurisdictions.length === 0 ? undefined : row.jurisdictions,
  nodeScoring: row.node_scoring === 'least-allocated' ? undefined : row.node_scoring,
});

const measuredOf = (row: RawCluster): StoredCluster['measured'] =>
  row.measured_mcpu === null || row.measured_memory_bytes === null
    ? undefined
    : { mcpu: Number(row.measured_mcpu), memoryBytes: Number(row.measured_memory_bytes) };

const agentOf = (row: RawCluster): StoredCluster['agent'] => {
  const epoch = BigInt(row.epoch ?? '0');
  if (epoch === 0n) return undefined;
  return {
    epoch,
    version: row.agent_version ?? '',
    connected: row.connected ?? false,
    leaseExpiresAt: row.lease_expires_at,
    certificateExpiresAt: row.certificate_expires_at,
    appliedWorkSequence: BigInt(row.applied_work_sequence ?? '0'),
    heardAt: row.heard_at,
    hostName: row.host_name ?? '',
  };
};

export const clusterOf = (row: RawCluster): StoredCluster => ({
  id: row.id,
  version: BigInt(row.version),
  region: row.region,
  zone: row.zone,
  provider: row.provider,
  labels: row.labels,
  taints: row.taints,
  cordoned: row.cordoned,
  overSubscription: {
    mcpuPermille: row.oversubscribe_mcpu_permille,
    memoryPermille: row.oversubscribe_memory_permille,
  },
  ...costsOf(row),
  phase: row.phase,
  createdAt: row.created_at,
  serverVersion: row.server_version,
  nodes: row.nodes,
  readyNodes: row.ready_nodes,
  allocatable: {
    mcpu: Number(row.allocatable_mcpu),
    memoryBytes: Number(row.allocatable_memory_bytes),
    pods: Number(row.allocatable_pods),
  },
  foreignRequests: {
    mcpu: Number(row.foreign_mcpu),
    memoryBytes: Number(row.foreign_memory_bytes),
    pods: Number(row.foreign_pods),
  },
  reserved: {
    mcpu: Number(row.reserved_mcpu),
    memoryBytes: Number(row.reserved_memory_bytes),
    pods: Number(row.reserved_pods),
  },
  measured: measuredOf(row),
  classes: row.classes,
  storageClasses: row.storage_classes,
  kinds: row.kinds,
  servedKinds: row.served_kinds,
  unreflectedWorks: row.unreflected_works,
  reportedAt: row.reported_at,
  workSequence: BigInt(row.work_sequence),
  conditions: row.conditions,
  agent: agentOf(row),
});
