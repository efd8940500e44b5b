import { randomUUID } from 'node:crypto';
import type { JsonObject } from '#domain';
import type { BerthDatabase } from '../propagate/database.js';

const rowsPerInsert = 10_000;
const componentsPerApplication = 10;

/** About what a small component renders to. */
const manifestsOf = (name: string): JsonObject[] => [
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'berth-bench', labels: { 'app.kubernetes.io/managed-by': 'berth' } },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, 'app.kubernetes.io/managed-by': 'berth' } },
        spec: { containers: [{ name: 'main', image: 'example.test/app:1' }] },
      },
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'berth-bench' },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  },
];

/** Works of 20 tenants for every cluster, with the next sequences of each, announced as the scheduler does. */
export async function addWorks(
  { query }: BerthDatabase,
  clusters: readonly string[],
  perCluster: number,
): Promise<void> {
  const manifests = JSON.stringify(manifestsOf('web'));
  const rows = clusters.flatMap((cluster) => Array.from({ length: perCluster }, (_, place) => ({ cluster, place })));
  const round = randomUUID().slice(0, 8);
  for (let from = 0; from < rows.length; from += rowsPerInsert) {
    const page = rows.slice(from, from + rowsPerInsert);
    await query(
      `INSERT INTO works (id, cluster_id, tenant_id, project_id, environment_id, application_id, application_uid, component,
         release_number, namespace, sequence, manifests)
       SELECT r.id, r.cluster_id, 'tenant-' || r.application % 20, 'shop', 'production', $5 || '-' || r.application,
         md5($5 || r.application)::uuid, 'web', 1, 'berth-bench', c.work_sequence + r.place + 1, $6::jsonb
       FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[]) AS r(id, cluster_id, place, application)
       JOIN cluster_capacity c USING (cluster_id)`,
      [
        page.map(() => randomUUID()),
        page.map(({ cluster }) => cluster),
        page.map(({ place }) => place),
        page.map(
          ({ place }, index) =>
            Math.floor((from + index) / (perCluster * componentsPerApplication)) * perCluster + place,
        ),
        ...[round, manifests],
      ],
    );
  }
  await query(
    `WITH c AS (UPDATE cluster_capacity SET work_sequence = work_sequence + $2 WHERE cluster_id = ANY($1) RETURNING cluster_id, work_sequence)
     INSERT INTO outbox (kind, resource, version) SELECT 'work', cluster_id, work_sequence FROM c`,
    [clusters, perCluster],
  );
  await query('ANALYZE works');
}

/** Rows that statements have updated in a table, and those that were inserted. */
export interface Written {
  inserted: number;
  updated: number;
}

export async function writtenTo({ query }: BerthDatabase, table: string): Promise<Written> {
  const [row] = await query<Written>(
    `SELECT n_tup_ins::int AS inserted, n_tup_upd::int AS updated FROM pg_stat_user_tables WHERE relname = $1`,
    [table],
  );
  return row ?? { inserted: 0, updated: 0 };
}

const tables = ['clusters', 'works', 'work_status', 'cluster_agents', 'cluster_capacity', 'outbox', 'feed'];

export async function fleetRows({ query }: BerthDatabase): Promise<Record<string, number>> {
  const counts = tables.map((table) => `SELECT '${table}' AS name, count(*)::int AS rows FROM ${table}`);
  const rows = await query<{ name: string; rows: number }>(counts.join(' UNION ALL '));
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]));
}

/** Pids of the server's processes by what they work for: `berth-hub`, `berth-sequencer`, `checkpointer` and so on. */
export async function backends({ query }: BerthDatabase): Promise<Map<number, string>> {
  const rows = await query<{ pid: number; name: string }>(
    `SELECT pid, CASE WHEN application_name = '' THEN backend_type ELSE application_name END AS name FROM pg_stat_activity`,
  );
  return new Map(rows.map(({ pid, name }) => [pid, name]));
}
