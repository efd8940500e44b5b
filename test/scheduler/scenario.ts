import { createHash, randomUUID } from 'node:crypto';
import type { QueryResultRow } from 'pg';
import { type ApplicationSpec, anywhere, type Component, type Ids, type PlacementPolicy } from '#domain';

export const mebi = 2 ** 20;
export const gibi = 2 ** 30;

/** Identities that a run can repeat. */
export function seededIds(seed: string): Ids {
  let count = 0;
  const digest = () => createHash('sha256').update(`${seed}/${count++}`).digest();
  return {
    uuid: () => {
      const hex = digest().toString('hex');
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
    },
    shortId: (length) =>
      `a${digest()
        .toString('hex')
        .slice(0, length - 1)}`,
    secret: (bytes) => digest().subarray(0, bytes),
  };
}

export interface ClusterFixture {
  cores?: number;
  memoryGibi?: number;
  pods?: number;
  region?: string;
  labels?: Record<string, string>;
  cordoned?: boolean;
  phase?: 'pending' | 'ready' | 'unreachable';
  /** Nodes of equal size, empty; none: only sums are known. */
  nodes?: number;
  schema?: { digest: string; content: object };
}

const kinds = [
  'apps/v1/Deployment',
  'apps/v1/StatefulSet',
  'apps/v1/DaemonSet',
  'batch/v1/Job',
  'v1/Service',
  'v1/ConfigMap',
  'v1/ServiceAccount',
  'v1/Namespace',
];

/** A component of one small container. */
export const component = (
  name: string,
  differs: Partial<Component> & { mcpu?: number; memoryMebi?: number } = {},
): Component => {
  const { mcpu = 500, memoryMebi = 64, ...rest } = differs;
  return {
    name,
    kind: 'service',
    replicas: 1,
    containers: [
      {
        name: 'main',
        image: 'registry.example/app:1',
        command: [],
        args: [],
        env: [],
        ports: [],
        requests: { mcpu, memoryBytes: memoryMebi * mebi },
        limits: {},
        extra: {},
      },
    ],
    initContainers: [],
    servicePorts: [],
    links: [],
    workloadExtra: { metadata: {}, spec: {}, podMetadata: {}, podSpec: {} },
    objects: [],
    ...rest,
  };
};

export const spec = (components: Component[], placement: Partial<PlacementPolicy> = {}): ApplicationSpec => ({
  components,
  placement: { ...anywhere, ...placement },
});

/** A database, one statement at a time. */
interface Statements {
  query<Row extends QueryResultRow>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
}

/** What stands in for gateway, hub and agents: rows as they write them, straight into the database. */
export class Scenario {
  #sequence = 1n;

  constructor(readonly database: Statements) {}

  async cluster(id: string, fixture: ClusterFixture = {}): Promise<void> {
    const {
      cores = 10,
      memoryGibi = 40,
      pods = 1000,
      region = 'eu',
      labels = {},
      cordoned = false,
      phase = 'ready',
      nodes = 0,
    } = fixture;
    await this.database.query(
      `INSERT INTO clusters (id, region, labels, cordoned, phase) VALUES ($1, $2, $3, $4, $5)`,
      [id, region, JSON.stringify(labels), cordoned, phase],
    );
    await this.database.query(
      `INSERT INTO cluster_agents (cluster_id, epoch, connected, lease_expires_at) VALUES ($1, 1, true, clock_timestamp() + interval '1 hour')`,
      [id],
    );
    const free = {
      mcpu: Math.floor((cores * 1000) / Math.max(1, nodes)),
      memoryBytes: Math.floor((memoryGibi * gibi) / Math.max(1, nodes)),
      pods: Math.floor(pods / Math.max(1, nodes)),
    };
    const classes = nodes === 0 ? [] : [{ nodes, free, architecture: 'amd64', taints: [] }];
    if (fixture.schema !== undefined)
      await this.database.query(
        'INSERT INTO cluster_schemas (digest, content) VALUES ($1, $2) ON CONFLICT DO NOTHING',
        [fixture.schema.digest, JSON.stringify(fixture.schema.content)],
      );
    await this.database.query(
      `INSERT INTO cluster_capacity (cluster_id, allocatable_mcpu, allocatable_memory_bytes, allocatable_pods, nodes, ready_nodes, classes, kinds, server_version, schema_digest, reported_at)
       VALUES ($1, $2, $3, $4, $5, $5, $6, $7, '1.34.0', $8, clock_timestamp())`,
      [id, cores * 1000, memoryGibi * gibi, pods, nodes, JSON.stringify(classes), kinds, fixture.schema?.digest ?? ''],
    );
    await this.announce('cluster', id);
  }

