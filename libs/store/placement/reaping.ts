import type { ObjectRef, Resources, TombstoneMode } from '#domain';
import type { Transaction } from '../core/transaction.js';

/**
 * An object that its work has dropped, and what its agent says about it. Listed only once the agent has reported the
 * work at the generation that dropped it, or a later one: before that, silence is no answer.
 */
export interface DroppedObject extends ObjectRef {
  workId: string;
  cluster: string;
  tenant: string;
  droppedGeneration: bigint;
  /** Undefined when the agent sees no such object any more. */
  uid: string | undefined;
  /** It was there before Berth took it over: it is let go, and not deleted. */
  adopted: boolean;
  /** This work's newest tombstone that names this very object (by uid): another's may be moot because this work wanted it. */
  tombstone: 'none' | 'open' | 'confirmed';
  /** Whether the work still has objects inside the namespace that this object is. */
  restLeft: boolean;
  /** Works of the cluster, this one among them, that answer for the same object: namespaces are shared. */
  holders: number;
}

interface DroppedRow {
  work_id: string;
  cluster_id: string;
  tenant_id: string;
  api_version: string;
  kind: string;
  namespace: string;
  name: string;
  dropped_generation: string;
  uid: string | null;
  adopted: boolean | null;
  tombstone: DroppedObject['tombstone'];
  rest_left: boolean;
  holders: number;
}

const batch = 2_000;

/** All clusters when none are named. */
export async function readDropped(tx: Transaction, clusters?: readonly string[]): Promise<DroppedObject[]> {
  const rows = await tx.query<DroppedRow>(
    `SELECT o.work_id, w.cluster_id, w.tenant_id, o.api_version, o.kind, o.namespace, o.name, o.dropped_generation::text,
       seen.uid, seen.adopted, coalesce(stone.state, 'none') AS tombstone,
       o.kind = 'Namespace' AND EXISTS (
         SELECT FROM work_objects rest WHERE rest.work_id = o.work_id AND rest.kind <> 'Namespace') AS rest_left,
       CASE WHEN o.kind <> 'Namespace' THEN 1 ELSE (
         SELECT count(*)::int FROM work_objects shared JOIN works holder ON holder.id = shared.work_id
         WHERE holder.cluster_id = w.cluster_id AND holder.tenant_id = w.tenant_id AND holder.project_id = w.project_id
           AND holder.environment_id = w.environment_id AND shared.kind = 'Namespace' AND shared.name = o.name) END AS holders
     FROM work_objects o
     JOIN works w ON w.id = o.work_id
     JOIN work_status s ON s.work_id = o.work_id AND s.generation >= o.dropped_generation
     LEFT JOIN LATERAL (
       SELECT x->>'uid' AS uid, coalesce((x->>'adopted')::boolean, false) AS adopted FROM jsonb_array_elements(s.objects) x
       WHERE x->>'kind' = o.kind AND x->>'name' = o.name AND coalesce(x->>'namespace', '') = o.namespace
         AND split_part(x->>'apiVersion', '/', 1) = split_part(o.api_version, '/', 1) AND coalesce(x->>'uid', '') <> ''
       LIMIT 1) seen ON true
     LEFT JOIN LATERAL (
       SELECT CASE WHEN t.confirmed_at IS NULL THEN 'open' ELSE 'confirmed' END AS state FROM tombstones t
       WHERE t.cluster_id = w.cluster_id AND t.work_id = o.work_id AND t.uid = seen.uid AND t.kind = o.kind AND t.name = o.name
         AND t.namespace = o.namespace AND t.generation >= o.dropped_generation
       ORDER BY t.sequence DESC LIMIT 1) stone ON true
     WHERE o.dropped_generation IS NOT NULL AND ($1::text[] IS NULL OR w.cluster_id = ANY($1))
     ORDER BY w.cluster_id, o.work_id, o.kind, o.name LIMIT ${batch}`,
    [clusters ?? null],
  );
  return rows.map((row) => ({
    workId: row.work_id,
    cluster: row.cluster_id,
    tenant: row.tenant_id,
    apiVersion: row.api_version,
    kind: row.kind,
    namespace: row.namespace,
    name: row.name,
    droppedGeneration: BigInt(row.dropped_generation),
    uid: row.uid ?? undefined,
    adopted: row.adopted ?? false,
    tombstone: row.tombstone,
    restLeft: row.rest_left,
    holders: row.holders,
  }));
}

