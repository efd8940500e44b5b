import type { ClusterId, Instant } from '#domain';
import type { Reader } from '../core/reader.js';
import type { Transaction } from '../core/transaction.js';

/** What became of an enrolment token: only `granted` has changed anything. */
export type TokenVerdict = { kind: 'granted'; cluster: ClusterId } | { kind: 'unknown' | 'used' | 'void' | 'expired' };

interface TokenRow {
  cluster_id: string;
  used: boolean;
  voided: boolean;
  expired: boolean;
}

/** Uses a token up. `secretHash` is SHA-256 of its secret; the row stays locked until the transaction ends. */
export async function consumeEnrolmentToken(
  tx: Transaction,
  token: { id: string; secretHash: Uint8Array },
): Promise<TokenVerdict> {
  const [row] = await tx.query<TokenRow>(
    `SELECT cluster_id, used_at IS NOT NULL AS used, voided_at IS NOT NULL AS voided,
            expires_at <= clock_timestamp() AS expired
     FROM enrolment_tokens WHERE id = $1 AND secret_hash = $2 FOR UPDATE`,
    [token.id, Buffer.from(token.secretHash)],
  );
  if (row === undefined) return { kind: 'unknown' };
  if (row.used) return { kind: 'used' };
  if (row.voided) return { kind: 'void' };
  if (row.expired) return { kind: 'expired' };
  await tx.query('UPDATE enrolment_tokens SET used_at = clock_timestamp() WHERE id = $1', [token.id]);
  return { kind: 'granted', cluster: row.cluster_id };
}

interface Certificate {
  serial: string;
  cluster: ClusterId;
  expiresAt: Instant;
}

/**
 * Keeps a certificate's serial, so that it can be revoked. `first` is the serial that its agent enrolled with. The agent's
 * row is locked first, as whoever revokes does: neither overlooks the other.
 */
export async function recordCertificate(
  tx: Transaction,
  { serial, cluster, expiresAt }: Certificate,
  first = serial,
): Promise<void> {
  const until = new Date(expiresAt).toISOString();
  await tx.query(
    `UPDATE cluster_agents SET certificate_expires_at = greatest(certificate_expires_at, $2) WHERE cluster_id = $1`,
    [cluster, until],
  );
  await tx.query(
    `INSERT INTO certificates (serial, first_serial, cluster_id, expires_at) VALUES ($1, $2, $3, $4)
     ON CONFLICT (serial) DO NOTHING`,
    [serial, first, cluster, until],
  );
}

/** Keeps the certificate that takes the place of `former`; false, and nothing is kept, when that one was revoked. */
export async function renewCertificate(tx: Transaction, renewed: Certificate, former: string): Promise<boolean> {
  await tx.query(`SELECT FROM cluster_agents WHERE cluster_id = $1 FOR UPDATE`, [renewed.cluster]);
  const [row] = await tx.query<{ first_serial: string }>(
    `SELECT first_serial FROM certificates WHERE serial = $1 AND cluster_id = $2 AND revoked_at IS NULL`,
    [former, renewed.cluster],
  );
  if (row === undefined) return false;
  await recordCertificate(tx, renewed, row.first_serial);
  return true;
}

export type CertificateStanding = 'valid' | 'revoked' | 'cluster-unknown';

/**
 * Whether a certificate that the authority signed still counts. A serial that the store does not know was signed in
 * an incarnation that a restore took back: it counts, and is kept from now on, or a restore would lock agents out; but not
 * where an operator has revoked since: nobody can tell whether it was meant.
 */
export async function certificateStanding(tx: Transaction, certificate: Certificate): Promise<CertificateStanding> {
  const read: Reader = (sql, parameters) => tx.query(sql, [...parameters]);
  const standing = await knownStanding(read, certificate);
  if (standing !== undefined) return standing;
  await recordCertificate(tx, certificate);
  return 'valid';
}

/** What the store says of it; undefined for a serial that it does not know and that counts once it is kept. */
export async function knownStanding(read: Reader, certificate: Certificate): Promise<CertificateStanding | undefined> {
  const [row] = await read<{ cluster: boolean; purged: boolean; known: boolean; revoked: boolean }>(
    `SELECT EXISTS (SELECT FROM cluster_agents WHERE cluster_id = $2) AS cluster,
            EXISTS (SELECT FROM cluster_agents WHERE cluster_id = $2 AND revoked_at IS NOT NULL) AS purged,
            EXISTS (SELECT FROM certificates WHERE serial = $1) AS known,
            EXISTS (SELECT FROM certificates WHERE serial = $1 AND revoked_at IS NOT NULL) AS revoked`,
    [certificate.serial, certificate.cluster],
  );
  if (row?.revoked === true) return 'revoked';
  if (row?.cluster !== true) return 'cluster-unknown';
  if (row.known) return 'valid';
  return row.purged ? 'revoked' : undefined;
}
