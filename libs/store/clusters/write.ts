import { sqlState, sqlStateOf } from '../core/failures.js';
import type { Transaction } from '../core/transaction.js';
import { readCluster } from './read.js';
import type { StoredCluster, StoredClusterSettings } from './rows.js';

const settingsOf = (settings: StoredClusterSettings): unknown[] => [
  settings.region,
  settings.zone,
  settings.provider,
  JSON.stringify(settings.labels),
  JSON.stringify(settings.taints),
  settings.cordoned,
  settings.overSubscription.mcpuPermille,
  settings.overSubscription.memoryPermille,
  settings.price?.coreHourMicros ?? null,
  settings.price?.gibHourMicros ?? null,
  settings.carbonIntensity ?? null,
  settings.jurisdictions ?? [],
  settings.nodeScoring ?? 'least-allocated',
];

/** False when a cluster of this id is already there. */
export async function insertCluster(tx: Transaction, id: string, settings: StoredClusterSettings): Promise<boolean> {
  const rows = await tx.query(
    `WITH registered AS (
       INSERT INTO clusters (id, region, zone, provider, labels, taints, cordoned, oversubscribe_mcpu_permille,
         oversubscribe_memory_permille, core_hour_micros, gib_hour_micros, carbon_intensity, jurisdictions,
         node_scoring)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING RETURNING id),
     counted AS (INSERT INTO cluster_capacity (cluster_id) SELECT id FROM registered),
     attended AS (INSERT INTO cluster_agents (cluster_id) SELECT id FROM registered)
     SELECT id FROM registered`,
    [id, ...settingsOf(settings)],
  );
  return rows.length > 0;
}

/** Locks a cluster's row and reads it. */
export async function lockCluster(tx: Transaction, id: string): Promise<StoredCluster | undefined> {
  const locked = await tx.query(`SELECT id FROM clusters WHERE id = $1 FOR UPDATE`, [id]);
  if (locked.length === 0) return undefined;
  return await readCluster((sql, parameters) => tx.query(sql, parameters), id);
}

export async function updateCluster(tx: Transaction, id: string, settings: StoredClusterSettings): Promise<void> {
  await tx.query(
    `UPDATE clusters SET region = $2, zone = $3, provider = $4, labels = $5, taints = $6, cordoned = $7,
       oversubscribe_mcpu_permille = $8, oversubscribe_memory_permille = $9, core_hour_micros = $10,
       gib_hour_micros = $11, carbon_intensity = $12, jurisdictions = $13, node_scoring = $14,
       version = version + 1, updated_at = clock_timestamp() WHERE id = $1`,
    [id, ...settingsOf(settings)],
  );
}

/**
 * Takes a cluster's row; false when something of it is still held (works, placements, reservations). The database's
 * own references say so: an operator's transaction may not look at tenants' rows.
 */
export async function deleteCluster(tx: Transaction, id: string): Promise<boolean> {
  await tx.query('SAVEPOINT removal');
  try {
    await tx.query(`DELETE FROM clusters WHERE id = $1`, [id]);
    return true;
  } catch (error) {
    if (sqlStateOf(error) !== sqlState.foreignKeyViolation) throw error;
    await tx.query('ROLLBACK TO SAVEPOINT removal');
    return false;
  }
}

/** Makes unused enrolment tokens of a cluster void; answers how many. */
export async function voidEnrolmentTokens(tx: Transaction, cluster: string): Promise<number> {
  return await tx.execute(
    `UPDATE enrolment_tokens SET voided_at = clock_timestamp()
     WHERE cluster_id = $1 AND used_at IS NULL AND voided_at IS NULL`,
    [cluster],
  );
}

/**
 * Revokes every certificate of a cluster that is registered; answers how many. After `voidEnrolmentTokens`: an enrolment
 * under way holds its token, then the agent's row, and so does a renewal; what they record first is revoked with the rest.
 * The cluster is out of reach from now on: nobody waits for the lease to run out.
 */
export async function revokeAgent(tx: Transaction, cluster: string): Promise<number> {
  await tx.query(`UPDATE cluster_agents SET revoked_at = clock_timestamp() WHERE cluster_id = $1`, [cluster]);
  await tx.query(
    `UPDATE clusters SET phase = 'unreachable', updated_at = clock_timestamp() WHERE id = $1 AND phase = 'ready'`,
    [cluster],
  );
  return await revokeCertificates(tx, cluster);
}

/** Revokes every certificate of a cluster; answers how many. */
export async function revokeCertificates(tx: Transaction, cluster: string): Promise<number> {
  return await tx.execute(
    `UPDATE certificates SET revoked_at = clock_timestamp() WHERE cluster_id = $1 AND revoked_at IS NULL`,
    [cluster],
  );
}

/** Makes an enrolment token; earlier unused ones of the cluster are void. Answers when it expires. */
export async function insertEnrolmentToken(
  tx: Transaction,
  token: { id: string; cluster: string; secretHash: Uint8Array; ttlMs: number },
): Promise<Date> {
  await voidEnrolmentTokens(tx, token.cluster);
  const rows = await tx.query<{ expires_at: Date }>(
    `INSERT INTO enrolment_tokens (id, cluster_id, secret_hash, expires_at)
     VALUES ($1, $2, $3, clock_timestamp() + $4::float8 * interval '1 ms') RETURNING expires_at`,
    [token.id, token.cluster, Buffer.from(token.secretHash), token.ttlMs],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('a token that was inserted was not returned');
  return row.expires_at;
}
