import type { Reader } from '../core/reader.js';
import type { Transaction } from '../core/transaction.js';

export interface StoredTenant {
  id: string;
  displayName: string;
  createdAt: Date;
}

interface RawTenant {
  id: string;
  display_name: string;
  created_at: Date;
}

const tenantOf = (row: RawTenant): StoredTenant => ({
  id: row.id,
  displayName: row.display_name,
  createdAt: row.created_at,
});

/** Undefined when a tenant of this id is already there. */
export async function insertTenant(
  tx: Transaction,
  tenant: { id: string; displayName: string },
): Promise<StoredTenant | undefined> {
  const rows = await tx.query<RawTenant>(
    `INSERT INTO tenants (id, display_name) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id, display_name, created_at`,
    [tenant.id, tenant.displayName],
  );
  return rows.map(tenantOf)[0];
}

/** Tenants in order of id, those after `after`: all to an operator, its own to anyone else. */
export async function readTenants(read: Reader, page: { after: string; limit: number }): Promise<StoredTenant[]> {
  const rows = await read<RawTenant>(
    `SELECT id, display_name, created_at FROM tenants WHERE id > $1 ORDER BY id LIMIT $2`,
    [page.after, page.limit],
  );
  return rows.map(tenantOf);
}

export async function readTenant(read: Reader, id: string): Promise<StoredTenant | undefined> {
  const rows = await read<RawTenant>(`SELECT id, display_name, created_at FROM tenants WHERE id = $1`, [id]);
  return rows.map(tenantOf)[0];
}
