import type {
  ClusterFacts,
  ClusterId,
  ClusterPhase,
  ClusterSchema,
  ClusterTaint,
  NodeClass,
  NodeScoring,
  OverSubscription,
  Resources,
  StorageClass,
  Taint,
} from '#domain';
import { costsOf } from '../clusters/rows.js';
import type { Transaction } from '../core/transaction.js';
import type { ExpectedUse, NodeRules } from './holdings.js';

/** What the store knows of a cluster when a decision asks. */
export interface FleetCluster extends ClusterFacts {
  taints: readonly ClusterTaint[];
  /** Another one means another content: told by the transactions that wrote its rows. */
  stamp: string;
  phase: ClusterPhase;
  /** The first that the same Kubernetes cluster was registered as, when that is another one. */
  sameMemberAs: ClusterId | undefined;
  serverVersion: string;
  nodes: number;
  /** The last sequence given to a work or tombstone of this cluster. */
  workSequence: bigint;
  allocatable: Resources;
  foreignRequests: Resources;
  /** Reservations that are held or releasing. */
  reserved: Resources;
  /** Room that is kept for releases whose victims are leaving; absent: none. */
  nominated?: Resources;
  overSubscription: OverSubscription;
  measured: { mcpu: number; memoryBytes: number } | undefined;
  /** What best-effort pods are expected to use that the measure need not show yet; absent: nothing. */
  unmeasured?: ExpectedUse;
  /** By the store's clock; undefined when nothing was ever measured. */
  measureAgeMs: number | undefined;
  classes: readonly NodeClass[];
  /** Keys by which `classes` are told apart; undefined: its agent does not say. */
  labelKeys: readonly string[] | undefined;
  /** Reservations of pods that the last inventory does not show, by size and rules: not yet in `classes`. */
  unreflected: readonly { perReplica: Resources; replicas: number; rules?: NodeRules }[];
  kinds: readonly string[];
  /** What volumes can be made of there. */
  storageClasses: readonly StorageClass[];
  schemaDigest: string;
}

interface FleetRow {
  id: string;
  stamp: string;
  region: string;
  zone: string;
  provider: string;
  labels: Record<string, string>;
  taints: Taint[];
  taints_since: Record<string, number>;
  cordoned: boolean;
  phase: ClusterPhase;
  same_member_as: string | null;
  server_version: string;
  nodes: number;
  work_sequence: string;
  allocatable: number[];
  foreign_requests: number[];
  reserved: number[];
  nominated: number[] | null;
  oversubscribe_mcpu_permille: number;
  oversubscribe_memory_permille: number;
  core_hour_micros: string | null;
  gib_hour_micros: string | null;
  carbon_intensity: number | null;
  jurisdictions: string[];
  node_scoring: NodeScoring;
  measured: (number | null)[];
  unmeasured: [number, number] | null;
  measure_age_ms: number | null;
  classes: NodeClass[];
  label_keys: string[] | null;
  unreflected: { mcpu: number; memoryBytes: number; replicas: number; rules: NodeRules | null }[] | null;
  kinds: string[];
  storage_classes: StorageClass[];
  schema_digest: string;
}

/** A pod's use is in the measure so long after it was admitted: it has to start, and the measure is of the last minutes. */
const measureLag = '5 minutes';

const stampSql = `c.xmin::text || '/' || coalesce(same.other, '') || '/' || k.xmin::text`;

// float8 keeps integers exact up to 2^53, which is what amounts are bounded by.
const columns = `
  ${stampSql} AS stamp,
  c.id, c.region, c.zone, c.provider, c.labels, c.taints, c.taints_since, c.cordoned, c.phase, same.other AS same_member_as,
  c.oversubscribe_mcpu_permille, c.oversubscribe_memory_permille,
  c.core_hour_micros::text, c.gib_hour_micros::text, c.carbon_intensity, c.jurisdictions, c.node_scoring,
  k.server_version, k.nodes, k.work_sequence::text, k.classes, k.label_keys, k.kinds, k.storage_classes, k.schema_digest,
  ARRAY[k.allocatable_mcpu, k.allocatable_memory_bytes, k.allocatable_pods]::float8[] AS allocatable,
  ARRAY[k.foreign_mcpu, k.foreign_memory_bytes, k.foreign_pods]::float8[] AS foreign_requests,
  ARRAY[k.reserved_mcpu, k.reserved_memory_bytes, k.reserved_pods]::float8[] AS reserved,
  (SELECT ARRAY[v.mcpu, v.memory_bytes, v.pods]::float8[] FROM fleet_nominations v WHERE v.cluster_id = k.cluster_id) AS nominated,
  ARRAY[k.measured_mcpu, k.measured_memory_bytes]::float8[] AS measured,
  extract(epoch FROM clock_timestamp() - k.measured_at)::float8 * 1000 AS measure_age_ms,
  (SELECT ARRAY[sum(b.expected_mcpu), sum(b.expected_memory_bytes)]::float8[] FROM fleet_best_effort b
   WHERE b.cluster_id = k.cluster_id AND b.state = 'held'
     AND (k.measured_at IS NULL OR b.admitted_at > k.measured_at - interval '${measureLag}') HAVING count(*) > 0) AS unmeasured,
  (SELECT json_agg(json_build_object('mcpu', mcpu, 'memoryBytes', memory_bytes, 'replicas', replicas, 'rules', node_rules) ORDER BY first, mcpu, memory_bytes)
   FROM (
   SELECT r.replica_mcpu AS mcpu, r.replica_memory_bytes AS memory_bytes, sum(r.replicas) AS replicas,
     min(r.work_sequence) AS first, r.node_rules
   FROM fleet_reservations r
   WHERE r.cluster_id = k.cluster_id AND r.state = 'held' AND r.replicas > 0
     AND (r.work_sequence > k.reflected_work_sequence
       OR r.work_sequence > (k.unreflected_works ->> r.work_id::text)::bigint)
   GROUP BY r.replica_mcpu, r.replica_memory_bytes, r.node_rules) size) AS unreflected`;

