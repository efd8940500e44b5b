import type { Transaction } from '../core/transaction.js';

export interface Retention {
  idempotencyHours: number;
  /** After a token was used, voided or expired. */
  tokenHours: number;
  feedHours: number;
  /** Confirmed tombstones whose work is gone. */
  tombstoneHours: number;
  /** After a plan expired. */
  planHours: number;
}

export interface Trimmed {
  idempotency: number;
  tokens: number;
  feed: number;
  tombstones: number;
  plans: number;
}

/** A bite that keeps the transaction short; the rest waits for the next round. */
const bite = 20_000;

/** Deletes what nobody may ask for any more. Watchers that resume below what the feed keeps are told to list again. */
export async function trim(tx: Transaction, keep: Retention): Promise<Trimmed> {
  const idempotency = await tx.execute(
    `DELETE FROM idempotency WHERE ctid IN (SELECT ctid FROM idempotency
       WHERE created_at < clock_timestamp() - make_interval(hours => $1::int) LIMIT ${bite})`,
    [keep.idempotencyHours],
  );
  const tokens = await tx.execute(
    `DELETE FROM enrolment_tokens WHERE least(used_at, voided_at, expires_at) < clock_timestamp() - make_interval(hours => $1::int)`,
    [keep.tokenHours],
  );
  const feed = await tx.query<{ position: string }>(
    `DELETE FROM feed WHERE position IN (SELECT position FROM feed
       WHERE at < clock_timestamp() - make_interval(hours => $1::int) ORDER BY position LIMIT ${bite})
     RETURNING position::text`,
    [keep.feedHours],
  );
  if (feed.length > 0)
    await tx.execute('UPDATE feed_state SET kept_from = greatest(kept_from, $1::bigint + 1)', [
      feed.reduce((last, row) => (BigInt(row.position) > last ? BigInt(row.position) : last), 0n).toString(),
    ]);
  const tombstones = await tx.execute(
    `DELETE FROM tombstones t WHERE t.confirmed_at < clock_timestamp() - make_interval(hours => $1::int)
       AND NOT EXISTS (SELECT FROM works w WHERE w.id = t.work_id)`,
    [keep.tombstoneHours],
  );
  const plans = await tx.execute(
    `DELETE FROM plans WHERE ctid IN (SELECT ctid FROM plans
       WHERE expires_at < clock_timestamp() - make_interval(hours => $1::int) LIMIT ${bite})`,
    [keep.planHours],
  );
  return { idempotency, tokens, feed: feed.length, tombstones, plans };
}
