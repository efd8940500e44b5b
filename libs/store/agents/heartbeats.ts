import type { ClusterId, ClusterSchema, Instant, InventoryChange, Millis } from '#domain';
import type { Transaction } from '../core/transaction.js';
import { announceApplications } from './announcements.js';
import { cutOff } from './cut-off.js';
import { lockEpochs } from './epochs.js';

export interface Heartbeat {
  cluster: ClusterId;
  epoch: bigint;
  appliedWorkSequence: bigint;
  /** What changed since the last one that is stored; undefined when nothing did. */
  inventory: InventoryChange | undefined;
  /** By the agent's own clock; undefined: it did not say. */
  agentTime?: Instant | undefined;
}

export interface HeartbeatOutcome {
  /** Of an epoch that is no longer the cluster's: nothing of them is stored. */
  superseded: Heartbeat[];
  /** Digests of schemas that the store does not hold yet. */
  unknownSchemas: string[];
}

/** Extends leases on the store's clock and keeps inventories. One heartbeat per cluster. */
export async function storeHeartbeats(
  tx: Transaction,
  beats: readonly Heartbeat[],
  leaseTtlMs: Millis,
): Promise<HeartbeatOutcome> {
  const epochs = await lockEpochs(tx, beats);
  const accepted = beats.filter((beat) => epochs.get(beat.cluster) === beat.epoch);
  const withInventory = accepted.flatMap(({ cluster, inventory }) =>
    inventory === undefined ? [] : [{ cluster, inventory }],
  );
  const reported = new Set(withInventory.map(({ cluster }) => cluster));
  // in this order, without waiting for each other's answers
  const extended = extendLeases(tx, accepted, leaseTtlMs);
  const stored = storeInventories(tx, withInventory);
  const returning = markReady(tx, accepted);
  const told = announceClusters(tx, [...reported]);
  const digests = withInventory.map(({ inventory }) => inventory.schemaDigest ?? '');
  const unknown = unknownSchemas(tx, digests);
  await tx.together([extended, stored, returning, told, unknown]);
  const returned = await returning;
  await announceClusters(
    tx,
    returned.filter((cluster) => !reported.has(cluster)),
  );
  await announceApplications(tx, returned);
  return {
    superseded: beats.filter((beat) => !accepted.includes(beat)),
    unknownSchemas: await unknown,
  };
}

const announceClusters = (tx: Transaction, clusters: readonly ClusterId[]): Promise<void> =>
  tx.outbox.append(...clusters.map((cluster) => ({ tenant: undefined, kind: 'cluster' as const, resource: cluster })));

async function extendLeases(tx: Transaction, beats: readonly Heartbeat[], leaseTtlMs: Millis): Promise<void> {
  await tx.query(
    `UPDATE cluster_agents a SET connected = true, heard_at = clock_timestamp(),
       clock_ahead_ms = round(b.agent_ms - extract(epoch FROM clock_timestamp()) * 1000),
       lease_expires_at = clock_timestamp() + $3 * interval '1 millisecond',
       applied_work_sequence = greatest(a.applied_work_sequence, least(b.applied, c.work_sequence))
     FROM unnest($1::text[], $2::bigint[], $4::bigint[]) AS b(cluster_id, applied, agent_ms) JOIN cluster_capacity c USING (cluster_id)
     WHERE a.cluster_id = b.cluster_id AND NOT ${cutOff('a')}`,
    [
      beats.map((beat) => beat.cluster),
      beats.map((beat) => beat.appliedWorkSequence.toString()),
      leaseTtlMs,
      beats.map((beat) => beat.agentTime ?? null),
    ],
  );
}

/**
 * A cluster is ready once its agent has told what it has: before, the agent may not even reach it. The last words of one
 * that was cut off change nothing.
 */
async function markReady(tx: Transaction, beats: readonly Heartbeat[]): Promise<ClusterId[]> {
  const rows = await tx.query<{ id: string }>(
    `UPDATE clusters SET phase = 'ready', updated_at = clock_timestamp()
     WHERE id = ANY($1) AND phase IN ('pending', 'unreachable')
       AND EXISTS (SELECT FROM cluster_capacity c WHERE c.cluster_id = clusters.id AND c.reported_at IS NOT NULL)
       AND NOT EXISTS (SELECT FROM cluster_agents a WHERE a.cluster_id = clusters.id AND ${cutOff('a')})
     RETURNING id`,
    [beats.map((beat) => beat.cluster)],
  );
  return rows.map((row) => row.id);
}

/** Columns whose value stays when a change does not bring them, with their types. */
const plainColumns = {
  allocatable_mcpu: 'bigint',
  allocatable_memory_bytes: 'bigint',
  allocatable_pods: 'bigint',
  foreign_mcpu: 'bigint',
  foreign_memory_bytes: 'bigint',
  foreign_pods: 'bigint',
  berth_mcpu: 'bigint',
  berth_memory_bytes: 'bigint',
  berth_pods: 'bigint',
  nodes: 'integer',
  ready_nodes: 'integer',
  classes: 'jsonb',
  kinds: 'text[]',
  schema_digest: 'text',
  server_version: 'text',
  unreflected_works: 'jsonb',
  storage_classes: 'jsonb',
} as const;