/** Rows `cluster_id, other`: of clusters whose agents speak of the same Kubernetes cluster, all but the first registered. */
const sameMembers = (ofThese = 'true') => `(
  SELECT DISTINCT ON (a.cluster_id) a.cluster_id, e.id AS other
  FROM cluster_agents a JOIN clusters l ON l.id = a.cluster_id
    JOIN cluster_agents b ON b.member_uid = a.member_uid AND b.cluster_id <> a.cluster_id
    JOIN clusters e ON e.id = b.cluster_id AND (e.created_at, e.id) < (l.created_at, l.id)
  WHERE a.member_uid <> '' AND ${ofThese} ORDER BY a.cluster_id, e.created_at, e.id)`;

const resourcesOf = (amounts: readonly number[]): Resources => ({
  mcpu: amounts[0] ?? 0,
  memoryBytes: amounts[1] ?? 0,
  pods: amounts[2] ?? 0,
});

/** As the database names it. */
const taintName = ({ key, value, effect }: Taint): string => `${key}=${value}:${effect}`;

function clusterOf(row: FleetRow): FleetCluster {
  const [mcpu, memoryBytes] = row.measured;
  const { id, stamp, region, zone, provider, labels, cordoned, phase, nodes, classes, kinds } = row;
  const taints = row.taints.map((taint) => ({ ...taint, since: row.taints_since[taintName(taint)] }));
  return {
    ...{ stamp, id, region, zone, provider, labels, taints, cordoned, phase, nodes, classes, kinds },
    ...costsOf(row),
    sameMemberAs: row.same_member_as ?? undefined,
    labelKeys: row.label_keys ?? undefined,
    storageClasses: row.storage_classes,
    serverVersion: row.server_version,
    workSequence: BigInt(row.work_sequence),
    allocatable: resourcesOf(row.allocatable),
    foreignRequests: resourcesOf(row.foreign_requests),
    reserved: resourcesOf(row.reserved),
    ...(row.nominated === null ? {} : { nominated: resourcesOf(row.nominated) }),
    overSubscription: {
      mcpuPermille: row.oversubscribe_mcpu_permille,
      memoryPermille: row.oversubscribe_memory_permille,
    },
    measured: typeof mcpu === 'number' && typeof memoryBytes === 'number' ? { mcpu, memoryBytes } : undefined,
    ...(row.unmeasured === null ? {} : { unmeasured: { mcpu: row.unmeasured[0], memoryBytes: row.unmeasured[1] } }),
    measureAgeMs: row.measure_age_ms ?? undefined,
    unreflected: (row.unreflected ?? []).map((each) => ({
      perReplica: { mcpu: each.mcpu, memoryBytes: each.memoryBytes, pods: 1 },
      replicas: each.replicas,
      ...(each.rules === null ? {} : { rules: each.rules }),
    })),
    schemaDigest: row.schema_digest,
  };
}

/** The fleet, or the part of it that is named; clusters that are gone are left out. In order of id. */
export async function readFleet(tx: Transaction, ids?: readonly ClusterId[]): Promise<FleetCluster[]> {
  const rows = await tx.query<FleetRow>(
    `SELECT ${columns} FROM clusters c JOIN cluster_capacity k ON k.cluster_id = c.id
       LEFT JOIN ${sameMembers('($1::text[] IS NULL OR a.cluster_id = ANY($1))')} same ON same.cluster_id = c.id
     WHERE $1::text[] IS NULL OR c.id = ANY($1) ORDER BY c.id`,
    [ids ?? null],
  );
  return rows.map(clusterOf);
}

/** Clusters as they were last read, by id. */
export type KnownFleet = ReadonlyMap<ClusterId, FleetCluster>;

