import type { ApplicationSpec } from '#domain';
import { freshness } from '../agents/freshness.js';
import type { Reader } from '../core/reader.js';
import type { ActiveRelease, ApplicationKey, StoredApplication, StoredWork } from './rows.js';

const releaseFields = (alias: string) => `
  'environment', ${alias}.environment_id, 'number', ${alias}.number, 'revision', ${alias}.revision,
  'configVersion', ${alias}.config_version, 'author', ${alias}.author, 'phase', ${alias}.phase,
  'generation', ${alias}.generation, 'createdAt', ${alias}.created_at, 'deadline', ${alias}.deadline,
  'priority', ${alias}.priority,
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
  'reasons', s.reasons, 'objects', s.objects, 'findings', s.findings, 'reportedAt', s.reported_at`;

const works = `
  SELECT json_agg(json_build_object(
    'environment', w.environment_id, 'component', w.component, 'cluster', w.cluster_id, 'wanted', w.wanted,
    'generation', w.generation, 'replicas', p.replicas,
    'freshness', ${freshness({ agent: 'g', status: 's' })},
    'status', CASE WHEN s.work_id IS NOT NULL THEN json_build_object(${statusFields}) END
  ) ORDER BY w.environment_id, w.component, w.cluster_id)
  FROM works w
  LEFT JOIN cluster_agents g ON g.cluster_id = w.cluster_id
  LEFT JOIN work_status s ON s.work_id = w.id
  LEFT JOIN placements p ON p.tenant_id = w.tenant_id AND p.project_id = w.project_id
    AND p.environment_id = w.environment_id AND p.application_uid = w.application_uid
    AND p.component = w.component AND p.cluster_id = w.cluster_id
  WHERE w.tenant_id = a.tenant_id AND w.project_id = a.project_id AND w.application_uid = a.uid`;

const releasesAndWorks = `
    'incarnation', (SELECT id FROM incarnation),
    'releases', (SELECT json_agg(release) FROM (
      ${releasesWhere(`'waiting', 'refused'`)} UNION ALL ${releasesWhere(`'placed', 'removing'`)}) active),
    'works', (${works})`;

/** Everything that an answer is made of, besides the content: equal text, equal answer. */
const facts = `json_build_object(
    'tenant', a.tenant_id, 'project', a.project_id, 'application', a.id, 'uid', a.uid, 'version', a.version,
    'revision', a.latest_revision, 'createdAt', a.created_at, 'updatedAt', a.updated_at, 'deletedAt', a.deleted_at,
    ${releasesAndWorks})`;

const content = `JOIN revisions r ON r.tenant_id = a.tenant_id AND r.application_uid = a.uid AND r.number = a.latest_revision`;

/** One statement for one round trip: state is derived from rows that belong to one snapshot. */
const select = `SELECT ${facts} AS facts, r.spec FROM applications a ${content}`;

interface RawApplication {
  facts: RawFacts;
  spec: ApplicationSpec;
}

interface RawFacts extends ApplicationKey {
  uid: string;
  version: number;
  revision: number;
  createdAt: string;
  updatedAt: string;
  deletedAt: string | null;
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

const rowOf = ({ facts: { incarnation, works: held, releases, ...raw }, spec }: RawApplication): StoredApplication => ({
  ...raw,
  version: BigInt(raw.version),
  revision: BigInt(raw.revision),
  createdAt: new Date(raw.createdAt),
  updatedAt: new Date(raw.updatedAt),
  deletedAt: raw.deletedAt === null ? null : new Date(raw.deletedAt),
  spec,
  works: held ?? [],
  releases: (releases ?? []).map((release) => ({
    ...release,
    tenant: raw.tenant,
    project: raw.project,
    application: raw.application,
    incarnation,
    number: BigInt(release.number),
    revision: BigInt(release.revision),
    configVersion: BigInt(release.configVersion),
    generation: BigInt(release.generation),
    components: release.components ?? undefined,
  })),
});

/** One application with its state; undefined when it is not there for this reader. */
export async function readApplication(read: Reader, key: ApplicationKey): Promise<StoredApplication | undefined> {
  const rows = await read<RawApplication>(`${select} WHERE a.tenant_id = $1 AND a.project_id = $2 AND a.id = $3`, [
    key.tenant,
    key.project,
    key.application,
  ]);
  return rows.map(rowOf)[0];
}

/** An application that is there for this reader; `stored` is left out when the reader knows it by its digest. */
export interface NamedApplication {
  application: string;
  /** SHA-256 of everything that the answer depends on: equal digest, equal answer. */
  digest: string;
  stored: StoredApplication | undefined;
}

const selectNamed = `
  SELECT application, digest, CASE WHEN is_known THEN NULL ELSE facts END AS facts, CASE WHEN is_known THEN NULL ELSE spec END AS spec
  FROM (SELECT *, digest = ANY ($4::text[]) AS is_known FROM (
    SELECT *, encode(sha256(convert_to(facts::text, 'UTF8')), 'hex') AS digest FROM (
      SELECT a.id AS application, ${facts} AS facts, r.spec FROM applications a ${content}
      WHERE a.tenant_id = $1 AND a.project_id = $2 AND a.id = ANY ($3::text[]) OFFSET 0) found OFFSET 0) digested) named`;

/** The named applications of a project, those that are there for this reader. What it knows by digest is not sent. */
export async function readNamedApplications(
  read: Reader,
  of: { tenant: string; project: string; applications: readonly string[] },
  known: readonly string[],
): Promise<NamedApplication[]> {
  const rows = await read<{ application: string; digest: string } & (RawApplication | { facts: null; spec: null })>(
    selectNamed,
    [of.tenant, of.project, arrayLiteral(of.applications), arrayLiteral(known)],
  );
  return rows.map(({ application, digest, ...raw }) => ({
    application,
    digest,
    stored: raw.facts === null ? undefined : rowOf(raw),
  }));
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
  return rows.map(rowOf);
}
