import type { ClusterId, Resources } from '#domain';
import type { Transaction } from '../core/transaction.js';
import { type RefRow, type ReleaseRef, refColumns, refOf } from './backlog.js';
import type { ExpectedUse } from './holdings.js';

/** A cluster of which more is used than should be, by a fresh measure. */
export interface CrowdedCluster {
  cluster: ClusterId;
  /** p95 of measured use. */
  measured: ExpectedUse;
  allocatable: ExpectedUse;
  /** Measure × safety − what was evicted and may still be in it − ceiling; what is above zero is too much. */
  excess: ExpectedUse;
}

/** In thousandths of what is allocatable; `safetyPermille` of the measure. */
export interface CrowdedAbove {
  highWaterPermille: number;
  ceilingPermille: number;
  safetyPermille: number;
}

/** p95 of the last 15 minutes shows so long what is gone. */
const measureWindow = '16 minutes';

interface CrowdedRow {
  cluster_id: string;
  measured: [number, number];
  allocatable: [number, number];
  used: [number, number];
}

/**
 * Clusters above the high-water mark with best-effort pods. One reader at a time: undefined when another transaction is at
 * it already; until this one ends nobody else evicts.
 */
export async function readCrowded(
  tx: Transaction,
  { highWaterPermille, ceilingPermille, safetyPermille }: CrowdedAbove,
  freshMs: number,
): Promise<CrowdedCluster[] | undefined> {
  const [lock] = await tx.query<{ mine: boolean }>(
    `SELECT pg_try_advisory_xact_lock(hashtext('berth'), hashtext('evictions')) AS mine`,
  );
  if (lock?.mine !== true) return undefined;
  const rows = await tx.query<CrowdedRow>(
    `SELECT * FROM (
       SELECT k.cluster_id, ARRAY[k.measured_mcpu, k.measured_memory_bytes]::float8[] AS measured,
         ARRAY[k.allocatable_mcpu, k.allocatable_memory_bytes]::float8[] AS allocatable,
         ARRAY[k.measured_mcpu * $2::float8 / 1000 - coalesce(sum(e.mcpu), 0),
           k.measured_memory_bytes * $2::float8 / 1000 - coalesce(sum(e.memory_bytes), 0)]::float8[] AS used
       FROM cluster_capacity k LEFT JOIN evictions e
         ON e.cluster_id = k.cluster_id AND e.created_at > k.measured_at - interval '${measureWindow}'
       WHERE k.measured_mcpu IS NOT NULL AND k.measured_at > clock_timestamp() - make_interval(secs => $3::float8 / 1000)
         AND EXISTS (SELECT FROM fleet_best_effort b WHERE b.cluster_id = k.cluster_id AND b.state = 'held')
       GROUP BY k.cluster_id) c
     WHERE used[1] > allocatable[1] * $1::float8 / 1000 OR used[2] > allocatable[2] * $1::float8 / 1000
     ORDER BY cluster_id`,
    [highWaterPermille, safetyPermille, freshMs],
  );
  return rows.map(({ cluster_id: cluster, measured, allocatable, used }) => {
    const over = (at: 0 | 1): number => Math.ceil(used[at] - (allocatable[at] * ceilingPermille) / 1000);
    return {
      cluster,
      measured: { mcpu: measured[0], memoryBytes: measured[1] },
      allocatable: { mcpu: allocatable[0], memoryBytes: allocatable[1] },
      excess: { mcpu: over(0), memoryBytes: over(1) },
    };
  });
}

/** A placed best-effort release, and what it is expected to use in each cluster that it is in. */
export interface BestEffortRelease extends ReleaseRef {
  application: string;
  applicationUid: string;
  generation: bigint;
  priority: number;
  /** A newer release of the application waits or was refused. */
  asks: boolean;
  charged: Resources;
  uses: readonly (ExpectedUse & { cluster: ClusterId })[];
}

