import type { ApplicationSpec, Instant, Resources } from '#domain';
import type { Reader } from '../core/reader.js';
import type { Transaction } from '../core/transaction.js';

export interface ReleaseRef {
  tenant: string;
  project: string;
  environment: string;
  number: bigint;
}

/** Why a release was not placed, as its tenant reads it. */
export interface StoredRefusal {
  component?: string;
  reason: string;
  message: string;
  facts: Readonly<Record<string, string>>;
}

/** A release that asks for a decision. */
export interface WaitingRelease extends ReleaseRef {
  generation: bigint;
  application: string;
  applicationUid: string;
  namespace: string;
  digest: string;
  spec: ApplicationSpec;
  /** What its project was charged for it. */
  charged: Resources;
  /** Another release of the application is placed there, or is being removed. */
  replaces: boolean;
  /** The database's clock when this was read. */
  now: Instant;
  /** Clusters that have a work of the application, wanted or on its way out. */
  worksAt: readonly string[];
  /** Why it was refused the last time; empty when it never was. */
  refusals: readonly StoredRefusal[];
  /** Where the other applications are that its policies name. */
  neighbours: readonly { application: string; component: string; cluster: string }[];
  /** Room that is kept for it in clusters that others leave for its sake. */
  nominated: readonly { cluster: string; amount: Resources }[];
  /** What the application holds now. */
  held: readonly { component: string; cluster: string; replicas: number; perReplica: Resources }[];
}

interface WaitingRow {
  tenant_id: string;
  project_id: string;
  environment_id: string;
  number: string;
  generation: string;
  application_id: string;
  application_uid: string;
  namespace: string;
  digest: string;
  spec: ApplicationSpec;
  charged: number[];
  refusals: StoredRefusal[];
  replaces: boolean;
  now: number;
  works_at: string[];
  neighbours: { application: string; component: string; cluster: string }[] | null;
  nominated: { cluster: string; amount: number[] }[] | null;
  held: { component: string; cluster: string; replicas: number; mcpu: number; memoryBytes: number }[] | null;
}

/** As the view `fleet_nominations` counts it, of the nominations `n`. */
export const nominatedAmounts = `(SELECT ARRAY[greatest(0, n.mcpu - coalesce(sum(r.mcpu), 0)),
    greatest(0, n.memory_bytes - coalesce(sum(r.memory_bytes), 0)), greatest(0, n.pods - coalesce(sum(r.pods), 0))]::float8[]
  FROM preempted_works p JOIN reservations r ON r.work_id = p.work_id AND r.cluster_id = n.cluster_id
  WHERE p.tenant_id = n.tenant_id AND p.for_project_id = n.project_id AND p.for_environment_id = n.environment_id
    AND p.for_release_number = n.release_number)`;

/** What a decision has to know of the releases `l` that the given subquery selects. */
const askingSql = (releases: string): string => `
  SELECT l.tenant_id, l.project_id, l.environment_id, l.number::text, l.generation::text, l.application_id,
    l.application_uid, e.namespace, v.digest, v.spec, l.refusals,
    floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now,
    ARRAY[l.charged_mcpu, l.charged_memory_bytes, l.charged_pods]::float8[] AS charged,
    EXISTS (SELECT FROM releases other WHERE other.tenant_id = l.tenant_id AND other.application_uid = l.application_uid
      AND other.project_id = l.project_id AND other.environment_id = l.environment_id
      AND other.phase IN ('placed', 'removing')) AS replaces,
    ARRAY(SELECT DISTINCT w.cluster_id FROM works w
      WHERE w.tenant_id = l.tenant_id AND w.project_id = l.project_id AND w.environment_id = l.environment_id
        AND w.application_uid = l.application_uid) AS works_at,
    (SELECT json_agg(json_build_object('component', w.component, 'cluster', w.cluster_id, 'replicas', r.replicas,
         'mcpu', r.replica_mcpu, 'memoryBytes', r.replica_memory_bytes) ORDER BY w.component, w.cluster_id)
     FROM works w JOIN reservations r ON r.work_id = w.id AND r.state = 'held'
     WHERE w.tenant_id = l.tenant_id AND w.project_id = l.project_id AND w.environment_id = l.environment_id
       AND w.application_uid = l.application_uid) AS held,
    (SELECT json_agg(json_build_object('cluster', n.cluster_id, 'amount', ${nominatedAmounts}) ORDER BY n.cluster_id)
     FROM nominations n WHERE n.tenant_id = l.tenant_id AND n.project_id = l.project_id
       AND n.environment_id = l.environment_id AND n.release_number = l.number) AS nominated,
    CASE WHEN v.spec @? '$.placement.affinity[*]' OR v.spec @? '$.components[*].placement.affinity[*]' THEN (
      SELECT json_agg(json_build_object('application', a.id, 'component', p.component, 'cluster', p.cluster_id)
        ORDER BY a.id, p.component, p.cluster_id)
      FROM applications a JOIN placements p ON p.tenant_id = a.tenant_id AND p.project_id = a.project_id
        AND p.environment_id = l.environment_id AND p.application_uid = a.uid
      WHERE a.tenant_id = l.tenant_id AND a.project_id = l.project_id AND a.id <> l.application_id
        AND a.id IN (SELECT jsonb_path_query(v.spec, '$.placement.affinity[*].application') #>> '{}'
          UNION SELECT jsonb_path_query(v.spec, '$.components[*].placement.affinity[*].application') #>> '{}')) END AS neighbours
  FROM (${releases}) l
  JOIN environments e ON e.tenant_id = l.tenant_id AND e.project_id = l.project_id AND e.id = l.environment_id
  JOIN revisions v ON v.tenant_id = l.tenant_id AND v.application_uid = l.application_uid AND v.number = l.revision
  ORDER BY l.priority DESC, l.updated_at, l.tenant_id, l.project_id, l.environment_id, l.number`;

