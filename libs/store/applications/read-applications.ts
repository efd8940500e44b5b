import type { ApplicationSpec } from '#domain';
import { staleFor } from '../agents/freshness.js';
import type { Reader } from '../core/reader.js';
import type { ActiveRelease, ApplicationKey, StoredApplication, StoredWork } from './rows.js';

const releaseFields = (alias: string) => `
  'environment', ${alias}.environment_id, 'number', ${alias}.number, 'revision', ${alias}.revision,
  'configVersion', ${alias}.config_version, 'author', ${alias}.author, 'phase', ${alias}.phase,
  'generation', ${alias}.generation, 'createdAt', ${alias}.created_at, 'deadline', ${alias}.deadline,
  'refusals', ${alias}.refusals`;

/** Only a release of an older revision brings the names of its components along: the latest spec is there anyway. */
const componentsOf = (alias: string) => `
  'components', CASE WHEN ${alias}.revision <> a.latest_revision THEN (
    SELECT json_agg(json_build_object('name', c->'name', 'replicas', c->'replicas'))
    FROM revisions v, jsonb_array_elements(v.spec->'components') c
    WHERE v.tenant_id = a.tenant_id AND v.application_uid = a.uid AND v.number = ${alias}.revision) END`;

const releasesWhere = (phases: string) => `
  SELECT json_build_object(${releaseFields('l')}, ${componentsOf('l')}) AS release FROM releases l
  WHERE l.tenant_id = a.tenant_id AND l.application_uid = a.uid AND l.project_id = a.project_id AND l.phase IN (${phases})`;

const statusFields = `
  'generation', s.generation, 'phase', s.phase,
  'replicas', json_build_object('desired', s.desired, 'updated', s.updated, 'ready', s.ready,
    'unavailable', s.unavailable, 'restarts', s.restarts),
  'reasons', s.reasons, 'objects', s.objects, 'reportedAt', s.reported_at`;

const works = `
  SELECT json_agg(json_build_object(
    'environment', w.environment_id, 'component', w.component, 'cluster', w.cluster_id, 'wanted', w.wanted,
    'generation', w.generation, 'replicas', p.replicas,
    'freshness', CASE WHEN g.lease_expires_at > clock_timestamp() AND (s.epoch IS NULL OR s.epoch = g.epoch) THEN 'fresh'
      WHEN g.lease_expires_at > clock_timestamp() - ${staleFor} THEN 'stale' ELSE 'unknown' END,
    'status', CASE WHEN s.work_id IS NOT NULL THEN json_build_object(${statusFields}) END
  ) ORDER BY w.environment_id, w.component, w.cluster_id)
  FROM works w
  LEFT JOIN cluster_agents g ON g.cluster_id = w.cluster_id
  LEFT JOIN work_status s ON s.work_id = w.id
  LEFT JOIN placements p ON p.tenant_id = w.tenant_id AND p.project_id = w.project_id
    AND p.environment_id = w.environment_id AND p.application_uid = w.application_uid
    AND p.component = w.component AND p.cluster_id = w.cluster_id
  WHERE w.tenant_id = a.tenant_id AND w.project_id = a.project_id AND w.application_uid = a.uid`;

/** One statement for one round trip: state is derived from rows that belong to one snapshot. */
const selectWith = (spec: string) => `
  SELECT a.tenant_id AS tenant, a.project_id AS project, a.id AS application, a.uid, a.version, a.latest_revision,
    a.created_at, a.updated_at, a.deleted_at, ${spec}, (SELECT id FROM incarnation) AS incarnation,
    (SELECT json_agg(release) FROM (
      ${releasesWhere(`'waiting', 'refused'`)} UNION ALL ${releasesWhere(`'placed', 'removing'`)}) active) AS releases,
    (${works}) AS works
  FROM applications a
  JOIN revisions r ON r.tenant_id = a.tenant_id AND r.application_uid = a.uid AND r.number = a.latest_revision`;

const select = selectWith('r.spec, NULL::integer AS spec_bytes');
/** Content that the reader still has is not sent again: a revision never changes. */
const selectUnknown = (known: string) =>
  selectWith(`CASE WHEN a.uid || ':' || a.latest_revision = ANY (${known}::text[]) THEN NULL ELSE r.spec END AS spec,
    pg_column_size(r.spec) AS spec_bytes`);

