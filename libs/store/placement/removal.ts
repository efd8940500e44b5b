import type { Resources } from '#domain';
import type { Transaction } from '../core/transaction.js';
import { type ReleaseRef, refColumns } from './backlog.js';

export interface RemovingRelease extends ReleaseRef {
  application: string;
  applicationUid: string;
  charged: Resources;
  /** Works that are still wanted: their objects have to be dropped first. */
  wantedWorks: number;
  /** Works of any kind; none: everything is confirmed gone. */
  works: number;
}

interface RemovingRow {
  tenant_id: string;
  project_id: string;
  environment_id: string;
  number: string;
  application_id: string;
  application_uid: string;
  charged: number[];
  wanted_works: number;
  works: number;
}

const removing = (condition: string) => `
  SELECT l.tenant_id, l.project_id, l.environment_id, l.number::text, l.application_id, l.application_uid,
    ARRAY[l.charged_mcpu, l.charged_memory_bytes, l.charged_pods]::float8[] AS charged,
    (SELECT count(*) FROM works w WHERE ${sameApplication} AND w.wanted)::int AS wanted_works,
    (SELECT count(*) FROM works w WHERE ${sameApplication})::int AS works
  FROM releases l WHERE l.phase = 'removing' ${condition}
  ORDER BY l.tenant_id, l.project_id, l.environment_id, l.number`;

const sameApplication = `w.tenant_id = l.tenant_id AND w.project_id = l.project_id
  AND w.environment_id = l.environment_id AND w.application_uid = l.application_uid`;

const removingOf = (row: RemovingRow): RemovingRelease => ({
  tenant: row.tenant_id,
  project: row.project_id,
  environment: row.environment_id,
  number: BigInt(row.number),
  application: row.application_id,
  applicationUid: row.application_uid,
  charged: { mcpu: row.charged[0] ?? 0, memoryBytes: row.charged[1] ?? 0, pods: row.charged[2] ?? 0 },
  wantedWorks: row.wanted_works,
  works: row.works,
});

/** Releases on their way out that need a step: works to drop, or nothing left to wait for. */
export async function readRemoving(tx: Transaction, limit: number): Promise<RemovingRelease[]> {
  const rows = await tx.query<RemovingRow>(
    `SELECT * FROM (${removing('')}) every WHERE wanted_works > 0 OR works = 0 LIMIT $1`,
    [limit],
  );
  return rows.map(removingOf);
}

/** Locks those of the releases that are still being removed. */
export async function lockRemoving(tx: Transaction, of: readonly ReleaseRef[]): Promise<RemovingRelease[]> {
  const named = `AND (l.tenant_id, l.project_id, l.environment_id, l.number) IN
    (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]))`;
  await tx.query(
    `SELECT FROM releases l WHERE l.phase = 'removing' ${named}
     ORDER BY l.tenant_id, l.project_id, l.environment_id, l.number FOR UPDATE`,
    refColumns(of),
  );
  const rows = await tx.query<RemovingRow>(removing(named), refColumns(of));
  return rows.map(removingOf);
}

/**
 * Ends deleted applications of which no release is active any more, and the operations that delete them. Revisions and
 * claims on names go with them; releases stay as history. Returns the operations that ended.
 */
export async function endApplications(
  tx: Transaction,
  uids: readonly string[],
): Promise<{ id: string; tenant: string }[]> {
  const gone = await tx.query<{ uid: string }>(
    `DELETE FROM applications a WHERE a.uid = ANY($1::uuid[]) AND a.deleted_at IS NOT NULL
       AND NOT EXISTS (SELECT FROM releases l WHERE l.tenant_id = a.tenant_id AND l.application_uid = a.uid
         AND l.phase IN ('waiting', 'refused', 'placed', 'removing'))
       AND NOT EXISTS (SELECT FROM works w WHERE w.tenant_id = a.tenant_id AND w.application_uid = a.uid)
     RETURNING a.uid`,
    [uids],
  );
  if (gone.length === 0) return [];
  return tx.query<{ id: string; tenant: string }>(
    `UPDATE operations o SET done = true, completed_steps = total_steps, ended_at = clock_timestamp(), deadline = NULL,
       message = coalesce('everything of the application is confirmed gone; ' || (
         SELECT string_agg(DISTINCT 'in ' || t.cluster_id || ' ' || t.message, '; ') FROM releases l
         JOIN environments e ON e.tenant_id = l.tenant_id AND e.project_id = l.project_id AND e.id = l.environment_id
         JOIN tombstones t ON t.tenant_id = l.tenant_id AND t.kind = 'Namespace' AND t.name = e.namespace
           AND t.outcome = 'foreign-left' AND t.confirmed_at >= o.created_at
         WHERE l.tenant_id = o.tenant_id AND l.application_uid = o.subject::uuid), 'everything is confirmed gone')
     WHERE NOT done AND subject = ANY($1::text[]) RETURNING id, tenant_id AS tenant`,
    [gone.map((each) => each.uid)],
  );
}

/** Says how far deletions are: a step is a work that is confirmed gone. */
export async function updateDeletions(
  tx: Transaction,
  uids: readonly string[],
): Promise<{ id: string; tenant: string }[]> {
  return tx.query<{ id: string; tenant: string }>(
    `UPDATE operations o SET total_steps = greatest(o.total_steps, n.left_over),
       completed_steps = greatest(o.total_steps, n.left_over) - n.left_over,
       message = n.left_over || ' of ' || greatest(o.total_steps, n.left_over) || ' works are still there'
     FROM (
       SELECT uid, (SELECT count(*) FROM works w WHERE w.application_uid = uid::uuid) AS left_over
       FROM unnest($1::text[]) uid) n
     WHERE NOT o.done AND o.subject = n.uid RETURNING o.id, o.tenant_id AS tenant`,
    [uids],
  );
}