type InventoryRow = { [Column in keyof typeof plainColumns]?: unknown } & {
  cluster_id: ClusterId;
  reflected_work_sequence?: string | undefined;
  /** Set when the change brings the measure, or that there is none. */
  is_measured?: boolean;
  measured_mcpu?: number | undefined;
  measured_memory_bytes?: number | undefined;
  /** Set when the change brings keys, or an agent that tells none. */
  has_labels?: boolean;
  label_keys?: readonly string[] | undefined;
};

const inventorySql = `
  UPDATE cluster_capacity c SET
    ${Object.keys(plainColumns)
      .map((name) => `${name} = coalesce(i.${name}, c.${name})`)
      .join(', ')},
    reflected_work_sequence = coalesce(least(i.reflected_work_sequence, c.work_sequence), c.reflected_work_sequence),
    measured_mcpu = CASE WHEN i.is_measured THEN i.measured_mcpu ELSE c.measured_mcpu END,
    measured_memory_bytes = CASE WHEN i.is_measured THEN i.measured_memory_bytes ELSE c.measured_memory_bytes END,
    label_keys = CASE WHEN i.has_labels THEN i.label_keys ELSE c.label_keys END,
    measured_at = CASE WHEN i.measured_mcpu IS NULL THEN c.measured_at ELSE clock_timestamp() END,
    reported_at = clock_timestamp()
  FROM jsonb_to_recordset($1::jsonb) AS i(cluster_id text,
    ${Object.entries(plainColumns)
      .map((column) => column.join(' '))
      .join(', ')},
    reflected_work_sequence bigint, is_measured boolean, measured_mcpu bigint, measured_memory_bytes bigint,
    has_labels boolean, label_keys text[])
  WHERE c.cluster_id = i.cluster_id`;

async function storeInventories(
  tx: Transaction,
  reported: readonly { cluster: ClusterId; inventory: InventoryChange }[],
): Promise<void> {
  if (reported.length === 0) return;
  // the row that schedulers lock, too: always in order of id
  const locked = tx.query('SELECT FROM cluster_capacity WHERE cluster_id = ANY($1) ORDER BY cluster_id FOR UPDATE', [
    reported.map(({ cluster }) => cluster),
  ]);
  await tx.together([locked, tx.query(inventorySql, [JSON.stringify(reported.map(inventoryRow))])]);
}

/** A column that is undefined is left out of the JSON, and stays. */
function inventoryRow({ cluster, inventory }: { cluster: ClusterId; inventory: InventoryChange }): InventoryRow {
  const { allocatable, foreignRequests, berthRequests, reflected, measured } = inventory;
  return {
    cluster_id: cluster,
    allocatable_mcpu: allocatable?.mcpu,
    allocatable_memory_bytes: allocatable?.memoryBytes,
    allocatable_pods: allocatable?.pods,
    foreign_mcpu: foreignRequests?.mcpu,
    foreign_memory_bytes: foreignRequests?.memoryBytes,
    foreign_pods: foreignRequests?.pods,
    berth_mcpu: berthRequests?.mcpu,
    berth_memory_bytes: berthRequests?.memoryBytes,
    berth_pods: berthRequests?.pods,
    nodes: inventory.nodes,
    ready_nodes: inventory.readyNodes,
    classes: inventory.classes,
    kinds: inventory.kinds,
    schema_digest: inventory.schemaDigest,
    server_version: inventory.serverVersion,
    storage_classes: inventory.storageClasses,
    has_labels: 'labelKeys' in inventory,
    label_keys: inventory.labelKeys,
    reflected_work_sequence: reflected?.upTo.toString(),
    unreflected_works:
      reflected && Object.fromEntries(reflected.except.map(({ workId, after }) => [workId, after.toString()])),
    is_measured: 'measured' in inventory,
    measured_mcpu: measured?.mcpu,
    measured_memory_bytes: measured?.memoryBytes,
  };
}

async function unknownSchemas(tx: Transaction, digests: readonly string[]): Promise<string[]> {
  const asked = [...new Set(digests)].filter((digest) => digest !== '');
  if (asked.length === 0) return [];
  const rows = await tx.query<{ digest: string }>(
    `SELECT d AS digest FROM unnest($1::text[]) AS d WHERE NOT EXISTS (SELECT FROM cluster_schemas s WHERE s.digest = d)`,
    [asked],
  );
  return rows.map((row) => row.digest);
}

/** Keeps a schema under its digest; what is kept already stays as it is. Wakes who waits for the cluster's facts. */
export async function storeSchema(
  tx: Transaction,
  reported: { cluster: ClusterId; digest: string; schema: ClusterSchema },
): Promise<void> {
  await tx.query('INSERT INTO cluster_schemas (digest, content) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING', [
    reported.digest,
    JSON.stringify(reported.schema),
  ]);
  await tx.outbox.append({ tenant: undefined, kind: 'cluster', resource: reported.cluster });
}
