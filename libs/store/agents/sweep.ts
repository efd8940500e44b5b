import type { ClusterId } from '#domain';
import type { Transaction } from '../core/transaction.js';
import { announceApplications } from './announcements.js';
import { cutOff } from './cut-off.js';
import { staleFor } from './freshness.js';

/**
 * Clusters that have been silent for so long that what they reported counts as unknown; answers which. Time alone does
 * that, so it is announced here to those who watch; not again for those that were `told` of already.
 */
export async function announceSilent(tx: Transaction, told: readonly ClusterId[]): Promise<ClusterId[]> {
  const rows = await tx.query<{ id: string }>(
    `SELECT c.id FROM clusters c JOIN cluster_agents a ON a.cluster_id = c.id
     WHERE c.phase = 'unreachable' AND a.lease_expires_at <= clock_timestamp() - ${staleFor} ORDER BY c.id`,
  );
  const silent = rows.map((row) => row.id);
  await announceApplications(
    tx,
    silent.filter((cluster) => !told.includes(cluster)),
  );
  return silent;
}

/** Nobody speaks for a cluster whose agent was cut off: its lease ends now, and its works say so. */
export async function endRevokedLeases(tx: Transaction): Promise<void> {
  const rows = await tx.query<{ cluster_id: string }>(
    `UPDATE cluster_agents SET lease_expires_at = clock_timestamp()
     WHERE cluster_id IN (
       SELECT a.cluster_id FROM cluster_agents a WHERE a.lease_expires_at > clock_timestamp() AND ${cutOff('a')}
       ORDER BY a.cluster_id FOR UPDATE SKIP LOCKED)
     RETURNING cluster_id`,
  );
  await announceApplications(
    tx,
    rows.map((row) => row.cluster_id),
  );
}

/** Clusters whose lease ran out on the store's clock become unreachable; answers which. */
export async function sweepLeases(tx: Transaction): Promise<ClusterId[]> {
  const rows = await tx.query<{ id: string }>(
    `UPDATE clusters SET phase = 'unreachable', updated_at = clock_timestamp()
     WHERE id IN (
       SELECT c.id FROM clusters c JOIN cluster_agents a ON a.cluster_id = c.id
       WHERE c.phase = 'ready' AND (a.lease_expires_at IS NULL OR a.lease_expires_at < clock_timestamp())
       ORDER BY c.id FOR UPDATE OF c SKIP LOCKED)
     RETURNING id`,
  );
  const lost = rows.map((row) => row.id);
  await tx.outbox.append(
    ...lost.map((cluster) => ({ tenant: undefined, kind: 'cluster' as const, resource: cluster })),
  );
  await announceApplications(tx, lost);
  return lost;
}
