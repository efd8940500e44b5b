import type { Reader } from '../core/reader.js';
import type { Transaction } from '../core/transaction.js';

/** Amounts; undefined is no limit. */
export interface StoredQuota {
  mcpu: number | undefined;
  memoryBytes: number | undefined;
  pods: number | undefined;
}

export interface StoredProject {
  tenant: string;
  id: string;
  displayName: string;
  createdAt: Date;
  quota: StoredQuota;
  used: { mcpu: number; memoryBytes: number; pods: number };
}

export interface StoredEnvironment {
  tenant: string;
  project: string;
  id: string;
  displayName: string;
  namespace: string;
  createdAt: Date;
}

interface RawProject {
  tenant_id: string;
  id: string;
  display_name: string;
  created_at: Date;
  quota_mcpu: string | null;
  quota_memory_bytes: string | null;
  quota_pods: string | null;
  used_mcpu: string;
  used_memory_bytes: string;
  used_pods: string;
}

const projectColumns = `tenant_id, id, display_name, created_at, quota_mcpu, quota_memory_bytes, quota_pods,
  used_mcpu, used_memory_bytes, used_pods`;
const limitOf = (value: string | null) => (value === null ? undefined : Number(value));

const projectOf = (row: RawProject): StoredProject => ({
  tenant: row.tenant_id,
  id: row.id,
  displayName: row.display_name,
  createdAt: row.created_at,
  quota: {
    mcpu: limitOf(row.quota_mcpu),
    memoryBytes: limitOf(row.quota_memory_bytes),
    pods: limitOf(row.quota_pods),
  },
  used: { mcpu: Number(row.used_mcpu), memoryBytes: Number(row.used_memory_bytes), pods: Number(row.used_pods) },
});

/** Undefined when a project of this id is already there. */
export async function insertProject(
  tx: Transaction,
  project: { tenant: string; id: string; displayName: string },
): Promise<StoredProject | undefined> {
  const rows = await tx.query<RawProject>(
    `INSERT INTO projects (tenant_id, id, display_name) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING RETURNING ${projectColumns}`,
    [project.tenant, project.id, project.displayName],
  );
  return rows.map(projectOf)[0];
}

export async function readProject(
  read: Reader,
  key: { tenant: string; project: string },
): Promise<StoredProject | undefined> {
  const rows = await read<RawProject>(`SELECT ${projectColumns} FROM projects WHERE tenant_id = $1 AND id = $2`, [
    key.tenant,
    key.project,
  ]);
  return rows.map(projectOf)[0];
}

/** A tenant's projects in order of id, those after `after`; only `only` when it is set. */
export async function readProjects(
  read: Reader,
  page: { tenant: string; only: string | undefined; after: string; limit: number },
): Promise<StoredProject[]> {
  const rows = await read<RawProject>(
    `SELECT ${projectColumns} FROM projects
     WHERE tenant_id = $1 AND id > $2 AND ($3::text IS NULL OR id = $3) ORDER BY id LIMIT $4`,
    [page.tenant, page.after, page.only ?? null, page.limit],
  );
  return rows.map(projectOf);
}

/** Undefined when the project is not there. */
export async function updateQuota(
  tx: Transaction,
  key: { tenant: string; project: string },
  quota: StoredQuota,
): Promise<{ before: StoredProject; after: StoredProject } | undefined> {
  const locked = await tx.query<RawProject>(
    `SELECT ${projectColumns} FROM projects WHERE tenant_id = $1 AND id = $2 FOR UPDATE`,
    [key.tenant, key.project],
  );
  const updated = await tx.query<RawProject>(
    `UPDATE projects SET quota_mcpu = $3, quota_memory_bytes = $4, quota_pods = $5
     WHERE tenant_id = $1 AND id = $2 RETURNING ${projectColumns}`,
    [key.tenant, key.project, quota.mcpu ?? null, quota.memoryBytes ?? null, quota.pods ?? null],
  );
  tx.outbox.announcedBySql(); // releases that it wakes
  const [before, after] = [locked.map(projectOf)[0], updated.map(projectOf)[0]];
  return before === undefined || after === undefined ? undefined : { before, after };
}

interface RawEnvironment {
  tenant_id: string;
  project_id: string;
  id: string;
  display_name: string;
  namespace: string;
  created_at: Date;
}

const environmentColumns = 'tenant_id, project_id, id, display_name, namespace, created_at';

const environmentOf = (row: RawEnvironment): StoredEnvironment => ({
  tenant: row.tenant_id,
  project: row.project_id,
  id: row.id,
  displayName: row.display_name,
  namespace: row.namespace,
  createdAt: row.created_at,
});

/** Undefined when an environment of this id is already there. */
export async function insertEnvironment(
  tx: Transaction,
  environment: { tenant: string; project: string; id: string; displayName: string; namespace: string },
): Promise<StoredEnvironment | undefined> {
  const rows = await tx.query<RawEnvironment>(
    `INSERT INTO environments (tenant_id, project_id, id, display_name, namespace) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (tenant_id, project_id, id) DO NOTHING RETURNING ${environmentColumns}`,
    [environment.tenant, environment.project, environment.id, environment.displayName, environment.namespace],
  );
  return rows.map(environmentOf)[0];
}

/** A project's environments in order of id, those after `after`. */
export async function readEnvironments(
  read: Reader,
  page: { tenant: string; project: string; after: string; limit: number },
): Promise<StoredEnvironment[]> {
  const rows = await read<RawEnvironment>(
    `SELECT ${environmentColumns} FROM environments
     WHERE tenant_id = $1 AND project_id = $2 AND id > $3 ORDER BY id LIMIT $4`,
    [page.tenant, page.project, page.after, page.limit],
  );
  return rows.map(environmentOf);
}