  async announce(kind: string, resource: string, tenant?: string): Promise<void> {
    await this.database.query('INSERT INTO outbox (tenant_id, kind, resource) VALUES ($1, $2, $3)', [
      tenant ?? null,
      kind,
      resource,
    ]);
    await this.database.query('NOTIFY berth_outbox');
  }

  async tenancy(
    tenant = 'acme',
    project = 'shop',
    environment = 'production',
    quota: { mcpu?: number } = {},
  ): Promise<void> {
    await this.database.query('INSERT INTO tenants (id) VALUES ($1) ON CONFLICT DO NOTHING', [tenant]);
    await this.database.query('INSERT INTO projects (tenant_id, id, quota_mcpu) VALUES ($1, $2, $3)', [
      tenant,
      project,
      quota.mcpu ?? null,
    ]);
    await this.database.query(
      'INSERT INTO environments (tenant_id, project_id, id, namespace) VALUES ($1, $2, $3, $4)',
      [tenant, project, environment, `berth-${randomUUID().slice(0, 8)}`],
    );
  }

  /** As the gateway's Apply writes it: a new revision, a release that waits, the older waiting one superseded. */
  async apply(
    application: string,
    content: ApplicationSpec,
    at: { tenant?: string; project?: string; environment?: string } = {},
  ): Promise<bigint> {
    const { tenant = 'acme', project = 'shop', environment = 'production' } = at;
    const charge = content.components.reduce(
      (sum, each) => {
        const requests = each.containers.map(({ requests }) => requests);
        const mcpu = requests.reduce((total, request) => total + (request.mcpu ?? 0), 0);
        const memory = requests.reduce((total, request) => total + (request.memoryBytes ?? 0), 0);
        return {
          mcpu: sum.mcpu + mcpu * each.replicas,
          memory: sum.memory + memory * each.replicas,
          pods: sum.pods + each.replicas,
        };
      },
      { mcpu: 0, memory: 0, pods: 0 },
    );
    const number = this.#sequence++;
    await this.database.query(
      `WITH project AS (
         UPDATE projects SET used_mcpu = used_mcpu + $8, used_memory_bytes = used_memory_bytes + $9, used_pods = used_pods + $10
         WHERE tenant_id = $1 AND id = $2 RETURNING id),
       app AS (
         INSERT INTO applications (tenant_id, project_id, id, uid) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, project_id, id) DO UPDATE SET latest_revision = applications.latest_revision + 1, version = applications.version + 1
         RETURNING uid, latest_revision),
       revision AS (
         INSERT INTO revisions (tenant_id, application_uid, number, spec, digest, author)
         SELECT $1, uid, latest_revision, $5, $6, 'fixture' FROM app)
       SELECT uid, latest_revision::text AS revision FROM app, project WHERE $7::text IS NOT NULL`,
      [
        tenant,
        project,
        application,
        randomUUID(),
        JSON.stringify(content),
        createHash('sha256').update(JSON.stringify(content)).digest('hex'),
        environment,
        charge.mcpu,
        charge.memory,
        charge.pods,
      ],
    );
    await this.database.query(
      `UPDATE releases SET phase = 'superseded', generation = generation + 1, charged_mcpu = 0, charged_memory_bytes = 0, charged_pods = 0, deadline = NULL
       WHERE tenant_id = $1 AND project_id = $2 AND environment_id = $3 AND application_id = $4 AND phase IN ('waiting', 'refused')`,
      [tenant, project, environment, application],
    );
    await this.database.query(
      `INSERT INTO releases (tenant_id, project_id, environment_id, number, application_id, application_uid, revision, config_version, author, phase,
         charged_mcpu, charged_memory_bytes, charged_pods, deadline, priority)
       SELECT $1, $2, $3, $4, a.id, a.uid, a.latest_revision, 1, 'fixture', 'waiting', $6, $7, $8, clock_timestamp() + interval '1 minute', $9
       FROM applications a WHERE a.tenant_id = $1 AND a.project_id = $2 AND a.id = $5`,
      [
        tenant,
        project,
        environment,
        number.toString(),
        application,
        charge.mcpu,
        charge.memory,
        charge.pods,
        content.priority ?? 0,
      ],
    );
    await this.announce('release', `${project}/${environment}/${number}`, tenant);
    return number;
  }

