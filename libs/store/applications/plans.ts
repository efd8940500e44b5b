import type { Millis } from '#domain';
import type { Transaction } from '../core/transaction.js';
import type { ApplicationKey } from './rows.js';

/** So many replicas of a component in one cluster. */
export interface PlannedAllotment {
  component: string;
  cluster: string;
  replicas: number;
}

/** A decision that was shown and not taken. */
export interface StoredPlan extends ApplicationKey {
  id: string;
  environment: string;
  /** The etag that the application had; empty: it was not there. */
  etag: string;
  /** Of the content. */
  digest: string;
  /** In order of component and cluster. */
  allotments: readonly PlannedAllotment[];
  /** False: everything was so already. */
  changed: boolean;
  /** Who would give way, in order of project, environment and number. */
  preempts: readonly PlannedVictim[];
}

/** A placed release that would give way. */
export interface PlannedVictim {
  project: string;
  environment: string;
  application: string;
  number: string;
  priority: number;
}

/** Answers when the plan expires, by the store's clock. */
export async function insertPlan(
  tx: Transaction,
  plan: StoredPlan & { author: string },
  validMs: Millis,
): Promise<Date> {
  const [row] = await tx.query<{ expires_at: Date }>(
    `INSERT INTO plans (tenant_id, project_id, environment_id, application_id, id, etag, digest, allotments, changed, author, expires_at, preempts)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp() + $11 * interval '1 ms', $12) RETURNING expires_at`,
    [
      plan.tenant,
      plan.project,
      plan.environment,
      plan.application,
      plan.id,
      plan.etag,
      plan.digest,
      JSON.stringify(plan.allotments),
      plan.changed,
      plan.author,
      validMs,
      JSON.stringify(plan.preempts),
    ],
  );
  if (row === undefined) throw new Error('a plan that was written is not there');
  return row.expires_at;
}

interface PlanRow {
  project_id: string;
  environment_id: string;
  application_id: string;
  etag: string;
  digest: string;
  allotments: PlannedAllotment[];
  preempts: PlannedVictim[];
  changed: boolean;
  expires_at: Date;
  expired: boolean;
}

/** Undefined when it is not there for this reader; plans that have expired are kept for a while. */
export async function readPlan(
  tx: Transaction,
  { tenant, id }: { tenant: string; id: string },
): Promise<(StoredPlan & { expiresAt: Date; expired: boolean }) | undefined> {
  const [row] = await tx.query<PlanRow>(
    `SELECT project_id, environment_id, application_id, etag, digest, allotments, preempts, changed, expires_at,
       expires_at <= clock_timestamp() AS expired
     FROM plans WHERE tenant_id = $1 AND id = $2`,
    [tenant, id],
  );
  if (row === undefined) return undefined;
  const { project_id: project, environment_id: environment, application_id: application, ...same } = row;
  const { etag, digest, allotments, preempts, changed, expired } = same;
  return {
    ...{ tenant, id, project, environment, application },
    ...{ etag, digest, allotments, preempts, changed, expired },
    expiresAt: row.expires_at,
  };
}
