import pg from 'pg';
import { startEmbeddedPostgres } from '#platform';
import { connectStore, migrateUp, type RuntimeRole, setRolePasswords } from '#store';

/** A real PostgreSQL of our own, as durable as any, migrated, with a sequencer that orders its feed. */
export interface BenchDatabase {
  readonly port: number;
  urlFor(role: RuntimeRole): string;
  /** As superuser, past row-level security: for arranging and for counting. */
  query<Row extends pg.QueryResultRow>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export async function startBenchDatabase(): Promise<BenchDatabase> {
  const server = await startEmbeddedPostgres();
  await migrateUp(server.url);
  const { password } = new URL(server.url);
  await setRolePasswords(server.superuserUrl, {
    berth_gateway: password,
    berth_scheduler: password,
    berth_hub: password,
  });
  const urlFor = (role: RuntimeRole) => Object.assign(new URL(server.url), { username: role }).href;
  const sequencing = await connectStore({ url: urlFor('berth_hub'), applicationName: 'berth-bench', poolSize: 2 });
  sequencing.feed.startSequencer();
  const pool = new pg.Pool({ connectionString: server.superuserUrl, max: 2 });
  pool.on('error', () => undefined); // ends with the database
  return {
    port: server.port,
    urlFor,
    query: async <Row extends pg.QueryResultRow>(sql: string, parameters: readonly unknown[] = []) =>
      (await pool.query<Row>(sql, [...parameters])).rows,
    close: async () => {
      await sequencing.close();
      await pool.end();
      await server.close();
    },
  };
}

/** What makes a commit durable, as the server has it. */
export async function durability({ query }: BenchDatabase): Promise<Record<string, string>> {
  const rows = await query<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings
     WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version', 'shared_buffers')`,
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

const tables = [
  'applications',
  'revisions',
  'releases',
  'works',
  'work_status',
  'audit',
  'idempotency',
  'feed',
  'outbox',
];

export async function rowCounts({ query }: BenchDatabase): Promise<Record<string, number>> {
  const counts = tables.map((table) => `SELECT '${table}' AS name, count(*)::int AS rows FROM ${table}`);
  const rows = await query<{ name: string; rows: number }>(counts.join(' UNION ALL '));
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]));
}

const placed = [
  `INSERT INTO clusters (id, region, phase) VALUES ('bench-a', 'eu-central', 'ready'), ('bench-b', 'us-east', 'ready')`,
  `INSERT INTO cluster_capacity (cluster_id) SELECT id FROM clusters`,
  `INSERT INTO cluster_agents (cluster_id, epoch, connected, lease_expires_at) SELECT id, 1, true, 'infinity' FROM clusters`,
  `UPDATE releases SET phase = 'placed', deadline = NULL WHERE phase = 'waiting'`,
  `INSERT INTO works (id, cluster_id, tenant_id, project_id, environment_id, application_id, application_uid, component,
     release_number, namespace, sequence, manifests)
   SELECT gen_random_uuid(), c.id, r.tenant_id, r.project_id, r.environment_id, r.application_id, r.application_uid, r.application_id,
     r.number, 'berth-bench', row_number() OVER (PARTITION BY c.id ORDER BY r.number), '[]'
   FROM releases r CROSS JOIN clusters c WHERE r.phase = 'placed'`,
  `INSERT INTO placements (tenant_id, project_id, environment_id, application_uid, component, cluster_id, replicas,
     release_number, decision_id)
   SELECT tenant_id, project_id, environment_id, application_uid, component, cluster_id, 2, release_number, gen_random_uuid()
   FROM works`,
  `INSERT INTO work_status (work_id, cluster_id, tenant_id, epoch, sequence, generation, phase, desired, updated, ready,
     unavailable, restarts, objects)
   SELECT id, cluster_id, tenant_id, 1, sequence, generation, 'ready', 2, 2, 2, 0, 0, (
     SELECT jsonb_agg(jsonb_build_object('apiVersion', api, 'kind', kind, 'namespace', namespace, 'name', component,
       'uid', gen_random_uuid(), 'resourceVersion', '1234', 'ready', true))
     FROM (VALUES ('apps/v1', 'Deployment'), ('v1', 'Service')) AS object (api, kind))
   FROM works`,
  'ANALYZE',
];

/** Writes for every application what scheduler, hub and agents would have: placed on two clusters, ready in both. */
export async function placeEverything({ query }: BenchDatabase): Promise<void> {
  for (const statement of placed) await query(statement);
}

/** Changes every application once, in one transaction, and announces each change. */
const changeAll = `
  WITH changed AS (
    UPDATE applications SET version = version + 1, updated_at = clock_timestamp() RETURNING tenant_id, project_id, id, version)
  INSERT INTO outbox (tenant_id, kind, resource, version)
  SELECT tenant_id, 'application', project_id || '/' || id, version FROM changed`;

/** Lets at least `wanted` changes pass through the feed. Answers how many passed, and the version that all then have. */
export async function churn(database: BenchDatabase, wanted: number): Promise<{ changes: number; version: string }> {
  const before = await feedPosition(database);
  const [{ applications } = { applications: 0 }] = await database.query<{ applications: number }>(
    'UPDATE applications SET version = (SELECT max(version) FROM applications) RETURNING (SELECT count(*)::int FROM applications) AS applications',
  );
  const rounds = Math.ceil(wanted / Math.max(1, applications));
  for (let index = 0; index < rounds; index++) {
    await database.query(changeAll);
    await database.query('NOTIFY berth_outbox');
  }
  const changes = rounds * applications;
  while ((await feedPosition(database)) < before + changes) await new Promise((resolve) => setTimeout(resolve, 50));
  const [{ version } = { version: '' }] = await database.query<{ version: string }>(
    'SELECT DISTINCT version::text AS version FROM applications',
  );
  return { changes, version };
}

async function feedPosition({ query }: BenchDatabase): Promise<number> {
  const rows = await query<{ position: number }>('SELECT position::int AS position FROM feed_state');
  return rows[0]?.position ?? 0;
}