  /** As the gateway's Delete writes it. */
  async remove(application: string): Promise<void> {
    const [app] = await this.database.query<{ uid: string; tenant_id: string; project_id: string }>(
      'UPDATE applications SET deleted_at = clock_timestamp() WHERE id = $1 RETURNING uid, tenant_id, project_id',
      [application],
    );
    if (app === undefined) throw new Error(`no application ${application}`);
    await this.database.query(
      `UPDATE releases SET phase = CASE WHEN phase = 'placed' THEN 'removing' ELSE 'removed' END, generation = generation + 1,
         deadline = clock_timestamp() + interval '10 minutes'
       WHERE application_uid = $1 AND phase IN ('placed', 'waiting', 'refused')`,
      [app.uid],
    );
    await this.database.query(
      `INSERT INTO operations (id, tenant_id, kind, target, subject) VALUES ($1, $2, 'DeleteApplication', $3, $4)`,
      [randomUUID(), app.tenant_id, application, app.uid],
    );
    await this.announce('release', `${app.project_id}/production/0`, app.tenant_id);
  }

  /**
   * Stands in for every agent: reports each work at its present generation with the objects that exist. Objects appear when
   * they are ordered and go when their tombstone is confirmed, which `obey` does. Never deletes for absence.
   */
  async report(options: { ready?: boolean; obey?: boolean; linger?: number } = {}): Promise<void> {
    const { ready = true, obey = true, linger = 0 } = options;
    if (obey)
      await this.database.query(
        `UPDATE tombstones SET confirmed_at = clock_timestamp(), outcome = 'deleted' WHERE confirmed_at IS NULL`,
      );
    await this.database.query(
      `INSERT INTO work_status (work_id, cluster_id, tenant_id, epoch, sequence, generation, phase, desired, updated, ready, unavailable, restarts, objects)
       SELECT w.id, w.cluster_id, w.tenant_id, 1, 1, w.generation, CASE WHEN $1 THEN 'ready' ELSE 'applying' END,
         n.replicas, n.replicas, CASE WHEN w.wanted AND $1 THEN n.replicas ELSE 0 END, CASE WHEN $1 THEN 0 ELSE n.replicas END, 0,
         coalesce((SELECT jsonb_agg(jsonb_build_object('apiVersion', o.api_version, 'kind', o.kind, 'namespace', o.namespace, 'name', o.name,
             'uid', md5(w.cluster_id || o.kind || o.namespace || o.name), 'resourceVersion', '1', 'ready', true))
           FROM work_objects o WHERE o.work_id = w.id AND NOT EXISTS (
             SELECT FROM tombstones t WHERE t.cluster_id = w.cluster_id AND t.kind = o.kind AND t.namespace = o.namespace AND t.name = o.name
               AND t.confirmed_at IS NOT NULL AND t.outcome <> 'replaced' AND o.dropped_generation IS NOT NULL AND t.generation >= o.dropped_generation)), '[]')
         || coalesce((SELECT jsonb_agg(jsonb_build_object('apiVersion', 'v1', 'kind', 'Pod', 'namespace', w.namespace, 'name', 'pod-' || pod,
             'uid', md5(w.id || '-' || pod), 'resourceVersion', '', 'ready', true)) FROM generate_series(1, $2::int) pod), '[]')
       FROM works w
       CROSS JOIN LATERAL (SELECT coalesce((SELECT sum(r.replicas)::int FROM reservations r WHERE r.work_id = w.id AND r.state = 'held'), 0) AS replicas) n
       FOR KEY SHARE OF w -- a work that is being taken away has no status any more
       ON CONFLICT (work_id) DO UPDATE SET generation = excluded.generation, phase = excluded.phase, desired = excluded.desired,
         updated = excluded.updated, ready = excluded.ready, unavailable = excluded.unavailable, objects = excluded.objects,
         sequence = work_status.sequence + 1`,
      [ready, linger],
    );
    const clusters = await this.database.query<{ id: string }>('SELECT id FROM clusters');
    for (const { id } of clusters) await this.announce('status', id);
  }

