import type { ClusterId, Resources } from '#domain';
import type { Reader } from '../core/reader.js';
import type { Transaction } from '../core/transaction.js';
import { nominatedAmounts, type RefRow, type ReleaseRef, refColumns, refOf } from './backlog.js';
import type { NodeRules } from './holdings.js';

/** Placed, and of a lower priority than somebody who lacks room: it may have to give way. */
export interface PlacedRelease extends ReleaseRef {
  application: string;
  applicationUid: string;
  generation: bigint;
  priority: number;
  /** By the store's clock, in milliseconds. */
  placedAt: number;
  /** A newer release of the application waits or was refused. */
  asks: boolean;
  charged: Resources;
  /** What its works reserve in each cluster. */
  vacancies: readonly {
    cluster: ClusterId;
    amount: Resources;
    pods: readonly { perReplica: Resources; replicas: number; rules?: NodeRules }[];
  }[];
}

interface PlacedRow extends RefRow {
  application_id: string;
  application_uid: string;
  generation: string;
  priority: number;
  placed_at: number;
  asks: boolean;
  charged: number[];
  reserved: {
    cluster: string;
    amount: [number, number, number];
    perReplica: [number, number];
    replicas: number;
    rules: NodeRules | null;
  }[];
}

/** More are not looked at. */
const mostPlaced = 500;

const ofRelease = (work: string, release: string): string =>
  `${work}.tenant_id = ${release}.tenant_id AND ${work}.project_id = ${release}.project_id
    AND ${work}.environment_id = ${release}.environment_id AND ${work}.application_uid = ${release}.application_uid`;

/**
 * What a tenant has placed below a priority: of the lowest, the newest first. What took objects over that were there
 * before is left out: its pods stay when it goes. So is what has volumes that outlive its pods: it stays with its data.
 */
export async function readPlacedBelow(
  read: Reader,
  { tenant, priority }: { tenant: string; priority: number },
): Promise<PlacedRelease[]> {
  const rows = await read<PlacedRow>(
    `SELECT l.tenant_id, l.project_id, l.environment_id, l.number::text, l.application_id, l.application_uid,
       l.generation::text, l.priority, extract(epoch FROM l.updated_at)::float8 * 1000 AS placed_at,
       ARRAY[l.charged_mcpu, l.charged_memory_bytes, l.charged_pods]::float8[] AS charged,
       EXISTS (SELECT FROM releases n WHERE ${ofRelease('n', 'l')} AND n.phase IN ('waiting', 'refused')) AS asks,
       held.reserved
     FROM (SELECT * FROM releases WHERE tenant_id = $1 AND phase = 'placed' AND priority < $2
       ORDER BY priority, updated_at DESC LIMIT ${mostPlaced}) l
     JOIN LATERAL (
       SELECT json_agg(json_build_object('cluster', r.cluster_id, 'amount', json_build_array(r.mcpu, r.memory_bytes, r.pods),
           'perReplica', json_build_array(r.replica_mcpu, r.replica_memory_bytes),
           'replicas', CASE WHEN r.state = 'held' THEN r.replicas ELSE 0 END, 'rules', r.node_rules)) AS reserved
       FROM works w JOIN reservations r ON r.work_id = w.id WHERE ${ofRelease('w', 'l')}) held ON held.reserved IS NOT NULL
     WHERE NOT EXISTS (SELECT FROM works w JOIN work_status s ON s.work_id = w.id
       WHERE ${ofRelease('w', 'l')} AND s.objects @> '[{"adopted": true}]')
       AND NOT EXISTS (SELECT FROM revisions v
         WHERE v.tenant_id = l.tenant_id AND v.application_uid = l.application_uid AND v.number = l.revision
           AND (v.spec @? '$.components[*].workloadExtra.spec.volumeClaimTemplates[*]'
             OR v.spec @? '$.components[*].objects[*] ? (@.kind == "PersistentVolumeClaim")'))
     ORDER BY l.priority, l.updated_at DESC, l.project_id, l.environment_id, l.number`,
    [tenant, priority],
  );
  return rows.map(placedOf);
}

function placedOf(row: PlacedRow): PlacedRelease {
  return {
    ...refOf(row),
    application: row.application_id,
    applicationUid: row.application_uid,
    generation: BigInt(row.generation),
    priority: row.priority,
    placedAt: row.placed_at,
    asks: row.asks,
    charged: { mcpu: row.charged[0] ?? 0, memoryBytes: row.charged[1] ?? 0, pods: row.charged[2] ?? 0 },
    vacancies: row.reserved.map(({ cluster, amount, perReplica, replicas, rules }) => ({
      cluster,
      amount: { mcpu: amount[0], memoryBytes: amount[1], pods: amount[2] },
      pods: [
        {
          perReplica: { mcpu: perReplica[0], memoryBytes: perReplica[1], pods: 1 },
          replicas,
          ...(rules === null ? {} : { rules }),
        },
      ],
    })),
  };
}

