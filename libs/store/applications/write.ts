import type { ApplicationSpec, Resources } from '#domain';
import type { Transaction } from '../core/transaction.js';
import type { ApplicationKey } from './rows.js';

/** Makes an application's row with its first revision's number. */
export async function insertApplication(tx: Transaction, key: ApplicationKey & { uid: string }): Promise<void> {
  await tx.query(`INSERT INTO applications (tenant_id, project_id, id, uid) VALUES ($1, $2, $3, $4)`, [
    key.tenant,
    key.project,
    key.application,
    key.uid,
  ]);
}

/** Records an accepted change: a new version, and the number of the revision that is the latest now. */
export async function bumpApplication(
  tx: Transaction,
  change: { tenant: string; uid: string; revision: bigint },
): Promise<void> {
  await tx.query(
    `UPDATE applications SET version = version + 1, latest_revision = $3, updated_at = clock_timestamp()
     WHERE tenant_id = $1 AND uid = $2`,
    [change.tenant, change.uid, change.revision.toString()],
  );
}

export async function insertRevision(
  tx: Transaction,
  revision: { tenant: string; uid: string; number: bigint; spec: ApplicationSpec; digest: string; author: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO revisions (tenant_id, application_uid, number, spec, digest, author) VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      revision.tenant,
      revision.uid,
      revision.number.toString(),
      JSON.stringify(revision.spec),
      revision.digest,
      revision.author,
    ],
  );
}

export interface NewRelease extends ApplicationKey {
  environment: string;
  uid: string;
  number: bigint;
  revision: bigint;
  configVersion: bigint;
  author: string;
  charge: Resources;
  priority: number;
  /** In the required node selectors of its components. */
  nodeLabelKeys: readonly string[];
  /** By when it must have been decided, from now. */
  deadlineMs: number;
}

/** Makes a waiting release and gives the environment's next number away. The environment is locked. */
export async function insertRelease(tx: Transaction, release: NewRelease): Promise<void> {
  await tx.query(
    `WITH numbered AS (
       UPDATE environments SET next_release = $4::bigint + 1 WHERE tenant_id = $1 AND project_id = $2 AND id = $3)
     INSERT INTO releases (tenant_id, project_id, environment_id, number, application_id, application_uid, revision,
       config_version, author, phase, charged_mcpu, charged_memory_bytes, charged_pods, deadline,
       node_label_keys, priority)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', $10, $11, $12, clock_timestamp() + $13 * interval '1 ms', $14, $15)`,
    [
      release.tenant,
      release.project,
      release.environment,
      release.number.toString(),
      release.application,
      release.uid,
      release.revision.toString(),
      release.configVersion.toString(),
      release.author,
      release.charge.mcpu,
      release.charge.memoryBytes,
      release.charge.pods,
      release.deadlineMs,
      release.nodeLabelKeys,
      release.priority,
    ],
  );
}

/**
 * Ends releases that asked and never held anything, or begins to take away those that hold. What ends keeps no charge:
 * it is given back once, by whoever zeroes it.
 */
export async function moveReleases(
  tx: Transaction,
  releases: { tenant: string; project: string; environment: string; numbers: readonly bigint[] },
  to: { phase: 'superseded' | 'removing' | 'removed'; deadlineMs: number | undefined },
): Promise<void> {
  const keepsCharge = to.phase === 'removing';
  await tx.query(
    `UPDATE releases SET phase = $5, generation = generation + 1, updated_at = clock_timestamp(), wake_on = '{}',
       deadline = clock_timestamp() + $6::float8 * interval '1 ms',
       charged_mcpu = CASE WHEN $7 THEN charged_mcpu ELSE 0 END,
       charged_memory_bytes = CASE WHEN $7 THEN charged_memory_bytes ELSE 0 END,
       charged_pods = CASE WHEN $7 THEN charged_pods ELSE 0 END
     WHERE tenant_id = $1 AND project_id = $2 AND environment_id = $3 AND number = ANY($4::bigint[])`,
    [
      releases.tenant,
      releases.project,
      releases.environment,
      releases.numbers.map(String),
      to.phase,
      to.deadlineMs ?? null,
      keepsCharge,
    ],
  );
}

/** Adds to what the project is charged; negative amounts give back. The project is locked. */
export async function chargeProject(
  tx: Transaction,
  key: { tenant: string; project: string },
  by: Resources,
): Promise<void> {
  await tx.query(
    `UPDATE projects SET used_mcpu = used_mcpu + $3, used_memory_bytes = used_memory_bytes + $4, used_pods = used_pods + $5
     WHERE tenant_id = $1 AND id = $2`,
    [key.tenant, key.project, by.mcpu, by.memoryBytes, by.pods],
  );
}

/** An object's name that another application of the environment already has. */
export interface ClaimConflict {
  kind: string;
  name: string;
  /** Id of the application that has it. */
  owner: string;
}

/**
 * Claims object names in an environment; answers those that belong to another application. The environment is locked,
 * so that nobody claims in between.
 */
export async function claimObjects(
  tx: Transaction,
  claim: {
    tenant: string;
    project: string;
    environment: string;
    uid: string;
    objects: readonly { kind: string; name: string }[];
  },
): Promise<ClaimConflict[]> {
  return await tx.query<ClaimConflict>(
    `WITH named AS (SELECT * FROM unnest($5::text[], $6::text[]) AS o (kind, name)),
     claimed AS (
       INSERT INTO object_claims (tenant_id, project_id, environment_id, kind, name, application_uid)
       SELECT $1, $2, $3, kind, name, $4::uuid FROM named ON CONFLICT DO NOTHING)
     SELECT c.kind, c.name, a.id AS owner
     FROM object_claims c
     JOIN named USING (kind, name)
     JOIN applications a ON a.tenant_id = c.tenant_id AND a.uid = c.application_uid
     WHERE c.tenant_id = $1 AND c.project_id = $2 AND c.environment_id = $3 AND c.application_uid <> $4::uuid
     ORDER BY c.kind, c.name`,
    [
      claim.tenant,
      claim.project,
      claim.environment,
      claim.uid,
      claim.objects.map(({ kind }) => kind),
      claim.objects.map(({ name }) => name),
    ],
  );
}

/** Marks an application as being deleted. */
export async function markDeleted(tx: Transaction, key: { tenant: string; uid: string }): Promise<void> {
  await tx.query(
    `UPDATE applications SET deleted_at = clock_timestamp(), updated_at = clock_timestamp(), version = version + 1
     WHERE tenant_id = $1 AND uid = $2`,
    [key.tenant, key.uid],
  );
}

/** Takes an application that holds nothing anywhere; its revisions and claims go with it. */
export async function deleteApplicationRow(tx: Transaction, key: { tenant: string; uid: string }): Promise<void> {
  await tx.query(`DELETE FROM applications WHERE tenant_id = $1 AND uid = $2`, [key.tenant, key.uid]);
}