/**
 * Locks capacity rows until the transaction ends, always in order of cluster id, so that no two batches can wait for
 * each other. The figures that come back are the only ones that may be arbitrated on; of `known` clusters those are the
 * very objects that have not changed since, whose rows are not read again.
 */
export async function lockFleet(
  tx: Transaction,
  ids: readonly ClusterId[],
  known: KnownFleet = new Map(),
): Promise<FleetCluster[]> {
  if (ids.length === 0) return [];
  const locked = tx.query<{ cluster_id: string }>(
    'SELECT cluster_id FROM cluster_capacity WHERE cluster_id = ANY($1) ORDER BY cluster_id FOR UPDATE',
    [ids],
  );
  // A second statement: it sees what was committed while the first one waited, reservations included.
  const read = readChanged(tx, ids, known);
  await tx.together([locked, read]);
  const changed = new Map((await read).map((cluster) => [cluster.id, cluster]));
  return (await locked).flatMap(({ cluster_id: id }) => changed.get(id) ?? known.get(id) ?? []);
}

/** Those that are there and not as they are known. */
async function readChanged(tx: Transaction, ids: readonly ClusterId[], known: KnownFleet): Promise<FleetCluster[]> {
  const rows = await tx.query<FleetRow>(
    `SELECT ${columns} FROM unnest($1::text[], $2::text[]) AS n (id, stamp)
       JOIN clusters c ON c.id = n.id JOIN cluster_capacity k ON k.cluster_id = c.id
       LEFT JOIN ${sameMembers('a.cluster_id = ANY($1)')} same ON same.cluster_id = c.id
     WHERE n.stamp IS DISTINCT FROM ${stampSql} ORDER BY c.id`,
    [ids, ids.map((id) => known.get(id)?.stamp ?? '')],
  );
  return rows.map(clusterOf);
}

/** Says whether a cluster is still as it was read: another text means another content. */
export interface FleetStamp {
  id: ClusterId;
  stamp: string;
  /** By the store's clock; undefined when nothing was ever measured. */
  measureAgeMs: number | undefined;
}

/** Of every cluster that a decision may know. A row is told from a later one of itself by the transaction that wrote it. */
export async function readFleetStamps(tx: Transaction): Promise<FleetStamp[]> {
  const rows = await tx.query<{ id: string; stamp: string; measure_age_ms: number | null }>(
    `SELECT c.id, ${stampSql} AS stamp,
       extract(epoch FROM clock_timestamp() - k.measured_at)::float8 * 1000 AS measure_age_ms
     FROM clusters c JOIN cluster_capacity k ON k.cluster_id = c.id
       LEFT JOIN ${sameMembers()} same ON same.cluster_id = c.id`,
  );
  return rows.map(({ id, stamp, measure_age_ms }) => ({ id, stamp, measureAgeMs: measure_age_ms ?? undefined }));
}

/** The last position of the change feed. What is read later is at least as new. */
export async function readFeedPosition(tx: Transaction): Promise<bigint> {
  const rows = await tx.query<{ position: string }>('SELECT position::text FROM feed_state');
  return BigInt(rows[0]?.position ?? '0');
}

/** Fields that clusters declare, by digest. */
export async function readSchemas(tx: Transaction, digests: readonly string[]): Promise<Map<string, ClusterSchema>> {
  const rows = await tx.query<{ digest: string; content: ClusterSchema }>(
    'SELECT digest, content FROM cluster_schemas WHERE digest = ANY($1)',
    [digests],
  );
  return new Map(rows.map(({ digest, content }) => [digest, content]));
}

/** What a transaction added to capacity rows that it holds locked. */
export interface CapacityChange {
  cluster: ClusterId;
  workSequence: bigint;
  reserved: Resources;
}

/** Answers the stamps that their clusters have from now on, when nobody else changes them. */
export async function writeCapacity(
  tx: Transaction,
  changes: readonly CapacityChange[],
): Promise<Map<ClusterId, string>> {
  if (changes.length === 0) return new Map();
  const rows = await tx.query<{ cluster_id: string; written: string }>(
    `UPDATE cluster_capacity k SET work_sequence = n.sequence, reserved_mcpu = n.mcpu, reserved_memory_bytes = n.memory_bytes,
       reserved_pods = n.pods
     FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS n (id, sequence, mcpu, memory_bytes, pods)
     WHERE k.cluster_id = n.id RETURNING k.cluster_id, k.xmin::text AS written`,
    [
      changes.map((each) => each.cluster),
      changes.map((each) => each.workSequence.toString()),
      changes.map((each) => each.reserved.mcpu),
      changes.map((each) => each.reserved.memoryBytes),
      changes.map((each) => each.reserved.pods),
    ],
  );
  return new Map(rows.map(({ cluster_id, written }) => [cluster_id, written]));
}
