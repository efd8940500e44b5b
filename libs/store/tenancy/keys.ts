import type { Role } from '#domain';
import type { Reader } from '../core/reader.js';
import type { Transaction } from '../core/transaction.js';

/** A key as people see it: no secret, no hash. */
export interface StoredApiKey {
  id: string;
  /** Undefined for operators' keys. */
  tenant: string | undefined;
  project: string | undefined;
  displayName: string;
  role: Role;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

interface RawKey {
  id: string;
  tenant_id: string | null;
  project_id: string | null;
  display_name: string;
  role: Role;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
}

const columns = 'id, tenant_id, project_id, display_name, role, created_at, expires_at, revoked_at';

const keyOf = (row: RawKey): StoredApiKey => ({
  id: row.id,
  tenant: row.tenant_id ?? undefined,
  project: row.project_id ?? undefined,
  displayName: row.display_name,
  role: row.role,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
});

export interface NewApiKey {
  id: string;
  tenant: string | undefined;
  project: string | undefined;
  displayName: string;
  role: Role;
  /** SHA-256 of the secret. */
  secretHash: Uint8Array;
  expiresAt: Date | undefined;
}

export async function insertApiKey(tx: Transaction, key: NewApiKey): Promise<StoredApiKey> {
  const rows = await tx.query<RawKey>(
    `INSERT INTO api_keys (id, tenant_id, project_id, display_name, role, secret_hash, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${columns}`,
    [
      key.id,
      key.tenant ?? null,
      key.project ?? null,
      key.displayName,
      key.role,
      Buffer.from(key.secretHash),
      key.expiresAt ?? null,
    ],
  );
  const [row] = rows.map(keyOf);
  if (row === undefined) throw new Error('a key that was inserted was not returned');
  return row;
}

/** A tenant's keys (operators' when it is undefined) in order of id; only those of project `only` when it is set. */
export async function readApiKeys(
  read: Reader,
  page: { tenant: string | undefined; only: string | undefined; after: string; limit: number },
): Promise<StoredApiKey[]> {
  const rows = await read<RawKey>(
    `SELECT ${columns} FROM api_keys
     WHERE tenant_id IS NOT DISTINCT FROM $1::text AND id > $2 AND ($3::text IS NULL OR project_id = $3)
     ORDER BY id LIMIT $4`,
    [page.tenant ?? null, page.after, page.only ?? null, page.limit],
  );
  return rows.map(keyOf);
}

/** Ends a key. `revoked` is false when it had been ended before. Undefined when it is not there. */
export async function revokeApiKey(
  tx: Transaction,
  key: { tenant: string | undefined; only: string | undefined; id: string },
): Promise<{ key: StoredApiKey; revoked: boolean } | undefined> {
  const parameters = [key.id, key.tenant ?? null, key.only ?? null];
  const which = `id = $1 AND tenant_id IS NOT DISTINCT FROM $2::text AND ($3::text IS NULL OR project_id = $3)`;
  const revoked = await tx.query<RawKey>(
    `UPDATE api_keys SET revoked_at = clock_timestamp() WHERE ${which} AND revoked_at IS NULL RETURNING ${columns}`,
    parameters,
  );
  const [now] = revoked.map(keyOf);
  if (now !== undefined) return { key: now, revoked: true };
  const rows = await tx.query<RawKey>(`SELECT ${columns} FROM api_keys WHERE ${which}`, parameters);
  return rows.map((row) => ({ key: keyOf(row), revoked: false }))[0];
}

/** What is needed to check a credential. */
export interface Credential {
  tenant: string | undefined;
  project: string | undefined;
  role: Role;
  secretHash: Buffer;
  expired: boolean;
  revoked: boolean;
}

/** Looks a key up before anybody knows whose it is. */
export async function readCredential(read: Reader, keyId: string): Promise<Credential | undefined> {
  const rows = await read<{
    tenant_id: string | null;
    project_id: string | null;
    role: Role;
    secret_hash: Buffer;
    expired: boolean;
    revoked: boolean;
  }>(`SELECT * FROM authenticate_key($1)`, [keyId]);
  return rows.map((row) => ({
    tenant: row.tenant_id ?? undefined,
    project: row.project_id ?? undefined,
    role: row.role,
    secretHash: row.secret_hash,
    expired: row.expired,
    revoked: row.revoked,
  }))[0];
}
