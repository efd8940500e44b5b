import type { ApplicationSpec, ReleasePhase } from '#domain';
import type { Reader } from '../core/reader.js';
import type { ApplicationKey, StoredRelease, StoredRevision } from './rows.js';

interface RawRevision {
  number: string;
  spec: ApplicationSpec;
  digest: string;
  author: string;
  created_at: Date;
}

/** Revisions with a number up to `from`, newest first; all when `from` is undefined. */
export async function readRevisions(
  read: Reader,
  key: ApplicationKey,
  page: { from: bigint | undefined; limit: number },
): Promise<StoredRevision[]> {
  const rows = await read<RawRevision>(
    `SELECT r.number, r.spec, r.digest, r.author, r.created_at
     FROM revisions r JOIN applications a ON a.tenant_id = r.tenant_id AND a.uid = r.application_uid
     WHERE a.tenant_id = $1 AND a.project_id = $2 AND a.id = $3 AND ($4::bigint IS NULL OR r.number <= $4)
     ORDER BY r.number DESC LIMIT $5`,
    [key.tenant, key.project, key.application, page.from?.toString() ?? null, page.limit],
  );
  return rows.map((row) => ({
    ...key,
    number: BigInt(row.number),
    spec: row.spec,
    digest: row.digest,
    author: row.author,
    createdAt: row.created_at,
  }));
}

interface RawRelease {
  number: string;
  application_id: string;
  revision: string;
  config_version: string;
  author: string;
  phase: ReleasePhase;
  generation: string;
  created_at: Date;
  deadline: Date | null;
  priority: number;
  incarnation: string;
}

export interface EnvironmentKey {
  tenant: string;
  project: string;
  environment: string;
}

/** An environment's releases with a number up to `from`, newest first. */
export async function readReleases(
  read: Reader,
  key: EnvironmentKey,
  page: { from: bigint | undefined; limit: number },
): Promise<StoredRelease[]> {
  const rows = await read<RawRelease>(
    `SELECT number, application_id, revision, config_version, author, phase, generation, created_at, deadline, priority,
       (SELECT id FROM incarnation) AS incarnation
     FROM releases
     WHERE tenant_id = $1 AND project_id = $2 AND environment_id = $3 AND ($4::bigint IS NULL OR number <= $4)
     ORDER BY number DESC LIMIT $5`,
    [key.tenant, key.project, key.environment, page.from?.toString() ?? null, page.limit],
  );
  return rows.map((row) => ({
    ...key,
    number: BigInt(row.number),
    application: row.application_id,
    revision: BigInt(row.revision),
    configVersion: BigInt(row.config_version),
    author: row.author,
    phase: row.phase,
    generation: BigInt(row.generation),
    incarnation: row.incarnation,
    createdAt: row.created_at,
    deadline: row.deadline,
    priority: row.priority,
  }));
}

/** A decision as it is stored: `record` is packed by the engine. */
export interface StoredDecision {
  id: string;
  release: bigint;
  placed: boolean;
  /** Its release's. */
  priority: number;
  record: Buffer;
  createdAt: Date;
  incarnation: string;
}

/** The newest decision about an application in an environment. */
export async function readDecision(
  read: Reader,
  key: ApplicationKey & { environment: string },
): Promise<StoredDecision | undefined> {
  const rows = await read<{
    id: string;
    release_number: string;
    placed: boolean;
    priority: number;
    record: Buffer;
    created_at: Date;
    incarnation: string;
  }>(
    `SELECT d.id, d.release_number, d.placed, l.priority, d.record, d.created_at, (SELECT id FROM incarnation) AS incarnation
     FROM decisions d
     JOIN releases l ON l.tenant_id = d.tenant_id AND l.project_id = d.project_id
       AND l.environment_id = d.environment_id AND l.number = d.release_number
     JOIN applications a ON a.tenant_id = l.tenant_id AND a.uid = l.application_uid
     WHERE d.tenant_id = $1 AND d.project_id = $2 AND d.environment_id = $4 AND a.id = $3 AND a.project_id = $2
     ORDER BY d.release_number DESC, d.created_at DESC LIMIT 1`,
    [key.tenant, key.project, key.application, key.environment],
  );
  return rows.map((row) => ({
    id: row.id,
    release: BigInt(row.release_number),
    placed: row.placed,
    priority: row.priority,
    record: row.record,
    createdAt: row.created_at,
    incarnation: row.incarnation,
  }))[0];
}

/** The other side of a preemption. */
export interface StoredPreemption {
  project: string;
  environment: string;
  application: string;
  release: bigint;
  priority: number;
  createdAt: Date;
}

interface PreemptionRow {
  project_id: string;
  environment_id: string;
  release_number: string;
  application_id: string;
  priority: number;
  created_at: Date;
}

const preemptionOf = (row: PreemptionRow): StoredPreemption => ({
  project: row.project_id,
  environment: row.environment_id,
  application: row.application_id,
  release: BigInt(row.release_number),
  priority: row.priority,
  createdAt: row.created_at,
});

/** Who gave way so that a release has a place, and to whom its application gave way last. */
export async function readPreemptions(
  read: Reader,
  of: ApplicationKey & { environment: string; release: bigint },
): Promise<{ preempted: StoredPreemption[]; by: StoredPreemption | undefined }> {
  const key = [of.tenant, of.project, of.environment, of.release.toString()];
  const preempted = await read<PreemptionRow>(
    `SELECT project_id, environment_id, release_number, application_id, priority, created_at FROM preemptions
     WHERE tenant_id = $1 AND for_project_id = $2 AND for_environment_id = $3 AND for_release_number = $4
     ORDER BY created_at, project_id, environment_id, release_number LIMIT 100`,
    key,
  );
  const by = await read<PreemptionRow>(
    `SELECT for_project_id AS project_id, for_environment_id AS environment_id, for_release_number AS release_number,
       for_application_id AS application_id, for_priority AS priority, created_at FROM preemptions
     WHERE tenant_id = $1 AND project_id = $2 AND environment_id = $3 AND application_id = $4
     ORDER BY created_at DESC LIMIT 1`,
    [of.tenant, of.project, of.environment, of.application],
  );
  return { preempted: preempted.map(preemptionOf), by: by.map(preemptionOf)[0] };
}
