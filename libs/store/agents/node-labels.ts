import { mostNodeLabelKeys } from '#domain';
import type { Reader } from '../core/reader.js';

/** Keys of node labels that live releases select by, in order; of more than agents can tell apart those asked for longest. */
export async function nodeLabelKeys(read: Reader): Promise<string[]> {
  const rows = await read<{ key: string }>(
    `SELECT key FROM (
       SELECT key, min(r.created_at) AS first FROM releases r CROSS JOIN LATERAL unnest(r.node_label_keys) AS key
       WHERE r.node_label_keys <> '{}' AND r.phase IN ('waiting', 'refused', 'placed')
       GROUP BY key ORDER BY first, key LIMIT $1) k
     ORDER BY key COLLATE "C"`,
    [mostNodeLabelKeys],
  );
  return rows.map(({ key }) => key);
}
