import { EntitySchema } from 'typeorm';
import type { ApplicationSpec, ReleasePhase } from '#domain';
import { big, integer, json, key, moment, optional, stamp, text, texts, uuid } from './columns.js';

export interface ApplicationRow {
  tenant: string;
  project: string;
  id: string;
  uid: string;
  /** The etag. */
  version: bigint;
  latestRevision: bigint;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}

export const applicationEntity = new EntitySchema<ApplicationRow>({
  name: 'Application',
  tableName: 'applications',
  columns: {
    tenant: text('tenant_id', key),
    project: text('project_id', key),
    id: text('id', key),
    uid: uuid('uid', { unique: true }),
    version: big('version', { default: 1 }),
    latestRevision: big('latest_revision', { default: 1 }),
    createdAt: stamp('created_at'),
    updatedAt: stamp('updated_at'),
    deletedAt: moment('deleted_at', optional),
  },
});

export interface RevisionRow {
  tenant: string;
  applicationUid: string;
  number: bigint;
  spec: ApplicationSpec;
  digest: string;
  author: string;
  createdAt: Date;
}

export const revisionEntity = new EntitySchema<RevisionRow>({
  name: 'Revision',
  tableName: 'revisions',
  columns: {
    tenant: text('tenant_id', key),
    applicationUid: uuid('application_uid', key),
    number: big('number', key),
    spec: json('spec'),
    digest: text('digest'),
    author: text('author'),
    createdAt: stamp('created_at'),
  },
});

export interface ReleaseRow {
  tenant: string;
  project: string;
  environment: string;
  number: bigint;
  applicationId: string;
  applicationUid: string;
  revision: bigint;
  configVersion: bigint;
  author: string;
  phase: ReleasePhase;
  generation: bigint;
  refusals: { reason: string; message: string; facts: Record<string, string> }[];
  wakeOn: string[];
  nodeLabelKeys: string[];
  priority: number;
  chargedMcpu: bigint;
  chargedMemoryBytes: bigint;
  chargedPods: bigint;
  deadline: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

export const releaseEntity = new EntitySchema<ReleaseRow>({
  name: 'Release',
  tableName: 'releases',
  columns: {
    tenant: text('tenant_id', key),
    project: text('project_id', key),
    environment: text('environment_id', key),
    number: big('number', key),
    applicationId: text('application_id'),
    applicationUid: uuid('application_uid'),
    revision: big('revision'),
    configVersion: big('config_version'),
    author: text('author'),
    phase: text('phase'),
    generation: big('generation', { default: 1 }),
    refusals: json('refusals', { default: [] }),
    wakeOn: texts('wake_on', { default: [] }),
    nodeLabelKeys: texts('node_label_keys', { default: [] }),
    priority: integer('priority', { default: 0 }),
    chargedMcpu: big('charged_mcpu', { default: 0 }),
    chargedMemoryBytes: big('charged_memory_bytes', { default: 0 }),
    chargedPods: big('charged_pods', { default: 0 }),
    deadline: moment('deadline', optional),
    createdAt: stamp('created_at'),
    updatedAt: stamp('updated_at'),
  },
});