interface BestEffortRow extends RefRow {
  application_id: string;
  application_uid: string;
  generation: string;
  priority: number;
  asks: boolean;
  charged: number[];
  uses: (ExpectedUse & { cluster: string })[];
}

/** Those with pods in one of the clusters: of the lowest priority the newest first. */
export async function readBestEffort(tx: Transaction, clusters: readonly ClusterId[]): Promise<BestEffortRelease[]> {
  const rows = await tx.query<BestEffortRow>(
    `SELECT l.tenant_id, l.project_id, l.environment_id, l.number::text, l.application_id, l.application_uid,
       l.generation::text, l.priority, ARRAY[l.charged_mcpu, l.charged_memory_bytes, l.charged_pods]::float8[] AS charged,
       EXISTS (SELECT FROM releases n WHERE n.tenant_id = l.tenant_id AND n.project_id = l.project_id
         AND n.environment_id = l.environment_id AND n.application_uid = l.application_uid
         AND n.phase IN ('waiting', 'refused')) AS asks,
       json_agg(json_build_object('cluster', r.cluster_id, 'mcpu', r.expected_mcpu, 'memoryBytes', r.expected_memory_bytes)) AS uses
     FROM releases l
     JOIN works w ON w.tenant_id = l.tenant_id AND w.project_id = l.project_id AND w.environment_id = l.environment_id
       AND w.application_uid = l.application_uid AND w.wanted
     JOIN reservations r ON r.work_id = w.id AND r.state = 'held' AND r.admitted_at IS NOT NULL
     WHERE l.phase = 'placed' AND EXISTS (SELECT FROM works a JOIN reservations b ON b.work_id = a.id
       WHERE b.cluster_id = ANY($1::text[]) AND b.admitted_at IS NOT NULL AND a.tenant_id = l.tenant_id
         AND a.project_id = l.project_id AND a.environment_id = l.environment_id AND a.application_uid = l.application_uid)
     GROUP BY l.tenant_id, l.project_id, l.environment_id, l.number
     ORDER BY l.priority, l.updated_at DESC, l.tenant_id, l.project_id, l.environment_id, l.number`,
    [clusters],
  );
  return rows.map((row) => ({
    ...refOf(row),
    application: row.application_id,
    applicationUid: row.application_uid,
    generation: BigInt(row.generation),
    priority: row.priority,
    asks: row.asks,
    charged: { mcpu: row.charged[0] ?? 0, memoryBytes: row.charged[1] ?? 0, pods: row.charged[2] ?? 0 },
    uses: row.uses,
  }));
}

/** Notes what leaves, so that the same measure evicts nobody else. */
export async function writeEvictions(tx: Transaction, evicted: readonly BestEffortRelease[]): Promise<void> {
  const rows = evicted.flatMap((each) => {
    const sums = new Map<ClusterId, ExpectedUse>();
    for (const { cluster, mcpu, memoryBytes } of each.uses) {
      const before = sums.get(cluster);
      sums.set(cluster, { mcpu: (before?.mcpu ?? 0) + mcpu, memoryBytes: (before?.memoryBytes ?? 0) + memoryBytes });
    }
    return [...sums].map(([cluster, use]) => ({ ...each, cluster, use }));
  });
  const trimmed = tx.execute(
    `DELETE FROM evictions WHERE cluster_id = ANY($1::text[]) AND created_at < clock_timestamp() - interval '1 day'`,
    [rows.map(({ cluster }) => cluster)],
  );
  const written = tx.execute(
    `INSERT INTO evictions (tenant_id, project_id, environment_id, release_number, generation, cluster_id, mcpu, memory_bytes)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[], $8::bigint[])`,
    [
      ...refColumns(rows),
      rows.map(({ generation }) => generation.toString()),
      rows.map(({ cluster }) => cluster),
      rows.map(({ use }) => use.mcpu),
      rows.map(({ use }) => use.memoryBytes),
    ],
  );
  await tx.together([trimmed, written]);
}
