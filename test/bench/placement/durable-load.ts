import { createHash, randomUUID } from 'node:crypto';
import { type ApplicationSpec, anywhere, seededChance } from '#domain';
import type { BerthDatabase } from '../propagate/database.js';
import { clusterAt } from './fleet.js';

const tenants = 20;
const projectsPerTenant = 5;
const hotClusters = 10;
const gibi = 2 ** 30;

/** Every cluster ready, with its inventory of a hundred nodes, as hub and gateway write them. */
export async function addFleet({ query }: BerthDatabase, clusters: number, seed: number): Promise<void> {
  const draw = seededChance(seed);
  const fleet = Array.from({ length: clusters }, (_, at) => ({ ...clusterAt(at, draw), version: undefined }));
  const json = JSON.stringify(fleet);
  await query(
    `INSERT INTO clusters (id, region, zone, provider, labels, taints, phase)
     SELECT c ->> 'id', c ->> 'region', c ->> 'zone', c ->> 'provider', c -> 'labels', c -> 'taints', 'ready'
     FROM jsonb_array_elements($1::jsonb) c`,
    [json],
  );
  await query(`INSERT INTO cluster_agents (cluster_id, epoch, connected, lease_expires_at)
    SELECT id, 1, true, 'infinity' FROM clusters`);
  await query(
    `INSERT INTO cluster_capacity (cluster_id, allocatable_mcpu, allocatable_memory_bytes, allocatable_pods, foreign_mcpu,
       foreign_memory_bytes, foreign_pods, measured_mcpu, measured_memory_bytes, measured_at, nodes, ready_nodes, classes, kinds,
       server_version, reported_at)
     SELECT c ->> 'id', (c #>> '{allocatable,mcpu}')::numeric, (c #>> '{allocatable,memoryBytes}')::numeric,
       (c #>> '{allocatable,pods}')::numeric, (c #>> '{foreignRequests,mcpu}')::numeric,
       (c #>> '{foreignRequests,memoryBytes}')::numeric, (c #>> '{foreignRequests,pods}')::numeric,
       (c #>> '{measured,mcpu}')::numeric, (c #>> '{measured,memoryBytes}')::numeric, clock_timestamp(), 100, 100, c -> 'classes',
       ARRAY['apps/v1/Deployment', 'v1/Service', 'v1/ServiceAccount', 'v1/Namespace', 'v1/ConfigMap'], '1.34.0', clock_timestamp()
     FROM jsonb_array_elements($1::jsonb) c`,
    [json],
  );
  await query('ANALYZE clusters, cluster_agents, cluster_capacity');
}

function specOf(at: number, draw: () => number): ApplicationSpec {
  const hot = Array.from({ length: hotClusters }, (_, each) => `cluster-${String(each * 11 + 1).padStart(5, '0')}`);
  const requests = { mcpu: 100 * (1 + Math.floor(draw() * 3)), memoryBytes: gibi / 4 };
  const container = {
    name: 'main',
    image: 'registry.example/app:1',
    command: [],
    args: [],
    env: [],
    limits: {},
    extra: {},
  };
  return {
    components: [
      {
        name: 'web',
        kind: 'service',
        replicas: 3 + Math.floor(draw() * 7),
        containers: [{ ...container, ports: [], requests }],
        ...{ initContainers: [], servicePorts: [], links: [], objects: [] },
        workloadExtra: { metadata: {}, spec: {}, podMetadata: {}, podSpec: {} },
      },
    ],
    placement: { ...anywhere, minClusters: 3, maxClusters: 3, ...(at % 2 === 0 ? { clusters: hot } : {}) },
  };
}

/** Applications in all projects, each with its revision; nothing waits yet. */
export async function addApplications({ query }: BerthDatabase, count: number, seed: number): Promise<void> {
  const draw = seededChance(seed + 1);
  await query(`INSERT INTO tenants (id) SELECT 'tenant-' || t FROM generate_series(0, $1::int - 1) t`, [tenants]);
  await query(
    `INSERT INTO projects (tenant_id, id, quota_mcpu)
     SELECT 'tenant-' || t, 'project-' || p, 1000000000 FROM generate_series(0, $1::int - 1) t, generate_series(0, $2::int - 1) p`,
    [tenants, projectsPerTenant],
  );
  await query(`INSERT INTO environments (tenant_id, project_id, id, namespace)
    SELECT tenant_id, id, 'production', 'berth-' || tenant_id || '-' || id FROM projects`);
  const all = Array.from({ length: count }, (_, at) => ({
    at,
    uid: randomUUID(),
    text: JSON.stringify(specOf(at, draw)),
  }));
  const places = [
    all.map(({ uid }) => uid),
    all.map(({ at }) => `tenant-${at % tenants}`),
    all.map(({ at }) => `project-${Math.floor(at / tenants) % projectsPerTenant}`),
  ];
  await query(
    `INSERT INTO applications (uid, tenant_id, project_id, id)
     SELECT n.uid, tenant, project, 'application-' || at FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[]) AS n (uid, tenant, project, at)`,
    [...places, all.map(({ at }) => at)],
  );
  await query(
    `INSERT INTO revisions (tenant_id, application_uid, number, spec, digest, author)
     SELECT tenant, uid, 1, spec, digest, 'bench' FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::text[]) AS n (uid, tenant, spec, digest)`,
    [
      ...places.slice(0, 2),
      all.map(({ text }) => text),
      all.map(({ text }) => createHash('sha256').update(text).digest('hex')),
    ],
  );
  // Of the tables that decisions write nothing is said, as on a server that has just been set up.
  await query('ANALYZE tenants, projects, environments, applications, revisions');
}

/** One release of every application asks, charged as the gateway charges it: in one transaction, announced once. */
export async function letAllWait({ query }: BerthDatabase): Promise<void> {
  await query(`
    WITH asked AS (
      SELECT a.*, (v.spec #>> '{components,0,replicas}')::bigint AS pods,
        (v.spec #>> '{components,0,containers,0,requests,mcpu}')::bigint AS mcpu,
        (v.spec #>> '{components,0,containers,0,requests,memoryBytes}')::bigint AS memory_bytes
      FROM applications a JOIN revisions v ON v.application_uid = a.uid),
    waiting AS (
      INSERT INTO releases (tenant_id, project_id, environment_id, number, application_id, application_uid, revision,
        config_version, author, phase, charged_mcpu, charged_memory_bytes, charged_pods, deadline)
      SELECT tenant_id, project_id, 'production', row_number() OVER (PARTITION BY tenant_id, project_id), id, uid, 1, 1, 'bench',
        'waiting', mcpu * pods, memory_bytes * pods, pods, clock_timestamp() + interval '10 minutes' FROM asked
      RETURNING tenant_id, project_id, charged_mcpu, charged_memory_bytes, charged_pods),
    used AS (
      UPDATE projects p SET used_mcpu = s.mcpu, used_memory_bytes = s.memory_bytes, used_pods = s.pods
      FROM (SELECT tenant_id, project_id, sum(charged_mcpu) AS mcpu, sum(charged_memory_bytes) AS memory_bytes,
        sum(charged_pods) AS pods FROM waiting GROUP BY 1, 2) s
      WHERE p.tenant_id = s.tenant_id AND p.id = s.project_id)
    INSERT INTO outbox (tenant_id, kind, resource) VALUES ('tenant-0', 'release', 'project-0/production/1')`);
  await query('NOTIFY berth_outbox');
}
