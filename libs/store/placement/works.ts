import type { ObjectPolicy, ObjectRef } from '#domain';
import type { Transaction } from '../core/transaction.js';
import type { ApplicationInEnvironment, Holding, Reservation } from './holdings.js';

/** A work's next content: what its cluster is told, and what is reserved for it. */
export interface WorkWrite extends Omit<Holding, 'objects' | 'reservations'> {
  sequence: bigint;
  /** A list in the order in which they are applied, as it is stored; empty when not wanted. */
  manifestsJson: string;
  /** Undefined: every default. */
  policy: ObjectPolicy | undefined;
  objects: readonly (ObjectRef & { droppedGeneration: bigint | undefined })[];
  reservations: readonly Reservation[];
}

/**
 * Writes works, their objects and their reservations whole: what was there before under the same ids is replaced. The
 * statements are sent together.
 */
export async function writeWorks(tx: Transaction, works: readonly WorkWrite[]): Promise<void> {
  const later = works.filter(({ generation }) => generation > 1n);
  const first = works.filter(({ generation }) => generation === 1n);
  const replacing = [upsertWorks(tx, later), upsertObjects(tx, later), replaceReservations(tx, later)];
  await tx.together([...replacing, insertWorks(tx, first), insertObjects(tx, first), insertReservations(tx, first)]);
}

const upsertWorks = (tx: Transaction, works: readonly WorkWrite[]): Promise<void> =>
  insertWorks(
    tx,
    works,
    `ON CONFLICT (id) DO UPDATE SET release_number = excluded.release_number, sequence = excluded.sequence,
       generation = excluded.generation, wanted = excluded.wanted, manifests = excluded.manifests,
       policy = excluded.policy, updated_at = clock_timestamp()`,
  );

async function insertWorks(tx: Transaction, works: readonly WorkWrite[], onConflict = ''): Promise<void> {
  if (works.length === 0) return;
  await tx.execute(
    `INSERT INTO works (id, cluster_id, tenant_id, project_id, environment_id, application_id, application_uid, component,
       release_number, namespace, sequence, generation, wanted, manifests, policy)
     SELECT * FROM ROWS FROM (unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::text[],
       $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::boolean[]), jsonb_array_elements($14::jsonb), unnest($15::jsonb[]))
     ${onConflict}`,
    [
      works.map((each) => each.workId),
      works.map((each) => each.cluster),
      works.map((each) => each.tenant),
      works.map((each) => each.project),
      works.map((each) => each.environment),
      works.map((each) => each.application),
      works.map((each) => each.applicationUid),
      works.map((each) => each.component),
      works.map((each) => each.releaseNumber.toString()),
      works.map((each) => each.namespace),
      works.map((each) => each.sequence.toString()),
      works.map((each) => each.generation.toString()),
      works.map((each) => each.wanted),
      // In one piece: in an array of texts every quote would be escaped, and read back.
      `[${works.map((each) => each.manifestsJson).join()}]`,
      works.map((each) => (each.policy === undefined ? null : JSON.stringify(each.policy))),
    ],
  );
}

const upsertObjects = (tx: Transaction, works: readonly WorkWrite[]): Promise<void> =>
  insertObjects(
    tx,
    works,
    'ON CONFLICT (work_id, kind, namespace, name, api_version) DO UPDATE SET dropped_generation = excluded.dropped_generation',
  );

async function insertObjects(tx: Transaction, works: readonly WorkWrite[], onConflict = ''): Promise<void> {
  if (works.length === 0) return;
  const objects = works.flatMap(({ workId, objects }) => objects.map((object) => ({ workId, ...object })));
  await tx.execute(
    `INSERT INTO work_objects (work_id, api_version, kind, namespace, name, dropped_generation)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
     ${onConflict}`,
    [
      objects.map((each) => each.workId),
      objects.map((each) => each.apiVersion),
      objects.map((each) => each.kind),
      objects.map((each) => each.namespace),
      objects.map((each) => each.name),
      objects.map((each) => each.droppedGeneration?.toString() ?? null),
    ],
  );
}

async function replaceReservations(tx: Transaction, works: readonly WorkWrite[]): Promise<void> {
  if (works.length === 0) return;
  const deleted = tx.execute('DELETE FROM reservations WHERE work_id = ANY($1::uuid[])', [
    works.map((each) => each.workId),
  ]);
  await tx.together([deleted, insertReservations(tx, works)]);
}

async function insertReservations(tx: Transaction, works: readonly WorkWrite[]): Promise<void> {
  if (works.length === 0) return;
  const rows = works.flatMap((work) => work.reservations.map((each) => ({ ...each, work })));
  await tx.execute(
    `INSERT INTO reservations (id, tenant_id, cluster_id, work_id, state, replicas, replica_mcpu, replica_memory_bytes,
       mcpu, memory_bytes, pods, work_sequence, work_generation, node_rules, expected_mcpu, expected_memory_bytes, admitted_at)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::int[], $7::bigint[], $8::bigint[],
       $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::jsonb[], $15::bigint[], $16::bigint[],
       $17::timestamptz[])`,
    [
      rows.map((each) => each.id),
      rows.map((each) => each.work.tenant),
      rows.map((each) => each.work.cluster),
      rows.map((each) => each.work.workId),
      rows.map((each) => each.state),
      rows.map((each) => each.replicas),
      rows.map((each) => each.perReplica.mcpu),
      rows.map((each) => each.perReplica.memoryBytes),
      rows.map((each) => each.amount.mcpu),
      rows.map((each) => each.amount.memoryBytes),
      rows.map((each) => each.amount.pods),
      rows.map((each) => each.workSequence.toString()),
      rows.map((each) => each.workGeneration.toString()),
      rows.map((each) => (each.rules === undefined ? null : JSON.stringify(each.rules))),
      rows.map((each) => each.expected?.mcpu ?? null),
      rows.map((each) => each.expected?.memoryBytes ?? null),
      // 'now' is when it is read: under the locks of the clusters.
      rows.map((each) => (each.expected === undefined ? null : (each.admittedAt ?? 'now'))),
    ],
  );
}

export interface PlacementWrite extends ApplicationInEnvironment {
  component: string;
  cluster: string;
  replicas: number;
  releaseNumber: bigint;
  decisionId: string;
}

/** Where the components of these applications are from now on: everything that was there before is replaced. */
export async function replacePlacements(
  tx: Transaction,
  of: readonly ApplicationInEnvironment[],
  placements: readonly PlacementWrite[],
): Promise<void> {
  if (of.length === 0) return;
  const deleted = tx.execute(
    `DELETE FROM placements WHERE (tenant_id, project_id, environment_id, application_uid) IN
       (SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]))`,
    [
      of.map((each) => each.tenant),
      of.map((each) => each.project),
      of.map((each) => each.environment),
      of.map((each) => each.applicationUid),
    ],
  );
  const inserted = tx.execute(
    `INSERT INTO placements (tenant_id, project_id, environment_id, application_uid, component, cluster_id, replicas,
       release_number, decision_id)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::int[], $8::bigint[], $9::uuid[])`,
    [
      placements.map((each) => each.tenant),
      placements.map((each) => each.project),
      placements.map((each) => each.environment),
      placements.map((each) => each.applicationUid),
      placements.map((each) => each.component),
      placements.map((each) => each.cluster),
      placements.map((each) => each.replicas),
      placements.map((each) => each.releaseNumber.toString()),
      placements.map((each) => each.decisionId),
    ],
  );
  await tx.together([deleted, inserted]);
}
