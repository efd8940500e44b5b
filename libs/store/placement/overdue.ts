import type { ReleasePhase } from '#domain';
import type { Transaction } from '../core/transaction.js';
import { type ReleaseRef, refColumns } from './backlog.js';

/** Something whose phase should have ended by now. */
export type Overdue =
  | { kind: 'release'; release: ReleaseRef; phase: ReleasePhase; generation: bigint; lateMs: number; settled: boolean }
  | { kind: 'operation'; id: string; tenant: string | undefined; target: string; lateMs: number };

interface OverdueReleaseRow {
  tenant_id: string;
  project_id: string;
  environment_id: string;
  number: string;
  phase: ReleasePhase;
  generation: string;
  late_ms: number;
  settled: boolean;
}

/**
 * Everything that is overdue by the store's clock, latest first, at most `limit` of each kind. A placed release is `settled`
 * when every cluster has reported all of it ready at its present generation.
 */
export async function overdue(tx: Transaction, limit = 500): Promise<Overdue[]> {
  const releases = await tx.query<OverdueReleaseRow>(
    `SELECT l.tenant_id, l.project_id, l.environment_id, l.number::text, l.phase, l.generation::text,
       extract(epoch FROM clock_timestamp() - l.deadline)::float8 * 1000 AS late_ms,
       l.phase = 'placed' AND NOT EXISTS (
         SELECT FROM works w LEFT JOIN work_status s ON s.work_id = w.id
         WHERE w.tenant_id = l.tenant_id AND w.project_id = l.project_id AND w.environment_id = l.environment_id
           AND w.application_uid = l.application_uid
           AND NOT (w.wanted AND s.generation IS NOT NULL AND s.generation >= w.generation AND s.phase = 'ready')) AS settled
     FROM releases l WHERE l.deadline < clock_timestamp() ORDER BY l.deadline LIMIT $1`,
    [limit],
  );
  const operations = await tx.query<{ id: string; tenant_id: string | null; target: string; late_ms: number }>(
    `SELECT id, tenant_id, target, extract(epoch FROM clock_timestamp() - deadline)::float8 * 1000 AS late_ms
     FROM operations WHERE NOT done AND deadline < clock_timestamp() ORDER BY deadline LIMIT $1`,
    [limit],
  );
  return [
    ...releases.map(
      (row): Overdue => ({
        kind: 'release',
        release: {
          tenant: row.tenant_id,
          project: row.project_id,
          environment: row.environment_id,
          number: BigInt(row.number),
        },
        phase: row.phase,
        generation: BigInt(row.generation),
        lateMs: row.late_ms,
        settled: row.settled,
      }),
    ),
    ...operations.map(
      (row): Overdue => ({
        kind: 'operation',
        id: row.id,
        tenant: row.tenant_id ?? undefined,
        target: row.target,
        lateMs: row.late_ms,
      }),
    ),
  ];
}

/** Gives releases a new deadline from now, or none (a phase that may last). Only while they are at that generation. */
export async function setDeadlines(
  tx: Transaction,
  releases: readonly { release: ReleaseRef; generation: bigint; deadlineMs: number | undefined }[],
): Promise<void> {
  if (releases.length === 0) return;
  await tx.execute(
    `UPDATE releases l SET deadline = clock_timestamp() + make_interval(secs => n.deadline_ms / 1000)
     FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::float8[])
       AS n (tenant, project, environment, number, generation, deadline_ms)
     WHERE l.tenant_id = n.tenant AND l.project_id = n.project AND l.environment_id = n.environment AND l.number = n.number
       AND l.generation = n.generation`,
    [
      ...refColumns(releases.map((each) => each.release)),
      releases.map((each) => each.generation.toString()),
      releases.map((each) => each.deadlineMs ?? null),
    ],
  );
}

export async function extendOperations(tx: Transaction, ids: readonly string[], deadlineMs: number): Promise<void> {
  if (ids.length === 0) return;
  await tx.execute(
    `UPDATE operations SET deadline = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
     WHERE id = ANY($1::uuid[]) AND NOT done`,
    [ids, deadlineMs],
  );
}
