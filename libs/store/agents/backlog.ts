import {
  type ClusterId,
  defaultObjectPolicy,
  type JsonObject,
  type ObjectPolicy,
  type TombstoneMode,
  type WorkItem,
} from '#domain';
import type { Reader } from '../core/reader.js';

export interface BacklogPage {
  /** Works and tombstones in order of sequence. */
  items: WorkItem[];
  /** With these items everything up to here has been handed out: sequences of replaced works have no item any more. */
  upTo: bigint;
  /** False: there is more beyond `upTo` already. */
  isComplete: boolean;
}

interface ItemRow {
  head: string;
  found: number;
  sequence: string | null;
  type: 'work' | 'tombstone';
  id: string;
  generation: string;
  namespace: string;
  environment_id: string;
  application_id: string;
  component: string;
  manifests: JsonObject[];
  policy: ObjectPolicy | null;
  mode: TombstoneMode;
  api_version: string;
  kind: string;
  name: string;
  uid: string;
}

/** One statement sees one moment: the head and every item below it. */
const pageSql = `
  WITH head AS (SELECT work_sequence FROM cluster_capacity WHERE cluster_id = $1),
  items AS (
    (SELECT sequence, 'work' AS type, id, generation, namespace, environment_id, application_id, component, manifests, policy, '' AS mode,
            '' AS api_version, '' AS kind, '' AS name, '' AS uid, octet_length(manifests::text) AS bytes
     FROM works WHERE cluster_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3)
    UNION ALL
    (SELECT sequence, 'tombstone', id, generation, namespace, '', '', '', '[]'::jsonb, NULL, mode,
            api_version, kind, name, uid, 200
     FROM tombstones WHERE cluster_id = $1 AND sequence > $2 AND confirmed_at IS NULL ORDER BY sequence LIMIT $3)
  ), measured AS (
    SELECT *, sum(bytes) OVER (ORDER BY sequence) - bytes AS before FROM items ORDER BY sequence LIMIT $3
  )
  SELECT head.work_sequence AS head, (SELECT count(*)::int FROM items) AS found, i.* FROM head LEFT JOIN measured i ON i.before < $4 ORDER BY i.sequence`;

/** What is newer than `after`, bounded in items and, but for one item, in bytes of manifests. */
export async function workBacklog(
  read: Reader,
  from: { cluster: ClusterId; after: bigint; items: number; bytes: number },
): Promise<BacklogPage> {
  const rows = await read<ItemRow>(pageSql, [from.cluster, from.after.toString(), from.items, from.bytes]);
  const items = rows.flatMap((row) => (row.sequence === null ? [] : [itemOf(row, from.cluster, BigInt(row.sequence))]));
  const head = BigInt(rows[0]?.head ?? '0');
  const last = BigInt(rows.at(-1)?.sequence ?? from.after);
  const isCut = items.length >= from.items || items.length < (rows[0]?.found ?? 0);
  return { items, upTo: isCut || last > head ? last : head, isComplete: !isCut };
}

function itemOf(row: ItemRow, cluster: ClusterId, sequence: bigint): WorkItem {
  const { id, namespace } = row;
  const generation = BigInt(row.generation);
  if (row.type === 'tombstone') {
    const object = { apiVersion: row.api_version, kind: row.kind, namespace, name: row.name };
    const { uid, mode } = row;
    return { kind: 'tombstone', tombstone: { id, cluster, sequence, generation, object, uid, mode } };
  }
  const names = { environment: row.environment_id, application: row.application_id, component: row.component };
  const policy = row.policy ?? defaultObjectPolicy;
  return {
    kind: 'work',
    work: { id, cluster, sequence, generation, namespace, ...names, objects: row.manifests, policy },
  };
}