/** Locks those of the releases that are still placed as they were read. None is waited for. */
export async function lockPlaced(
  tx: Transaction,
  of: readonly (ReleaseRef & { generation: bigint })[],
): Promise<{ ref: ReleaseRef; priority: number; asks: boolean }[]> {
  const rows = await tx.query<RefRow & { priority: number; asks: boolean }>(
    `SELECT l.tenant_id, l.project_id, l.environment_id, l.number::text, l.priority,
       EXISTS (SELECT FROM releases n WHERE ${ofRelease('n', 'l')} AND n.phase IN ('waiting', 'refused')) AS asks
     FROM releases l
     JOIN unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS n (tenant, project, environment, number, generation)
       ON l.tenant_id = n.tenant AND l.project_id = n.project AND l.environment_id = n.environment AND l.number = n.number
     WHERE l.phase = 'placed' AND l.generation = n.generation
     ORDER BY l.tenant_id, l.project_id, l.environment_id, l.number FOR UPDATE OF l SKIP LOCKED`,
    [...refColumns(of), of.map((each) => each.generation.toString())],
  );
  return rows.map((row) => ({ ref: refOf(row), priority: row.priority, asks: row.asks }));
}

export interface PreemptionWrite {
  release: ReleaseRef & { application: string; applicationUid: string; priority: number };
  decisionId: string;
  victims: readonly (ReleaseRef & { application: string; applicationUid: string; priority: number })[];
  /** What the release adds to each cluster. */
  nominated: readonly { cluster: ClusterId; amount: Resources }[];
  /** Of the victims. */
  works: readonly { workId: string; project: string; environment: string; applicationUid: string }[];
  expiresMs: number;
}

/** Keeps the room of the victims for the release: under the locks of all clusters that are named. */
export async function writePreemption(tx: Transaction, write: PreemptionWrite): Promise<void> {
  const { release, victims, nominated, works } = write;
  const own = [release.tenant, release.project, release.environment, release.number.toString()];
  const nominations = tx.execute(
    `INSERT INTO nominations (tenant_id, project_id, environment_id, release_number, application_uid, cluster_id, mcpu,
       memory_bytes, pods, expires_at)
     SELECT $1, $2, $3, $4::bigint, $10::uuid, n.*, clock_timestamp() + make_interval(secs => $9::float8 / 1000)
     FROM unnest($5::text[], $6::bigint[], $7::bigint[], $8::bigint[]) n`,
    [
      ...own,
      nominated.map(({ cluster }) => cluster),
      nominated.map(({ amount }) => amount.mcpu),
      nominated.map(({ amount }) => amount.memoryBytes),
      nominated.map(({ amount }) => amount.pods),
      write.expiresMs,
      release.applicationUid,
    ],
  );
  const leaving = tx.execute(
    `INSERT INTO preempted_works (work_id, tenant_id, project_id, environment_id, application_uid, for_project_id,
       for_environment_id, for_release_number)
     SELECT n.work, $1, n.project, n.environment, n.uid, $2, $3, $4::bigint
     FROM unnest($5::uuid[], $6::text[], $7::text[], $8::uuid[]) AS n (work, project, environment, uid)`,
    [
      ...own,
      works.map(({ workId }) => workId),
      works.map(({ project }) => project),
      works.map(({ environment }) => environment),
      works.map(({ applicationUid }) => applicationUid),
    ],
  );
  const told = tx.execute(
    `INSERT INTO preemptions (tenant_id, for_project_id, for_environment_id, for_release_number, for_application_id,
       for_priority, decision_id, project_id, environment_id, release_number, application_id, priority)
     SELECT $1, $2, $3, $4::bigint, $5, $6::int, $7::uuid, n.*
     FROM unnest($8::text[], $9::text[], $10::bigint[], $11::text[], $12::int[]) n`,
    [
      ...own,
      release.application,
      release.priority,
      write.decisionId,
      victims.map(({ project }) => project),
      victims.map(({ environment }) => environment),
      victims.map(({ number }) => number.toString()),
      victims.map(({ application }) => application),
      victims.map(({ priority }) => priority),
    ],
  );
  await tx.together([nominations, leaving, told]);
}

/** Room that is kept for a release, beyond what is still reserved for those that leave it. */
export interface Nominated extends ReleaseRef {
  cluster: ClusterId;
  amount: Resources;
}

interface NominatedRow extends RefRow {
  cluster_id: string;
  amount: number[];
}