export interface TombstoneWrite extends ObjectRef {
  id: string;
  cluster: string;
  tenant: string;
  workId: string;
  sequence: bigint;
  /** The generation that dropped the object: whatever was applied later is not meant. */
  generation: bigint;
  uid: string;
  mode: TombstoneMode;
}

export async function writeTombstones(tx: Transaction, tombstones: readonly TombstoneWrite[]): Promise<void> {
  if (tombstones.length === 0) return;
  await tx.execute(
    `INSERT INTO tombstones (id, cluster_id, tenant_id, work_id, sequence, generation, api_version, kind, namespace, name, uid, mode)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
       $9::text[], $10::text[], $11::text[], $12::text[])`,
    [
      tombstones.map((each) => each.id),
      tombstones.map((each) => each.cluster),
      tombstones.map((each) => each.tenant),
      tombstones.map((each) => each.workId),
      tombstones.map((each) => each.sequence.toString()),
      tombstones.map((each) => each.generation.toString()),
      tombstones.map((each) => each.apiVersion),
      tombstones.map((each) => each.kind),
      tombstones.map((each) => each.namespace),
      tombstones.map((each) => each.name),
      tombstones.map((each) => each.uid),
      tombstones.map((each) => each.mode),
    ],
  );
}

/** Takes objects out of what tombstones may name: they are confirmed gone, or another work answers for them. */
export async function forgetObjects(
  tx: Transaction,
  objects: readonly (ObjectRef & { workId: string })[],
): Promise<void> {
  if (objects.length === 0) return;
  // Where nothing else of the application has an object of that name, wanted or going, another may take the name.
  await tx.execute(
    `WITH gone AS (
       DELETE FROM work_objects o USING unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
         AS n (work_id, api_version, kind, namespace, name)
       WHERE o.work_id = n.work_id AND o.api_version = n.api_version AND o.kind = n.kind AND o.namespace = n.namespace
         AND o.name = n.name AND o.dropped_generation IS NOT NULL
       RETURNING o.work_id, o.api_version, o.kind, o.namespace, o.name
     )
     DELETE FROM object_claims c USING gone g JOIN works w ON w.id = g.work_id
     WHERE (c.tenant_id, c.project_id, c.environment_id, c.application_uid) =
           (w.tenant_id, w.project_id, w.environment_id, w.application_uid)
       AND c.kind = g.kind AND c.name = g.name
       AND NOT EXISTS (
         SELECT FROM works other JOIN work_objects o ON o.work_id = other.id
         WHERE (other.tenant_id, other.project_id, other.environment_id, other.application_uid) =
               (w.tenant_id, w.project_id, w.environment_id, w.application_uid)
           AND o.kind = c.kind AND o.name = c.name
           AND (o.work_id, o.api_version, o.kind, o.namespace, o.name) NOT IN (SELECT * FROM gone))
       AND NOT EXISTS (
         SELECT FROM releases r
         WHERE (r.tenant_id, r.project_id, r.environment_id, r.application_uid) =
               (w.tenant_id, w.project_id, w.environment_id, w.application_uid)
           AND r.phase IN ('waiting', 'refused'))`,
    [
      objects.map((each) => each.workId),
      objects.map((each) => each.apiVersion),
      objects.map((each) => each.kind),
      objects.map((each) => each.namespace),
      objects.map((each) => each.name),
    ],
  );
}

/** Capacity that an agent's report has set free. */
export interface FreedReservation {
  id: string;
  workId: string;
  cluster: string;
  amount: Resources;
}

interface FreedRow {
  id: string;
  work_id: string;
  cluster_id: string;
  amount: number[];
}

const freedOf = (row: FreedRow): FreedReservation => ({
  id: row.id,
  workId: row.work_id,
  cluster: row.cluster_id,
  amount: { mcpu: row.amount[0] ?? 0, memoryBytes: row.amount[1] ?? 0, pods: row.amount[2] ?? 0 },
});

