import type { Transaction } from '../core/transaction.js';

/** Names one request of one caller. */
export interface RequestKey {
  /** Empty for operators. */
  tenant: string;
  method: string;
  requestId: string;
}

/** An answer that was given before. */
export interface KeptAnswer {
  /** SHA-256 of the request. */
  fingerprint: Buffer;
  response: Buffer;
}

/**
 * Looks for the answer to a request id, and holds the id until the transaction ends, so that two requests that carry
 * it come one after the other.
 */
export async function takeRequestId(tx: Transaction, key: RequestKey): Promise<KeptAnswer | undefined> {
  const taken = tx.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [
    JSON.stringify([key.tenant, key.method, key.requestId]),
  ]);
  // Sent along, and yet a statement of its own: it sees what was committed while the first one waited.
  const kept = tx.query<KeptAnswer>(
    `SELECT fingerprint, response FROM idempotency WHERE tenant_id = $1 AND method = $2 AND request_id = $3`,
    [key.tenant, key.method, key.requestId],
  );
  await tx.together([taken, kept]);
  return (await kept)[0];
}

export async function keepAnswer(
  tx: Transaction,
  key: RequestKey,
  answer: { fingerprint: Uint8Array; response: Uint8Array },
): Promise<void> {
  await tx.query(
    `INSERT INTO idempotency (tenant_id, method, request_id, fingerprint, response) VALUES ($1, $2, $3, $4, $5)`,
    [key.tenant, key.method, key.requestId, Buffer.from(answer.fingerprint), Buffer.from(answer.response)],
  );
}