/**
 * What is being removed, or gave way to others, ends first: an application has one place in an environment. So does what is
 * kept for an older release of it, before a newer one takes room from anybody.
 */
export const removedFirst = (alias: string): string => `NOT EXISTS (
  SELECT FROM preempted_works gone WHERE gone.tenant_id = ${alias}.tenant_id AND gone.application_uid = ${alias}.application_uid
    AND gone.project_id = ${alias}.project_id AND gone.environment_id = ${alias}.environment_id)
  AND NOT EXISTS (SELECT FROM nominations kept WHERE kept.tenant_id = ${alias}.tenant_id AND kept.project_id = ${alias}.project_id
    AND kept.environment_id = ${alias}.environment_id AND kept.application_uid = ${alias}.application_uid
    AND kept.release_number <> ${alias}.number)
  AND NOT EXISTS (
  SELECT FROM releases gone WHERE gone.tenant_id = ${alias}.tenant_id AND gone.application_uid = ${alias}.application_uid
    AND gone.project_id = ${alias}.project_id AND gone.environment_id = ${alias}.environment_id AND gone.phase = 'removing')`;

/** How many read the backlog now, and which of them this one is. */
export const readersSql = `(
  SELECT count(*) FILTER (WHERE name < current_setting('application_name')) AS place, greatest(count(*), 1) AS readers
  FROM (SELECT DISTINCT application_name AS name FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user
      AND application_name LIKE split_part(current_setting('application_name'), '/', 1) || '/%') live)`;

const backlogSql = askingSql(`
  SELECT * FROM (
    SELECT *, bool_or(mine) OVER () AS any_mine FROM (
      SELECT head.*, abs(hashtext(application_uid::text)::bigint) % readers = place AS mine FROM (
        SELECT * FROM releases r WHERE phase = 'waiting' AND ${removedFirst('r')}
        ORDER BY priority DESC, updated_at, tenant_id, project_id, environment_id, number
        LIMIT $1 * 16) head
      CROSS JOIN ${readersSql} own) shared) shares
  WHERE mine OR NOT any_mine OR updated_at < clock_timestamp() - interval '20 seconds'
  ORDER BY priority DESC, mine DESC, hashtext(application_uid::text || $2) LIMIT $1`);

/**
 * The releases of the highest priority that wait, the oldest of them. Nothing is locked: whoever commits first has decided.
 * So that several schedulers rarely think about the same release, each has its share of the head of the queue: readers know
 * each other by their connections' names, `kind/name`. Who has nothing left helps out, and so does everybody with what
 * has waited for long; that is scattered by `shard`.
 */
export async function readWaiting(read: Reader, limit: number, shard: string): Promise<WaitingRelease[]> {
  return (await read<WaitingRow>(backlogSql, [limit, shard])).map(waitingOf);
}

const namedSql = askingSql(`
  SELECT r.* FROM releases r
  JOIN jsonb_to_recordset($1::jsonb) AS n (tenant text, project text, environment text, number bigint)
    ON r.tenant_id = n.tenant AND r.project_id = n.project AND r.environment_id = n.environment AND r.number = n.number
  WHERE r.phase = 'waiting'`);

/** Those of the releases that still wait, in the order in which they are named. */
export async function readAsking(read: Reader, releases: readonly ReleaseRef[]): Promise<WaitingRelease[]> {
  const names = releases.map(({ tenant, project, environment, number }) => ({
    ...{ tenant, project, environment },
    number: number.toString(),
  }));
  const rows = await read<WaitingRow>(namedSql, [JSON.stringify(names)]);
  const found = new Map(rows.map(waitingOf).map((release) => [releaseKey(release), release]));
  return releases.flatMap((each) => found.get(releaseKey(each)) ?? []);
}

const waitingSql = askingSql(`
  SELECT * FROM releases WHERE tenant_id = $1 AND project_id = $2 AND environment_id = $3 AND application_id = $4
    AND phase = 'waiting'`);

