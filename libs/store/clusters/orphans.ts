import type { ObjectRef } from '#domain';
import type { Reader } from '../core/reader.js';

/** An object that carries the label of a work which its cluster is not to hold. */
export interface StoredOrphan extends ObjectRef {
  uid: string;
  workId: string;
  firstSeenAt: Date;
  lastSeenAt: Date;
}

interface OrphanRow {
  uid: string;
  api_version: string;
  kind: string;
  namespace: string;
  name: string;
  work_id: string;
  first_seen_at: Date;
  last_seen_at: Date;
}

/** Orphans of a cluster in order of uid, those after `after`. */
export async function readOrphans(
  read: Reader,
  cluster: string,
  page: { after: string; limit: number },
): Promise<StoredOrphan[]> {
  const rows = await read<OrphanRow>(
    `SELECT o.uid, o.api_version, o.kind, o.namespace, o.name, o.work_id, o.first_seen_at, o.last_seen_at
     FROM cluster_orphans o
     WHERE o.cluster_id = $1 AND o.uid > $2
     ORDER BY o.uid LIMIT $3`,
    [cluster, page.after, page.limit],
  );
  return rows.map((row) => ({
    ...{ apiVersion: row.api_version, kind: row.kind, namespace: row.namespace, name: row.name },
    ...{ uid: row.uid, workId: row.work_id, firstSeenAt: row.first_seen_at, lastSeenAt: row.last_seen_at },
  }));
}
