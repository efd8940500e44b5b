import type { ClusterId, WorkStatus } from '#domain';
import type { Transaction } from '../core/transaction.js';

/** A work that its cluster reports and is not to hold. */
export interface StrangeWork {
  cluster: ClusterId;
  epoch: bigint;
  sequence: bigint;
  status: WorkStatus;
}

/** A full report: of everything that it does not name, nothing is there. */
export interface FullReport {
  cluster: ClusterId;
  epoch: bigint;
  from: bigint;
}

/** Namespaces are shared, and pods go with what made them. */
const notOrphans: ReadonlySet<string> = new Set(['Namespace', 'Pod']);

/** Keeps what the reports name of works that are not their cluster's; forgets what they name no more. Deletes nothing else. */
export async function recordOrphans(
  tx: Transaction,
  strangers: readonly StrangeWork[],
  full: readonly FullReport[],
): Promise<void> {
  if (strangers.length > 0) await upsert(tx, strangers);
  const gone = [
    ...strangers.map(({ cluster, epoch, sequence, status }) => ({ cluster, work: status.workId, epoch, sequence })),
    ...full.map(({ cluster, epoch, from }) => ({ cluster, work: null, epoch, sequence: from })),
  ];
  if (gone.length === 0) return;
  await tx.execute(
    `DELETE FROM cluster_orphans o USING unnest($1::text[], $2::uuid[], $3::bigint[], $4::bigint[])
       AS r(cluster_id, work_id, epoch, sequence)
     WHERE o.cluster_id = r.cluster_id AND (r.work_id IS NULL OR o.work_id = r.work_id)
       AND (o.epoch, o.sequence) < (r.epoch, r.sequence)`,
    [
      gone.map((each) => each.cluster),
      gone.map((each) => each.work),
      gone.map((each) => each.epoch.toString()),
      gone.map((each) => each.sequence.toString()),
    ],
  );
}

async function upsert(tx: Transaction, strangers: readonly StrangeWork[]): Promise<void> {
  const byUid = new Map(
    strangers.flatMap(({ cluster, epoch, sequence, status }) =>
      status.objects
        .filter(({ kind, uid }) => uid !== '' && !notOrphans.has(kind))
        .map(
          (object) => [`${cluster}/${object.uid}`, { cluster, epoch, sequence, work: status.workId, object }] as const,
        ),
    ),
  );
  const rows = [...byUid.values()];
  if (rows.length === 0) return;
  await tx.execute(
    `INSERT INTO cluster_orphans AS o (cluster_id, uid, api_version, kind, namespace, name, work_id, epoch, sequence)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::bigint[], $9::bigint[])
     ON CONFLICT (cluster_id, uid) DO UPDATE SET work_id = excluded.work_id, epoch = excluded.epoch,
       sequence = excluded.sequence, last_seen_at = clock_timestamp()
     WHERE (excluded.epoch, excluded.sequence) >= (o.epoch, o.sequence)`,
    [
      rows.map(({ cluster }) => cluster),
      rows.map(({ object }) => object.uid),
      rows.map(({ object }) => object.apiVersion),
      rows.map(({ object }) => object.kind),
      rows.map(({ object }) => object.namespace),
      rows.map(({ object }) => object.name),
      rows.map(({ work }) => work),
      rows.map(({ epoch }) => epoch.toString()),
      rows.map(({ sequence }) => sequence.toString()),
    ],
  );
}
