import type { ClusterId } from '#domain';
import type { Transaction } from '../core/transaction.js';

/** Tells the watchers of every application in these clusters that its status reads differently now. */
export async function announceApplications(tx: Transaction, clusters: readonly ClusterId[]): Promise<void> {
  if (clusters.length === 0) return;
  tx.outbox.announcedBySql();
  await tx.query(
    `INSERT INTO outbox (tenant_id, kind, resource)
     SELECT DISTINCT tenant_id, 'application', project_id || '/' || application_id FROM works WHERE cluster_id = ANY($1)`,
    [clusters],
  );
}