const amounts = 'ARRAY[r.mcpu, r.memory_bytes, r.pods]::float8[] AS amount';

/** Releasing reservations of works that go on: the agent has reported that generation, and no surplus pod is left. */
export async function readSurplusGone(tx: Transaction, clusters?: readonly string[]): Promise<FreedReservation[]> {
  const rows = await tx.query<FreedRow>(
    `SELECT r.id, r.work_id, r.cluster_id, ${amounts}
     FROM reservations r
     JOIN works w ON w.id = r.work_id AND w.wanted
     JOIN work_status s ON s.work_id = r.work_id
     WHERE r.state = 'releasing' AND s.generation >= r.work_generation AND s.phase = 'ready' AND s.updated = s.desired
       AND s.unavailable = 0 AND NOT s.objects @> '[{"kind": "Pod"}]' AND ($1::text[] IS NULL OR r.cluster_id = ANY($1))
     ORDER BY r.cluster_id, r.id LIMIT ${batch}`,
    [clusters ?? null],
  );
  return rows.map(freedOf);
}

export interface GoneWork {
  workId: string;
  cluster: string;
  tenant: string;
  project: string;
  application: string;
  applicationUid: string;
  reserved: Resources;
}

/**
 * Works that are not wanted and of which nothing is left: no object that is not confirmed gone, no open tombstone, and
 * no pod in the last report.
 */
export async function readGoneWorks(tx: Transaction, clusters?: readonly string[]): Promise<GoneWork[]> {
  const rows = await tx.query<{
    id: string;
    cluster_id: string;
    tenant_id: string;
    project_id: string;
    application_id: string;
    application_uid: string;
    reserved: number[];
  }>(
    `SELECT w.id, w.cluster_id, w.tenant_id, w.project_id, w.application_id, w.application_uid,
       (SELECT ARRAY[coalesce(sum(r.mcpu), 0), coalesce(sum(r.memory_bytes), 0), coalesce(sum(r.pods), 0)]::float8[]
        FROM reservations r WHERE r.work_id = w.id) AS reserved
     FROM works w LEFT JOIN work_status s ON s.work_id = w.id
     WHERE NOT w.wanted AND ($1::text[] IS NULL OR w.cluster_id = ANY($1))
       AND NOT EXISTS (SELECT FROM work_objects o WHERE o.work_id = w.id)
       AND NOT EXISTS (SELECT FROM tombstones t WHERE t.work_id = w.id AND t.confirmed_at IS NULL)
       -- A report that is gone was gone from a full one.
       AND (s.work_id IS NULL OR (s.ready = 0 AND NOT s.objects @> '[{"kind": "Pod"}]'
         -- Pods that live on with what was let go count as foreign in the stored inventory: it reflects the order.
         AND (NOT s.reasons @> '[{"reason": "PodsHandedBack"}]' OR EXISTS (
           SELECT FROM cluster_capacity k WHERE k.cluster_id = w.cluster_id AND k.reflected_work_sequence >= w.sequence
             AND NOT coalesce(k.unreflected_works ? w.id::text, false)))))
     ORDER BY w.cluster_id, w.id LIMIT ${batch}`,
    [clusters ?? null],
  );
  return rows.map((row) => ({
    workId: row.id,
    cluster: row.cluster_id,
    tenant: row.tenant_id,
    project: row.project_id,
    application: row.application_id,
    applicationUid: row.application_uid,
    reserved: { mcpu: row.reserved[0] ?? 0, memoryBytes: row.reserved[1] ?? 0, pods: row.reserved[2] ?? 0 },
  }));
}

/** Ends works and what they reserve; their status goes with them. */
export async function deleteWorks(tx: Transaction, workIds: readonly string[]): Promise<void> {
  if (workIds.length === 0) return;
  await tx.execute('DELETE FROM reservations WHERE work_id = ANY($1::uuid[])', [workIds]);
  await tx.execute('DELETE FROM works WHERE id = ANY($1::uuid[])', [workIds]);
}

export async function deleteReservations(tx: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.execute('DELETE FROM reservations WHERE id = ANY($1::uuid[])', [ids]);
}
