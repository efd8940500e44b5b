import type { Resources } from '#domain';
import type { Transaction } from '../core/transaction.js';
import type { ApplicationKey } from './rows.js';

/** A project under lock: quota is arbitrated on these figures and no others. */
export interface LockedProject {
  /** Undefined is no limit. */
  quota: { mcpu: number | undefined; memoryBytes: number | undefined; pods: number | undefined };
  used: Resources;
}

/** Locks the project's row: the first in the order project, environment. Undefined when it is not there. */
export async function lockProject(
  tx: Transaction,
  key: { tenant: string; project: string },
): Promise<LockedProject | undefined> {
  const rows = await tx.query<Record<string, string | null>>(
    `SELECT quota_mcpu, quota_memory_bytes, quota_pods, used_mcpu, used_memory_bytes, used_pods
     FROM projects WHERE tenant_id = $1 AND id = $2 FOR UPDATE`,
    [key.tenant, key.project],
  );
  const amount = (value: string | null | undefined) =>
    value === null || value === undefined ? undefined : Number(value);
  return rows.map((row) => ({
    quota: {
      mcpu: amount(row.quota_mcpu),
      memoryBytes: amount(row.quota_memory_bytes),
      pods: amount(row.quota_pods),
    },
    used: { mcpu: Number(row.used_mcpu), memoryBytes: Number(row.used_memory_bytes), pods: Number(row.used_pods) },
  }))[0];
}

/** Locks the environment's row: numbers of releases are given under it. */
export async function lockEnvironment(
  tx: Transaction,
  key: { tenant: string; project: string; environment: string },
): Promise<{ configVersion: bigint; nextRelease: bigint } | undefined> {
  const rows = await tx.query<{ config_version: string; next_release: string }>(
    `SELECT config_version, next_release FROM environments
     WHERE tenant_id = $1 AND project_id = $2 AND id = $3 FOR UPDATE`,
    [key.tenant, key.project, key.environment],
  );
  return rows.map((row) => ({ configVersion: BigInt(row.config_version), nextRelease: BigInt(row.next_release) }))[0];
}

/** An application under lock, with what its latest revision is. */
export interface LockedApplication {
  uid: string;
  version: bigint;
  revision: bigint;
  digest: string;
  deleted: boolean;
}

export async function lockApplication(tx: Transaction, key: ApplicationKey): Promise<LockedApplication | undefined> {
  const rows = await tx.query<{
    uid: string;
    version: string;
    latest_revision: string;
    digest: string;
    deleted: boolean;
  }>(
    `SELECT a.uid, a.version, a.latest_revision, r.digest, a.deleted_at IS NOT NULL AS deleted
     FROM applications a
     JOIN revisions r ON r.tenant_id = a.tenant_id AND r.application_uid = a.uid AND r.number = a.latest_revision
     WHERE a.tenant_id = $1 AND a.project_id = $2 AND a.id = $3 FOR UPDATE OF a`,
    [key.tenant, key.project, key.application],
  );
  return rows.map((row) => ({
    uid: row.uid,
    version: BigInt(row.version),
    revision: BigInt(row.latest_revision),
    digest: row.digest,
    deleted: row.deleted,
  }))[0];
}

/** A release that asks or holds, with its charge. */
export interface ChargedRelease {
  environment: string;
  number: bigint;
  phase: 'waiting' | 'refused' | 'placed' | 'removing';
  revision: bigint;
  configVersion: bigint;
  charge: Resources;
  /** It asks, and works of what was placed before it are still on their way out. */
  leaving: boolean;
}

/** The releases of an application that ask or hold, in all environments, locked in order. */
export async function lockActiveReleases(
  tx: Transaction,
  key: { tenant: string; project: string; uid: string },
): Promise<ChargedRelease[]> {
  const rows = await tx.query<{
    environment_id: string;
    number: string;
    phase: ChargedRelease['phase'];
    revision: string;
    config_version: string;
    charged_mcpu: string;
    charged_memory_bytes: string;
    charged_pods: string;
    leaving: boolean;
  }>(
    `SELECT environment_id, number, phase, revision, config_version, charged_mcpu, charged_memory_bytes, charged_pods,
       phase IN ('waiting', 'refused') AND NOT EXISTS (SELECT FROM releases held
           WHERE held.tenant_id = l.tenant_id AND held.application_uid = l.application_uid AND held.project_id = l.project_id
             AND held.environment_id = l.environment_id AND held.phase IN ('placed', 'removing'))
         AND EXISTS (SELECT FROM works w WHERE w.tenant_id = l.tenant_id AND w.project_id = l.project_id
           AND w.environment_id = l.environment_id AND w.application_uid = l.application_uid) AS leaving
     FROM releases l WHERE tenant_id = $1 AND project_id = $2 AND application_uid = $3
       AND (phase IN ('waiting', 'refused') OR phase IN ('placed', 'removing'))
     ORDER BY environment_id, number FOR UPDATE`,
    [key.tenant, key.project, key.uid],
  );
  return rows.map((row) => ({
    environment: row.environment_id,
    number: BigInt(row.number),
    phase: row.phase,
    leaving: row.leaving,
    revision: BigInt(row.revision),
    configVersion: BigInt(row.config_version),
    charge: {
      mcpu: Number(row.charged_mcpu),
      memoryBytes: Number(row.charged_memory_bytes),
      pods: Number(row.charged_pods),
    },
  }));
}