  async phases(): Promise<Record<string, string>> {
    const rows = await this.database.query<{ application_id: string; phase: string }>(
      `SELECT DISTINCT ON (application_id) application_id, phase FROM releases ORDER BY application_id, number DESC`,
    );
    return Object.fromEntries(rows.map((row) => [row.application_id, row.phase]));
  }

  /**
   * What must hold at any moment, read with plain sums that share nothing with the scheduler's arithmetic: no cluster is reserved
   * beyond its limit, the capacity row is the sum of its reservations, every place in a sequence was given once and none left out.
   */
  async violations(): Promise<string[]> {
    const rows = await this.database.query<{ what: string }>(`
      SELECT 'over-committed ' || k.cluster_id AS what FROM cluster_capacity k JOIN clusters c ON c.id = k.cluster_id
      LEFT JOIN LATERAL (SELECT coalesce(sum(mcpu), 0) AS mcpu, coalesce(sum(memory_bytes), 0) AS memory, coalesce(sum(pods), 0) AS pods
        FROM reservations r WHERE r.cluster_id = k.cluster_id) r ON true
      WHERE r.mcpu > k.allocatable_mcpu * c.oversubscribe_mcpu_permille / 1000 - k.foreign_mcpu
         OR r.memory > k.allocatable_memory_bytes * c.oversubscribe_memory_permille / 1000 - k.foreign_memory_bytes
         OR r.pods > k.allocatable_pods - k.foreign_pods
      UNION ALL
      SELECT 'capacity row of ' || k.cluster_id || ' is not the sum' FROM cluster_capacity k
      LEFT JOIN LATERAL (SELECT coalesce(sum(mcpu), 0) AS mcpu, coalesce(sum(memory_bytes), 0) AS memory, coalesce(sum(pods), 0) AS pods
        FROM reservations r WHERE r.cluster_id = k.cluster_id) r ON true
      WHERE (k.reserved_mcpu, k.reserved_memory_bytes, k.reserved_pods) IS DISTINCT FROM (r.mcpu, r.memory, r.pods)
      UNION ALL
      SELECT 'reservation without work ' || r.id FROM reservations r WHERE NOT EXISTS (SELECT FROM works w WHERE w.id = r.work_id)
      UNION ALL
      SELECT 'placement without wanted work: ' || p.component || ' in ' || p.cluster_id FROM placements p WHERE NOT EXISTS (
        SELECT FROM works w JOIN reservations r ON r.work_id = w.id AND r.state = 'held' WHERE w.wanted AND w.cluster_id = p.cluster_id
          AND w.application_uid = p.application_uid AND w.environment_id = p.environment_id AND w.component = p.component AND r.replicas = p.replicas)
        AND EXISTS (SELECT FROM releases l WHERE l.application_uid = p.application_uid AND l.phase = 'placed')
      UNION ALL
      SELECT 'placed release without decision: ' || l.number FROM releases l WHERE l.phase = 'placed' AND NOT EXISTS (
        SELECT FROM decisions d WHERE d.tenant_id = l.tenant_id AND d.release_number = l.number AND d.placed)
      UNION ALL
      SELECT 'sequence of ' || k.cluster_id || ' is ahead of its rows' FROM cluster_capacity k
      WHERE k.work_sequence < (SELECT coalesce(max(sequence), 0) FROM (
        SELECT sequence FROM works WHERE cluster_id = k.cluster_id UNION ALL SELECT sequence FROM tombstones WHERE cluster_id = k.cluster_id) s)
      UNION ALL
      SELECT 'two open tombstones for ' || kind || ' ' || name FROM tombstones WHERE confirmed_at IS NULL GROUP BY cluster_id, kind, name, uid HAVING count(*) > 1`);
    return rows.map((row) => row.what);
  }
}

/** Waits for a condition, as long as it may reasonably take. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  withinMs = 20_000,
): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
