import type { Reader } from '../core/reader.js';
import { clusterOf, type RawCluster, type StoredCluster } from './rows.js';

const select = (servedKinds: string) => `
  SELECT c.id, c.version, c.region, c.zone, c.provider, c.labels, c.taints, c.cordoned, c.oversubscribe_mcpu_permille,
    c.oversubscribe_memory_permille, c.core_hour_micros, c.gib_hour_micros, c.carbon_intensity, c.jurisdictions, c.node_scoring, c.phase, c.created_at, p.server_version, p.nodes, p.ready_nodes,
    p.allocatable_mcpu, p.allocatable_memory_bytes, p.allocatable_pods,
    p.foreign_mcpu, p.foreign_memory_bytes, p.foreign_pods, p.reserved_mcpu, p.reserved_memory_bytes, p.reserved_pods,
    p.measured_mcpu, p.measured_memory_bytes, p.classes, p.storage_classes, cardinality(p.kinds) AS kinds,
    ${servedKinds} AS served_kinds,
    (SELECT count(*)::int FROM jsonb_object_keys(p.unreflected_works)) AS unreflected_works, p.reported_at, p.work_sequence,
    a.epoch, a.agent_version, a.connected AND a.lease_expires_at > clock_timestamp() AS connected, a.lease_expires_at,
    a.certificate_expires_at, a.applied_work_sequence, a.heard_at, a.host_name,
    coalesce((SELECT jsonb_agg(jsonb_build_object('type', n.type, 'reason', n.reason, 'message', n.message, 'since', n.since)
      ORDER BY n.type) FROM cluster_conditions n WHERE n.cluster_id = c.id), '[]') AS conditions
  FROM clusters c
  JOIN cluster_capacity p ON p.cluster_id = c.id
  LEFT JOIN cluster_agents a ON a.cluster_id = c.id`;

export async function readCluster(read: Reader, id: string): Promise<StoredCluster | undefined> {
  const rows = await read<RawCluster>(`${select('p.kinds')} WHERE c.id = $1`, [id]);
  return rows.map(clusterOf)[0];
}

/** Clusters in order of id, those after `after`; of the kinds that they serve, only how many. */
export async function readClusters(read: Reader, page: { after: string; limit: number }): Promise<StoredCluster[]> {
  const rows = await read<RawCluster>(`${select("'{}'::text[]")} WHERE c.id > $1 ORDER BY c.id LIMIT $2`, [
    page.after,
    page.limit,
  ]);
  return rows.map(clusterOf);
}

/** Ids of clusters in order, at most `limit`: for telling what there is. */
export async function readClusterIds(read: Reader, limit: number): Promise<string[]> {
  const rows = await read<{ id: string }>(`SELECT id FROM clusters ORDER BY id LIMIT $1`, [limit]);
  return rows.map(({ id }) => id);
}
