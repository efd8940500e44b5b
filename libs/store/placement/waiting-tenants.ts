import type { Resources } from '#domain';
import type { Reader } from '../core/reader.js';
import { type RefRow, type ReleaseRef, readersSql, refOf, removedFirst } from './backlog.js';

/** A tenant that has releases waiting. */
export interface WaitingTenant {
  tenant: string;
  weight: number;
  /** The highest priority of what it has waiting. */
  priority: number;
}

/** Steps from tenant to tenant by index, however much each has waiting. */
const tenantsSql = `
  WITH RECURSIVE waiting AS (
    (SELECT tenant_id FROM releases WHERE phase = 'waiting' ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT r.tenant_id FROM releases r WHERE r.phase = 'waiting' AND r.tenant_id > w.tenant_id
      ORDER BY r.tenant_id LIMIT 1)
    FROM waiting w WHERE w.tenant_id IS NOT NULL)
  SELECT w.tenant_id AS tenant, t.weight, (SELECT r.priority FROM releases r
      WHERE r.phase = 'waiting' AND r.tenant_id = w.tenant_id ORDER BY r.priority DESC LIMIT 1) AS priority
  FROM waiting w JOIN tenants t ON t.id = w.tenant_id ORDER BY 1`;

export const readWaitingTenants = (read: Reader): Promise<WaitingTenant[]> => read<WaitingTenant>(tenantsSql, []);

/** A waiting release as its place in the backlog is found. */
export interface WaitingHead extends ReleaseRef {
  priority: number;
  /** What it asks for in all, as it was charged. */
  demand: Resources;
  /** Of this reader's share, where several read. */
  mine: boolean;
}

/** The first releases that each of the tenants has waiting: of the highest priority, the oldest first. */
export async function readHeads(
  read: Reader,
  of: { tenants: readonly string[]; each: number },
): Promise<WaitingHead[]> {
  const rows = await read<RefRow & { priority: number; demand: number[]; mine: boolean }>(
    `SELECT l.tenant_id, l.project_id, l.environment_id, l.number::text, l.priority,
       abs(hashtext(l.application_uid::text)::bigint) % own.readers = own.place AS mine,
       ARRAY[l.charged_mcpu, l.charged_memory_bytes, l.charged_pods]::float8[] AS demand
     FROM jsonb_array_elements_text($1::jsonb) AS t (id)
     CROSS JOIN LATERAL (
       SELECT * FROM releases r WHERE r.tenant_id = t.id AND r.phase = 'waiting' AND ${removedFirst('r')}
       ORDER BY r.priority DESC, r.updated_at, r.project_id, r.environment_id, r.number LIMIT $2) l
     CROSS JOIN ${readersSql} own
     ORDER BY l.tenant_id, l.priority DESC, l.updated_at, l.project_id, l.environment_id, l.number`,
    [JSON.stringify(of.tenants), of.each],
  );
  return rows.map((row) => ({
    ...refOf(row),
    priority: row.priority,
    demand: { mcpu: row.demand[0] ?? 0, memoryBytes: row.demand[1] ?? 0, pods: row.demand[2] ?? 0 },
    mine: row.mine,
  }));
}

/** What each tenant's reservations amount to, held or not yet freed. */
export async function readUsage(read: Reader): Promise<Map<string, Resources>> {
  const rows = await read<{ tenant_id: string; used: number[] }>(
    `SELECT tenant_id, ARRAY[sum(mcpu), sum(memory_bytes), sum(pods)]::float8[] AS used FROM reservations GROUP BY tenant_id`,
    [],
  );
  return new Map(
    rows.map(({ tenant_id, used }) => [
      tenant_id,
      { mcpu: used[0] ?? 0, memoryBytes: used[1] ?? 0, pods: used[2] ?? 0 },
    ]),
  );
}
