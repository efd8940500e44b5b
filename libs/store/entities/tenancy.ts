import { EntitySchema } from 'typeorm';
import type { Role } from '#domain';
import { big, bytes, integer, key, moment, optional, stamp, text } from './columns.js';

export interface TenantRow {
  id: string;
  displayName: string;
  createdAt: Date;
  weight: number;
}

export const tenantEntity = new EntitySchema<TenantRow>({
  name: 'Tenant',
  tableName: 'tenants',
  columns: {
    id: text('id', key),
    displayName: text('display_name', { default: '' }),
    createdAt: stamp('created_at'),
    weight: integer('weight', { default: 1 }),
  },
});

/** Amounts in thousandths of a core, bytes, pods; a null quota is no limit. */
export interface ProjectRow {
  tenant: string;
  id: string;
  displayName: string;
  quotaMcpu: bigint | null;
  quotaMemoryBytes: bigint | null;
  quotaPods: bigint | null;
  usedMcpu: bigint;
  usedMemoryBytes: bigint;
  usedPods: bigint;
  createdAt: Date;
}

export const projectEntity = new EntitySchema<ProjectRow>({
  name: 'Project',
  tableName: 'projects',
  columns: {
    tenant: text('tenant_id', key),
    id: text('id', key),
    displayName: text('display_name', { default: '' }),
    quotaMcpu: big('quota_mcpu', optional),
    quotaMemoryBytes: big('quota_memory_bytes', optional),
    quotaPods: big('quota_pods', optional),
    usedMcpu: big('used_mcpu', { default: 0 }),
    usedMemoryBytes: big('used_memory_bytes', { default: 0 }),
    usedPods: big('used_pods', { default: 0 }),
    createdAt: stamp('created_at'),
  },
});

export interface EnvironmentRow {
  tenant: string;
  project: string;
  id: string;
  displayName: string;
  namespace: string;
  configVersion: bigint;
  nextRelease: bigint;
  createdAt: Date;
}

export const environmentEntity = new EntitySchema<EnvironmentRow>({
  name: 'Environment',
  tableName: 'environments',
  columns: {
    tenant: text('tenant_id', key),
    project: text('project_id', key),
    id: text('id', key),
    displayName: text('display_name', { default: '' }),
    namespace: text('namespace', { unique: true }),
    configVersion: big('config_version', { default: 1 }),
    nextRelease: big('next_release', { default: 1 }),
    createdAt: stamp('created_at'),
  },
});

/** The secret itself is nowhere: only its SHA-256. */
export interface ApiKeyRow {
  id: string;
  tenant: string | null;
  project: string | null;
  displayName: string;
  role: Role;
  secretHash: Buffer;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
}

export const apiKeyEntity = new EntitySchema<ApiKeyRow>({
  name: 'ApiKey',
  tableName: 'api_keys',
  columns: {
    id: text('id', key),
    tenant: text('tenant_id', optional),
    project: text('project_id', optional),
    displayName: text('display_name', { default: '' }),
    role: text('role'),
    secretHash: bytes('secret_hash'),
    createdAt: stamp('created_at'),
    expiresAt: moment('expires_at', optional),
    revokedAt: moment('revoked_at', optional),
  },
});