interface RawApplication extends ApplicationKey {
  uid: string;
  version: string;
  latest_revision: string;
  created_at: Date;
  updated_at: Date;
  deleted_at: Date | null;
  /** Null when the reader has it. */
  spec: ApplicationSpec | null;
  /** As stored. */
  spec_bytes: number | null;
  incarnation: string;
  releases: RawRelease[] | null;
  works: StoredWork[] | null;
}

type RawRelease = Omit<ActiveRelease, 'number' | 'revision' | 'configVersion' | 'generation' | 'components'> & {
  number: number;
  revision: number;
  configVersion: number;
  generation: number;
  components: ActiveRelease['components'] | null;
};

const rowOf = (raw: RawApplication, spec: ApplicationSpec): StoredApplication => ({
  tenant: raw.tenant,
  project: raw.project,
  application: raw.application,
  uid: raw.uid,
  version: BigInt(raw.version),
  revision: BigInt(raw.latest_revision),
  createdAt: raw.created_at,
  updatedAt: raw.updated_at,
  deletedAt: raw.deleted_at,
  spec,
  works: raw.works ?? [],
  releases: (raw.releases ?? []).map((release) => ({
    ...release,
    tenant: raw.tenant,
    project: raw.project,
    application: raw.application,
    incarnation: raw.incarnation,
    number: BigInt(release.number),
    revision: BigInt(release.revision),
    configVersion: BigInt(release.configVersion),
    generation: BigInt(release.generation),
    components: release.components ?? undefined,
  })),
});

function wholeRow(raw: RawApplication): StoredApplication {
  if (raw.spec === null) throw new Error(`revision ${raw.latest_revision} of application ${raw.uid} has no content`);
  return rowOf(raw, raw.spec);
}

/** Contents that a reader keeps. A revision is immutable: once read it stays true. */
export interface SpecMemory {
  /** What is kept of these applications, by `uid:revision`. */
  recall(of: {
    tenant: string;
    project: string;
    applications: readonly string[];
  }): ReadonlyMap<string, ApplicationSpec>;
  /** `bytes`: as stored. */
  keep(of: ApplicationKey, revision: string, spec: ApplicationSpec, bytes: number): void;
}

/** One application with its state; undefined when it is not there for this reader. */
export async function readApplication(read: Reader, key: ApplicationKey): Promise<StoredApplication | undefined> {
  const rows = await read<RawApplication>(`${select} WHERE a.tenant_id = $1 AND a.project_id = $2 AND a.id = $3`, [
    key.tenant,
    key.project,
    key.application,
  ]);
  return rows.map(wholeRow)[0];
}

/** The named applications of a project, those that are there for this reader. */
export async function readNamedApplications(
  read: Reader,
  of: { tenant: string; project: string; applications: readonly string[] },
  memory: SpecMemory,
): Promise<StoredApplication[]> {
  const kept = memory.recall(of);
  const rows = await read<RawApplication>(
    `${selectUnknown('$4')} WHERE a.tenant_id = $1 AND a.project_id = $2 AND a.id = ANY ($3::text[])`,
    [of.tenant, of.project, arrayLiteral(of.applications), arrayLiteral([...kept.keys()])],
  );
  return rows.map((raw) => {
    const revision = `${raw.uid}:${raw.latest_revision}`;
    if (raw.spec !== null) memory.keep(raw, revision, raw.spec, raw.spec_bytes ?? 0);
    const spec = raw.spec ?? kept.get(revision);
    return wholeRow({ ...raw, spec: spec ?? null });
  });
}

/** PostgreSQL's own notation of an array, each element quoted. */
const arrayLiteral = (texts: readonly string[]): string =>
  `{${texts.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;

/** Applications of a project in order of name, those after `after`. */
export async function readApplications(
  read: Reader,
  page: { tenant: string; project: string; after: string; limit: number },
): Promise<StoredApplication[]> {
  const rows = await read<RawApplication>(
    `${select} WHERE a.tenant_id = $1 AND a.project_id = $2 AND a.id > $3 ORDER BY a.id LIMIT $4`,
    [page.tenant, page.project, page.after, page.limit],
  );
  return rows.map(wholeRow);
}
