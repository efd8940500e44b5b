import type { ClusterId } from '#domain';
import type { Transaction } from '../core/transaction.js';

/**
 * The present epoch of each cluster, locked until the transaction ends: no newer one is granted in between, so what is
 * judged by these figures holds at commit. In order of id, as everywhere.
 */
export async function lockEpochs(
  tx: Transaction,
  writes: readonly { cluster: ClusterId }[],
): Promise<Map<ClusterId, bigint>> {
  const rows = await tx.query<{ cluster_id: string; epoch: string }>(
    'SELECT cluster_id, epoch FROM cluster_agents WHERE cluster_id = ANY($1) ORDER BY cluster_id FOR UPDATE',
    [[...new Set(writes.map((write) => write.cluster))]],
  );
  return new Map(rows.map((row) => [row.cluster_id, BigInt(row.epoch)]));
}
