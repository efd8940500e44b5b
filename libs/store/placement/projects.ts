import type { Resources } from '#domain';
import type { Transaction } from '../core/transaction.js';

export interface ProjectQuota {
  tenant: string;
  project: string;
  /** Undefined where there is no limit. */
  quota: { mcpu: number | undefined; memoryBytes: number | undefined; pods: number | undefined };
  used: Resources;
}

interface ProjectRow {
  tenant_id: string;
  id: string;
  quota: (number | null)[];
  used: number[];
}

/** Locks project rows in order: quota is charged under this lock alone. Comes before releases and clusters. */
export async function lockProjects(
  tx: Transaction,
  of: readonly { tenant: string; project: string }[],
): Promise<ProjectQuota[]> {
  const rows = await tx.query<ProjectRow>(
    `SELECT p.tenant_id, p.id,
       ARRAY[p.quota_mcpu, p.quota_memory_bytes, p.quota_pods]::float8[] AS quota,
       ARRAY[p.used_mcpu, p.used_memory_bytes, p.used_pods]::float8[] AS used
     FROM projects p
     WHERE (p.tenant_id, p.id) IN (SELECT * FROM unnest($1::text[], $2::text[]))
     ORDER BY p.tenant_id, p.id FOR UPDATE`,
    [of.map((each) => each.tenant), of.map((each) => each.project)],
  );
  return rows.map(({ tenant_id, id, quota, used }) => ({
    tenant: tenant_id,
    project: id,
    quota: { mcpu: quota[0] ?? undefined, memoryBytes: quota[1] ?? undefined, pods: quota[2] ?? undefined },
    used: { mcpu: used[0] ?? 0, memoryBytes: used[1] ?? 0, pods: used[2] ?? 0 },
  }));
}

/** Writes what locked projects use now. */
export async function writeUsage(
  tx: Transaction,
  projects: readonly { tenant: string; project: string; used: Resources }[],
): Promise<void> {
  if (projects.length === 0) return;
  await tx.execute(
    `UPDATE projects p SET used_mcpu = n.mcpu, used_memory_bytes = n.memory_bytes, used_pods = n.pods
     FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS n (tenant, id, mcpu, memory_bytes, pods)
     WHERE p.tenant_id = n.tenant AND p.id = n.id`,
    [
      projects.map((each) => each.tenant),
      projects.map((each) => each.project),
      projects.map((each) => each.used.mcpu),
      projects.map((each) => each.used.memoryBytes),
      projects.map((each) => each.used.pods),
    ],
  );
}
