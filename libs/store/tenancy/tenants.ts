import type { Reader } from '../core/reader.js';
import type { Transaction } from '../core/transaction.js';

export interface StoredTenant {
  id: string;
  displayName: string;
  createdAt: Date;
  /** Of its share of a scarce fleet. */
  weight: number;
}

interface RawTenant {
  id: string;
  display_name: string;
  created_at: Date;
  weight: number;
}

const tenantColumns = 'id, display_name, created_at, weight';

const tenantOf = (row: RawTenant): StoredTenant => ({
  id: row.id,
  displayName: row.display_name,
  createdAt: row.created_at,
  weight: row.weight,
});

/** Undefined when a tenant of this id is already there. */
export async function insertTenant(
  tx: Transaction,
  tenant: { id: string; displayName: string },
): Promise<StoredTenant | undefined> {
  const rows = await tx.query<RawTenant>(
    `INSERT INTO tenants (id, display_name) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING ${tenantColumns}`,
    [tenant.id, tenant.displayName],
  );
  return rows.map(tenantOf)[0];
}

/** Tenants in order of id, those after `after`: all to an operator, its own to anyone else. */
export async function readTenants(read: Reader, page: { after: string; limit: number }): Promise<StoredTenant[]> {
  const rows = await read<RawTenant>(`SELECT ${tenantColumns} FROM tenants WHERE id > $1 ORDER BY id LIMIT $2`, [
    page.after,
    page.limit,
  ]);
  return rows.map(tenantOf);
}

export async function readTenant(read: Reader, id: string): Promise<StoredTenant | undefined> {
  const rows = await read<RawTenant>(`SELECT ${tenantColumns} FROM tenants WHERE id = $1`, [id]);
  return rows.map(tenantOf)[0];
}

/** Undefined when there is no such tenant. */
export async function updateTenantWeight(
  tx: Transaction,
  of: { id: string; weight: number },
): Promise<{ before: StoredTenant; after: StoredTenant } | undefined> {
  const [locked] = await tx.query<RawTenant>(`SELECT ${tenantColumns} FROM tenants WHERE id = $1 FOR UPDATE`, [of.id]);
  if (locked === undefined) return undefined;
  await tx.execute(`UPDATE tenants SET weight = $2 WHERE id = $1`, [of.id, of.weight]);
  const before = tenantOf(locked);
  return { before, after: { ...before, weight: of.weight } };
}