const onlyNamed = `JOIN unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS named (tenant, project, environment, number)
  ON n.tenant_id = named.tenant AND n.project_id = named.project AND n.environment_id = named.environment
    AND n.release_number = named.number`;

/** Under the locks of the clusters these figures are final. */
export async function readNominated(tx: Transaction, of: readonly ReleaseRef[]): Promise<Nominated[]> {
  if (of.length === 0) return [];
  const rows = await tx.query<NominatedRow>(
    `SELECT n.tenant_id, n.project_id, n.environment_id, n.release_number::text AS number, n.cluster_id,
       ${nominatedAmounts} AS amount
     FROM nominations n ${onlyNamed} ORDER BY n.cluster_id`,
    refColumns(of),
  );
  return rows.map((row) => ({
    ...refOf(row),
    cluster: row.cluster_id,
    amount: { mcpu: row.amount[0] ?? 0, memoryBytes: row.amount[1] ?? 0, pods: row.amount[2] ?? 0 },
  }));
}

/** Ends what is kept for these releases: under the locks of its clusters, whose rows have to be written, too. */
export async function endNominations(tx: Transaction, of: readonly ReleaseRef[]): Promise<void> {
  if (of.length === 0) return;
  const leaving = tx.execute(
    `DELETE FROM preempted_works p USING unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS named (tenant, project, environment, number)
     WHERE p.tenant_id = named.tenant AND p.for_project_id = named.project AND p.for_environment_id = named.environment
       AND p.for_release_number = named.number`,
    refColumns(of),
  );
  const nominations = tx.execute(
    `DELETE FROM nominations n USING unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS named (tenant, project, environment, number)
     WHERE n.tenant_id = named.tenant AND n.project_id = named.project AND n.environment_id = named.environment
       AND n.release_number = named.number`,
    refColumns(of),
  );
  await tx.together([leaving, nominations]);
}

/** Room that is kept for releases that ask no longer, or have not come to use it in time. */
export interface LapsedNomination extends ReleaseRef {
  clusters: readonly ClusterId[];
  /** Of the release, when it still asks. */
  asksAt: bigint | undefined;
}

export async function readLapsed(tx: Transaction, limit: number): Promise<LapsedNomination[]> {
  const rows = await tx.query<RefRow & { clusters: string[]; asks_at: string | null }>(
    `SELECT n.tenant_id, n.project_id, n.environment_id, n.release_number::text AS number,
       array_agg(n.cluster_id ORDER BY n.cluster_id) AS clusters,
       CASE WHEN l.phase IN ('waiting', 'refused') THEN l.generation::text END AS asks_at
     FROM nominations n JOIN releases l ON l.tenant_id = n.tenant_id AND l.project_id = n.project_id
       AND l.environment_id = n.environment_id AND l.number = n.release_number
     WHERE n.expires_at < clock_timestamp() OR l.phase NOT IN ('waiting', 'refused')
     GROUP BY n.tenant_id, n.project_id, n.environment_id, n.release_number, l.phase, l.generation
     ORDER BY n.tenant_id, n.project_id, n.environment_id, n.release_number LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({
    ...refOf(row),
    clusters: row.clusters,
    asksAt: row.asks_at === null ? undefined : BigInt(row.asks_at),
  }));
}

/**
 * Releases that were refused until others are gone: those with room kept in one of the clusters, and those of the
 * applications that gave way themselves and have left every cluster.
 */
export async function readAwaitingGone(
  tx: Transaction,
  clusters: readonly ClusterId[],
  applications: readonly { tenant: string; applicationUid: string }[],
): Promise<(ReleaseRef & { generation: bigint })[]> {
  const rows = await tx.query<RefRow & { generation: string }>(
    `SELECT l.tenant_id, l.project_id, l.environment_id, l.number::text, l.generation::text
     FROM nominations n JOIN releases l ON l.tenant_id = n.tenant_id AND l.project_id = n.project_id
       AND l.environment_id = n.environment_id AND l.number = n.release_number
     WHERE n.cluster_id = ANY($1::text[]) AND l.phase = 'refused'
     UNION
     SELECT l.tenant_id, l.project_id, l.environment_id, l.number::text, l.generation::text
     FROM unnest($2::text[], $3::uuid[]) AS a (tenant, uid)
     JOIN releases l ON l.tenant_id = a.tenant AND l.application_uid = a.uid
     WHERE l.phase = 'refused' AND l.refusals @> '[{"reason": "Preempted"}]'
       AND NOT EXISTS (SELECT FROM preempted_works p WHERE ${ofRelease('p', 'l')})
     ORDER BY 1, 2, 3, 4`,
    [clusters, applications.map(({ tenant }) => tenant), applications.map(({ applicationUid }) => applicationUid)],
  );
  return rows.map((row) => ({ ...refOf(row), generation: BigInt(row.generation) }));
}
