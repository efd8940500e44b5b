import type { ReleasePhase, Resources } from '#domain';
import type { Transaction } from '../core/transaction.js';
import { type ReleaseRef, refColumns, type StoredRefusal } from './backlog.js';

export interface ReleaseMove extends ReleaseRef {
  phase: ReleasePhase;
  refusals: readonly StoredRefusal[];
  /** Changes of the fleet, and of its project's quota (`project.quota`), that bring a refused release back to waiting. */
  wakeOn: readonly string[];
  charged: Resources;
  /** When the new phase must have ended, from now by the store's clock; undefined for a phase that may last. */
  deadlineMs: number | undefined;
}

/** Moves releases to their next phase; the generation grows, so that whoever acts on the old one finds out. */
export async function moveReleases(tx: Transaction, moves: readonly ReleaseMove[]): Promise<void> {
  if (moves.length === 0) return;
  await tx.execute(
    `UPDATE releases l SET phase = n.phase, generation = l.generation + 1, refusals = n.refusals,
       wake_on = ARRAY(SELECT jsonb_array_elements_text(n.wake_on)), charged_mcpu = n.mcpu, charged_memory_bytes = n.memory_bytes,
       charged_pods = n.pods, deadline = clock_timestamp() + make_interval(secs => n.deadline_ms / 1000),
       updated_at = clock_timestamp()
     FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::jsonb[], $7::jsonb[], $8::bigint[], $9::bigint[],
       $10::bigint[], $11::float8[]) AS n (tenant, project, environment, number, phase, refusals, wake_on, mcpu, memory_bytes, pods, deadline_ms)
     WHERE l.tenant_id = n.tenant AND l.project_id = n.project AND l.environment_id = n.environment AND l.number = n.number`,
    [
      ...refColumns(moves),
      moves.map((each) => each.phase),
      moves.map((each) => JSON.stringify(each.refusals)),
      moves.map((each) => JSON.stringify(each.wakeOn)),
      moves.map((each) => each.charged.mcpu),
      moves.map((each) => each.charged.memoryBytes),
      moves.map((each) => each.charged.pods),
      moves.map((each) => each.deadlineMs ?? null),
    ],
  );
}

export interface DecisionWrite {
  id: string;
  release: ReleaseRef;
  placed: boolean;
  engineVersion: string;
  policyHash: string;
  feedPosition: bigint;
  record: Uint8Array;
}

export async function writeDecisions(tx: Transaction, decisions: readonly DecisionWrite[]): Promise<void> {
  if (decisions.length === 0) return;
  await tx.execute(
    `INSERT INTO decisions (tenant_id, project_id, environment_id, release_number, id, placed, engine_version, policy_hash,
       feed_position, record)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::boolean[], $7::text[], $8::text[],
       $9::bigint[], $10::bytea[])`,
    [
      ...refColumns(decisions.map((each) => each.release)),
      decisions.map((each) => each.id),
      decisions.map((each) => each.placed),
      decisions.map((each) => each.engineVersion),
      decisions.map((each) => each.policyHash),
      decisions.map((each) => each.feedPosition.toString()),
      decisions.map((each) => Buffer.from(each.record)),
    ],
  );
}

interface WokenRow {
  tenant_id: string;
  project_id: string;
  environment_id: string;
  number: string;
}

/**
 * Brings refused releases back to waiting whose reasons a change of the fleet may have removed. Idempotent: several
 * schedulers see the same change. Returns how many were woken.
 */
export async function wakeReleases(tx: Transaction, changes: readonly string[], deadlineMs: number): Promise<number> {
  if (changes.length === 0) return 0;
  const rows = await tx.query<WokenRow>(
    `UPDATE releases SET phase = 'waiting', generation = generation + 1, updated_at = clock_timestamp(),
       deadline = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
     WHERE (tenant_id, project_id, environment_id, number) IN (
       SELECT tenant_id, project_id, environment_id, number FROM releases
       WHERE phase = 'refused' AND wake_on && $1::text[]
       ORDER BY tenant_id, project_id, environment_id, number FOR UPDATE SKIP LOCKED)
     RETURNING tenant_id, project_id, environment_id, number::text`,
    [changes, deadlineMs],
  );
  await announceWaiting(tx, rows);
  return rows.length;
}

type Asking = ReleaseRef & { generation: bigint };

/** Brings one refused release back to waiting, if it is still at the generation it was refused with. */
export const retryRelease = (tx: Transaction, release: Asking, deadlineMs: number): Promise<boolean> =>
  backToWaiting(tx, release, deadlineMs, `phase = 'refused' FOR UPDATE`);

/** Brings a release that asks at this generation back to waiting at the next one; false when it does not ask any more. */
export const takeBack = (tx: Transaction, release: Asking, deadlineMs: number): Promise<boolean> =>
  backToWaiting(tx, release, deadlineMs, `phase IN ('waiting', 'refused') FOR UPDATE SKIP LOCKED`);

async function backToWaiting(
  tx: Transaction,
  { tenant, project, environment, number, generation }: Asking,
  deadlineMs: number,
  condition: string,
): Promise<boolean> {
  const rows = await tx.query<WokenRow>(
    `UPDATE releases SET phase = 'waiting', generation = generation + 1, updated_at = clock_timestamp(),
       deadline = clock_timestamp() + make_interval(secs => $6::float8 / 1000)
     WHERE (tenant_id, project_id, environment_id, number) IN (
       SELECT tenant_id, project_id, environment_id, number FROM releases
       WHERE tenant_id = $1 AND project_id = $2 AND environment_id = $3 AND number = $4 AND generation = $5
         AND ${condition})
     RETURNING tenant_id, project_id, environment_id, number::text`,
    [tenant, project, environment, number.toString(), generation.toString(), deadlineMs],
  );
  await announceWaiting(tx, rows);
  return rows.length > 0;
}

const announceWaiting = (tx: Transaction, rows: readonly WokenRow[]): Promise<void> =>
  tx.outbox.append(
    ...rows.map((row) => ({
      tenant: row.tenant_id,
      kind: 'release' as const,
      resource: `${row.project_id}/${row.environment_id}/${row.number}`,
    })),
  );
