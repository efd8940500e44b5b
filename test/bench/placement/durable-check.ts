import type { BerthDatabase } from '../propagate/database.js';

/** Tables that a commit of decisions adds rows to. */
export const written = ['decisions', 'placements', 'reservations', 'works', 'work_objects', 'audit'] as const;

export async function rowsWritten({ query }: BerthDatabase): Promise<Record<string, number>> {
  const counts = written.map((table) => `SELECT '${table}' AS name, count(*)::int AS rows FROM ${table}`);
  const rows = await query<{ name: string; rows: number }>(counts.join(' UNION ALL '));
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]));
}

/** What must hold of the tables once everything is placed, told in words; by plain sums that share nothing with Berth. */
export async function violations({ query }: BerthDatabase): Promise<string[]> {
  const rows = await query<{ what: string }>(
    `
    WITH sums AS (
      SELECT k.*, c.oversubscribe_mcpu_permille AS cpu_permille, c.oversubscribe_memory_permille AS memory_permille,
        coalesce(r.mcpu, 0) AS sum_mcpu, coalesce(r.memory_bytes, 0) AS sum_memory, coalesce(r.pods, 0) AS sum_pods
      FROM cluster_capacity k JOIN clusters c ON c.id = k.cluster_id
      LEFT JOIN (SELECT cluster_id, sum(mcpu) AS mcpu, sum(memory_bytes) AS memory_bytes, sum(pods) AS pods
        FROM reservations GROUP BY cluster_id) r USING (cluster_id))
    SELECT 'over-committed: ' || cluster_id AS what FROM sums
    WHERE sum_mcpu + foreign_mcpu > allocatable_mcpu * cpu_permille / 1000
      OR sum_memory + foreign_memory_bytes > allocatable_memory_bytes * memory_permille / 1000
      OR sum_pods + foreign_pods > allocatable_pods
    UNION ALL SELECT 'reserved is not the sum: ' || cluster_id FROM sums
    WHERE (reserved_mcpu, reserved_memory_bytes, reserved_pods) IS DISTINCT FROM (sum_mcpu, sum_memory, sum_pods)
    UNION ALL SELECT 'not placed: ' || application_id FROM releases WHERE phase <> 'placed' OR generation <> 2
    UNION ALL SELECT 'not decided once: ' || l.application_id FROM releases l WHERE 1 <> (
      SELECT count(*) FROM decisions d WHERE (d.tenant_id, d.project_id, d.environment_id, d.release_number)
        = (l.tenant_id, l.project_id, l.environment_id, l.number) AND d.placed AND length(d.record) > 0)
    UNION ALL SELECT 'works and replicas differ from what is asked: ' || l.application_id
    FROM releases l JOIN revisions v ON v.application_uid = l.application_uid
    LEFT JOIN (SELECT application_uid, count(*) AS works, sum(r.replicas) AS replicas FROM works w
      JOIN reservations r ON r.work_id = w.id AND r.state = 'held' GROUP BY 1) w ON w.application_uid = l.application_uid
    LEFT JOIN (SELECT application_uid, count(*) AS places, sum(replicas) AS replicas FROM placements GROUP BY 1) p
      ON p.application_uid = l.application_uid
    WHERE (w.works, w.replicas, p.replicas) IS DISTINCT FROM
      (p.places, (v.spec #>> '{components,0,replicas}')::bigint, (v.spec #>> '{components,0,replicas}')::bigint)
    UNION ALL SELECT 'not audited once: ' || target FROM (
      SELECT l.tenant_id, format('projects/%s/environments/%s/releases/%s', l.project_id, l.environment_id, l.number) AS target
      FROM releases l) l
    LEFT JOIN (SELECT tenant_id, target, count(*) AS entries FROM audit WHERE action = 'placement.commit' GROUP BY 1, 2) a
      USING (tenant_id, target)
    WHERE a.entries IS DISTINCT FROM 1
    UNION ALL SELECT 'not announced: ' || application_id FROM releases l WHERE NOT EXISTS (
      SELECT FROM announced a WHERE a.tenant_id = l.tenant_id AND a.resource = l.project_id || '/' || l.application_id)
    LIMIT 20`.replace(
      'WITH sums',
      `WITH announced AS MATERIALIZED (
      SELECT tenant_id, resource FROM outbox WHERE kind = 'application'
      UNION SELECT tenant_id, resource FROM feed WHERE kind = 'application'), sums`,
    ),
  );
  return rows.map(({ what }) => what);
}

/**
 * The ceiling: one client copies the very rows into tables of the same shape and indexes, in as many transactions as there
 * were commits; nothing is sent, decided, locked or read back. Seconds.
 */
export async function copyBare({ query }: BerthDatabase, commits: number): Promise<number> {
  for (const table of written) await query(`CREATE TABLE bare_${table} (LIKE ${table} INCLUDING ALL)`);
  const pages = await query<{ name: string; pages: number }>(
    `SELECT t AS name, (pg_relation_size(t::regclass) / 8192)::int AS pages FROM unnest($1::text[]) t`,
    [[...written]],
  );
  const began = performance.now();
  for (let at = 0; at < commits; at++) {
    const parts = pages.map(({ name, pages: all }) => {
      const [from, to] = [Math.floor((all * at) / commits), Math.floor((all * (at + 1)) / commits)];
      return `INSERT INTO bare_${name} OVERRIDING SYSTEM VALUE SELECT * FROM ${name} WHERE ctid >= '(${from},0)' AND ctid < '(${to},0)'`;
    });
    await query(parts.join('; ')); // one implicit transaction
  }
  return (performance.now() - began) / 1000;
}