/** The release with which an application asks for a decision in an environment; undefined when there is none. */
export async function readWaitingOf(
  tx: Transaction,
  of: { tenant: string; project: string; environment: string; application: string },
): Promise<WaitingRelease | undefined> {
  const keys = [of.tenant, of.project, of.environment, of.application];
  return (await tx.query<WaitingRow>(waitingSql, keys)).map(waitingOf)[0];
}

const waitingOf = (row: WaitingRow): WaitingRelease => ({
  ...refOf(row),
  generation: BigInt(row.generation),
  application: row.application_id,
  applicationUid: row.application_uid,
  namespace: row.namespace,
  digest: row.digest,
  spec: row.spec,
  charged: { mcpu: row.charged[0] ?? 0, memoryBytes: row.charged[1] ?? 0, pods: row.charged[2] ?? 0 },
  refusals: row.refusals,
  replaces: row.replaces,
  now: row.now,
  worksAt: row.works_at,
  neighbours: row.neighbours ?? [],
  nominated: (row.nominated ?? []).map(({ cluster, amount: [mcpu = 0, memoryBytes = 0, pods = 0] }) => ({
    cluster,
    amount: { mcpu, memoryBytes, pods },
  })),
  held: (row.held ?? []).map(({ component, cluster, replicas, mcpu, memoryBytes }) => ({
    component,
    cluster,
    replicas,
    perReplica: { mcpu, memoryBytes, pods: 1 },
  })),
});

export interface RefRow {
  tenant_id: string;
  project_id: string;
  environment_id: string;
  number: string;
}

export const refOf = (row: RefRow): ReleaseRef => ({
  tenant: row.tenant_id,
  project: row.project_id,
  environment: row.environment_id,
  number: BigInt(row.number),
});

export const releaseKey = (ref: ReleaseRef): string => `${ref.tenant}/${ref.project}/${ref.environment}/${ref.number}`;

/** The columns of `refs` for `unnest($1::text[], $2::text[], $3::text[], $4::bigint[])`. */
export const refColumns = (refs: readonly ReleaseRef[]): [string[], string[], string[], string[]] => [
  refs.map((each) => each.tenant),
  refs.map((each) => each.project),
  refs.map((each) => each.environment),
  refs.map((each) => each.number.toString()),
];

/**
 * Locks those of the releases that still wait at the generation that was decided on; the rest were decided, superseded
 * or deleted by somebody else meanwhile. Returns their keys.
 */
export async function lockWaiting(
  tx: Transaction,
  releases: readonly (ReleaseRef & { generation: bigint })[],
): Promise<Set<string>> {
  const rows = await tx.query<RefRow>(
    `SELECT l.tenant_id, l.project_id, l.environment_id, l.number::text FROM releases l
     JOIN unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS n (tenant, project, environment, number, generation)
       ON l.tenant_id = n.tenant AND l.project_id = n.project AND l.environment_id = n.environment AND l.number = n.number
     WHERE l.phase = 'waiting' AND l.generation = n.generation
     ORDER BY l.tenant_id, l.project_id, l.environment_id, l.number FOR UPDATE OF l SKIP LOCKED`,
    [...refColumns(releases), releases.map((each) => each.generation.toString())],
  );
  return new Set(rows.map((row) => releaseKey(refOf(row))));
}

/** The release that holds an application's place in an environment, and what its project pays for it. */
export interface HoldingRelease extends ReleaseRef {
  applicationUid: string;
  charged: Resources;
}

/** The placed releases of the same applications and environments, locked. */
export async function lockHolding(
  tx: Transaction,
  of: readonly (ReleaseRef & { applicationUid: string })[],
): Promise<HoldingRelease[]> {
  const rows = await tx.query<RefRow & { application_uid: string; charged: number[] }>(
    `SELECT l.tenant_id, l.project_id, l.environment_id, l.number::text, l.application_uid,
       ARRAY[l.charged_mcpu, l.charged_memory_bytes, l.charged_pods]::float8[] AS charged
     FROM releases l
     JOIN unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) AS n (tenant, project, environment, uid)
       ON l.tenant_id = n.tenant AND l.project_id = n.project AND l.environment_id = n.environment AND l.application_uid = n.uid
     WHERE l.phase = 'placed'
     ORDER BY l.tenant_id, l.project_id, l.environment_id, l.number FOR UPDATE OF l`,
    [
      of.map((each) => each.tenant),
      of.map((each) => each.project),
      of.map((each) => each.environment),
      of.map((each) => each.applicationUid),
    ],
  );
  return rows.map((row) => ({
    ...refOf(row),
    applicationUid: row.application_uid,
    charged: { mcpu: row.charged[0] ?? 0, memoryBytes: row.charged[1] ?? 0, pods: row.charged[2] ?? 0 },
  }));
}
