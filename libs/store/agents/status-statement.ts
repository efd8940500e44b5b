import type { Transaction } from '../core/transaction.js';
import { type ReportedLine, type ReportedWork, workColumns } from './status-columns.js';

/**
 * Everything that a report usually asks for, in one statement: whose epoch counts, the rows, the marks, the
 * announcements. The present epoch of each cluster is locked until the transaction ends, in order of id as everywhere: no
 * newer one is granted in between, so what is judged by it holds at commit.
 */
const storeSql = `
  /* reports into work_status: pg_stat_activity shows only the beginning */
  WITH present AS MATERIALIZED (
    SELECT cluster_id, epoch FROM cluster_agents WHERE cluster_id = ANY($1) ORDER BY cluster_id FOR UPDATE
  ), line AS MATERIALIZED (
    SELECT l.at, l.cluster_id, l.epoch, l.sequence, l.is_full
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::boolean[]) WITH ORDINALITY AS l(cluster_id, epoch, sequence, is_full, at)
    JOIN present p ON p.cluster_id = l.cluster_id AND p.epoch = l.epoch
  ), own AS MATERIALIZED (
    SELECT r.*, line.cluster_id, line.epoch, w.tenant_id, w.project_id, w.application_id
    FROM unnest($5::int[], $6::bigint[], $7::uuid[], $8::bigint[], $9::text[], $10::int[], $11::int[], $12::int[], $13::int[],
      $14::int[], string_to_array($15, E'\\n'), string_to_array($16, E'\\n'), string_to_array($17, E'\\n'))
      AS r(line, sequence, work_id, generation, phase, desired, updated, ready, unavailable, restarts, reasons, objects, findings)
    JOIN line ON line.at = r.line
    JOIN works w ON w.id = r.work_id AND w.cluster_id = line.cluster_id
  ), written AS (
    INSERT INTO work_status AS s (work_id, cluster_id, tenant_id, epoch, sequence, generation, phase,
      desired, updated, ready, unavailable, restarts, reasons, objects, findings, reported_at)
    SELECT work_id, cluster_id, tenant_id, epoch, sequence, generation, phase,
      desired, updated, ready, unavailable, restarts, reasons::jsonb, objects::jsonb, nullif(findings, '')::jsonb, clock_timestamp()
    FROM own
    ON CONFLICT (work_id) DO UPDATE SET cluster_id = excluded.cluster_id, epoch = excluded.epoch,
      sequence = excluded.sequence, generation = excluded.generation, phase = excluded.phase, desired = excluded.desired,
      updated = excluded.updated, ready = excluded.ready, unavailable = excluded.unavailable,
      restarts = excluded.restarts, reasons = excluded.reasons, objects = excluded.objects,
      findings = excluded.findings, reported_at = excluded.reported_at
    WHERE (excluded.epoch, excluded.sequence) > (s.epoch, s.sequence)
  ), marked AS (
    UPDATE cluster_agents a SET status_sequence = greatest(a.status_sequence, line.sequence),
      full_report_at = CASE WHEN line.is_full THEN clock_timestamp() ELSE a.full_report_at END
    FROM line WHERE a.cluster_id = line.cluster_id
  ), told AS (
    INSERT INTO outbox (tenant_id, kind, resource, version)
    SELECT DISTINCT tenant_id, 'application', project_id || '/' || application_id, 0 FROM own
    UNION ALL SELECT NULL, 'status', cluster_id, sequence FROM line
  )
  SELECT (SELECT coalesce(array_agg(at::int), '{}') FROM line) AS lines, (SELECT count(*)::int FROM own) AS own`;

/** Which lines' epochs counted, by their place from 1, and how many of their works are their clusters'. */
interface Stored {
  lines: number[];
  own: number;
}

/** A line stands once, a work once in a line. Nothing is stored of a line whose epoch is not its cluster's. */
export async function storeReports(
  tx: Transaction,
  lines: readonly ReportedLine[],
  works: readonly ReportedWork[],
): Promise<Stored> {
  const [stored = { lines: [], own: 0 }] = await tx.query<Stored>(storeSql, [
    lines.map(({ cluster }) => cluster),
    lines.map(({ epoch }) => epoch.toString()),
    lines.map(({ sequence }) => sequence.toString()),
    lines.map(({ isFull }) => isFull),
    ...workColumns(works),
  ]);
  if (stored.lines.length > 0) tx.outbox.announcedBySql();
  return stored;
}
