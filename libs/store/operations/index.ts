import type { Reader } from '../core/reader.js';
import type { Transaction } from '../core/transaction.js';

/** Long work that a call began. */
export interface StoredOperation {
  id: string;
  /** Undefined: the fleet's. */
  tenant: string | undefined;
  kind: string;
  target: string;
  done: boolean;
  completedSteps: bigint;
  totalSteps: bigint;
  message: string;
  /** google.rpc.Status' code and message. */
  error: { code: number; message: string } | undefined;
  createdAt: Date;
  endedAt: Date | null;
}

interface RawOperation {
  id: string;
  tenant_id: string | null;
  kind: string;
  target: string;
  done: boolean;
  completed_steps: string;
  total_steps: string;
  message: string;
  error: { code: number; message: string } | null;
  created_at: Date;
  ended_at: Date | null;
}

const columns = 'id, tenant_id, kind, target, done, completed_steps, total_steps, message, error, created_at, ended_at';

const operationOf = (row: RawOperation): StoredOperation => ({
  id: row.id,
  tenant: row.tenant_id ?? undefined,
  kind: row.kind,
  target: row.target,
  done: row.done,
  completedSteps: BigInt(row.completed_steps),
  totalSteps: BigInt(row.total_steps),
  message: row.message,
  error: row.error ?? undefined,
  createdAt: row.created_at,
  endedAt: row.ended_at,
});

export interface NewOperation {
  id: string;
  tenant: string | undefined;
  kind: string;
  target: string;
  /** What it is done to when names could be used again. */
  subject: string;
  /** Already at its end. */
  done: boolean;
  totalSteps: number;
  message: string;
  /** By when it must have ended, from now. */
  deadlineMs: number;
}

export async function insertOperation(tx: Transaction, operation: NewOperation): Promise<StoredOperation> {
  const rows = await tx.query<RawOperation>(
    `INSERT INTO operations (id, tenant_id, kind, target, subject, done, completed_steps, total_steps, message, deadline, ended_at)
     VALUES ($1, $2, $3, $4, $5, $6::boolean, CASE WHEN $6::boolean THEN $7::bigint ELSE 0 END, $7::bigint, $8,
       CASE WHEN $6::boolean THEN NULL ELSE clock_timestamp() + $9::float8 * interval '1 ms' END,
       CASE WHEN $6::boolean THEN clock_timestamp() END) RETURNING ${columns}`,
    [
      operation.id,
      operation.tenant ?? null,
      operation.kind,
      operation.target,
      operation.subject,
      operation.done,
      operation.totalSteps,
      operation.message,
      operation.deadlineMs,
    ],
  );
  const [row] = rows.map(operationOf);
  if (row === undefined) throw new Error('an operation that was inserted was not returned');
  return row;
}

/** The open operation of a kind on a subject. */
export async function readOpenOperation(
  tx: Transaction,
  of: { kind: string; subject: string },
): Promise<StoredOperation | undefined> {
  const rows = await tx.query<RawOperation>(
    `SELECT ${columns} FROM operations WHERE kind = $1 AND subject = $2 AND NOT done ORDER BY created_at DESC LIMIT 1`,
    [of.kind, of.subject],
  );
  return rows.map(operationOf)[0];
}

/** `tenant` undefined: the fleet's. `targets`: a prefix that the target must have. */
export async function readOperation(
  read: Reader,
  key: { tenant: string | undefined; id: string; targets: string },
): Promise<StoredOperation | undefined> {
  const rows = await read<RawOperation>(
    `SELECT ${columns} FROM operations
     WHERE tenant_id IS NOT DISTINCT FROM $1::text AND id = $2::uuid AND starts_with(target, $3)`,
    [key.tenant ?? null, key.id, key.targets],
  );
  return rows.map(operationOf)[0];
}

/** Newest first; `after` is where the page before ended. */
export async function readOperations(
  read: Reader,
  page: {
    tenant: string | undefined;
    targets: string;
    after: { createdAt: string; id: string } | undefined;
    limit: number;
  },
): Promise<(StoredOperation & { place: string })[]> {
  const rows = await read<RawOperation & { place: string }>(
    `SELECT ${columns}, created_at::text AS place FROM operations
     WHERE tenant_id IS NOT DISTINCT FROM $1::text AND starts_with(target, $2)
       AND ($3::timestamptz IS NULL OR (created_at, id) < ($3::timestamptz, $4::uuid))
     ORDER BY created_at DESC, id DESC LIMIT $5`,
    [page.tenant ?? null, page.targets, page.after?.createdAt ?? null, page.after?.id ?? null, page.limit],
  );
  return rows.map((row) => ({ ...operationOf(row), place: row.place }));
}
