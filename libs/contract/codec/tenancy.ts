import { create } from '@bufbuild/protobuf';
import {
  type FieldViolation,
  formatBytes,
  formatMcpu,
  InvalidQuantity,
  InvalidRequest,
  parseBytes,
  parseMcpu,
  type Role,
} from '#domain';
import * as wire from '../wire.js';
import { roleToWire } from './enums.js';
import { apiKeyName, environmentName, projectName, tenantName } from './names.js';
import { defined } from './optional.js';
import { type StoredTime, timestampIfAny, timestampOf } from './time.js';

/** What a project may use; undefined is no limit. */
export interface QuotaLimits {
  mcpu: number | undefined;
  memoryBytes: number | undefined;
  pods: number | undefined;
}

export interface ProjectView {
  tenant: string;
  id: string;
  displayName: string;
  createdAt: StoredTime;
  quota: QuotaLimits;
  used: { mcpu: number; memoryBytes: number; pods: number };
}

export interface ApiKeyView {
  id: string;
  tenant: string | undefined;
  project: string | undefined;
  displayName: string;
  role: Role;
  createdAt: StoredTime;
  expiresAt: StoredTime | null;
  revokedAt: StoredTime | null;
}

export const tenantToWire = (view: {
  id: string;
  displayName: string;
  createdAt: StoredTime;
  weight: number;
}): wire.Tenant =>
  create(wire.TenantSchema, {
    name: tenantName(view.id),
    displayName: view.displayName,
    createTime: timestampOf(view.createdAt),
    weight: view.weight,
  });

const quotaToWire = (quota: QuotaLimits): wire.Quota =>
  create(wire.QuotaSchema, {
    cpu: quota.mcpu === undefined ? '' : formatMcpu(quota.mcpu),
    memory: quota.memoryBytes === undefined ? '' : formatBytes(quota.memoryBytes),
    ...defined({ pods: quota.pods === undefined ? undefined : BigInt(quota.pods) }),
  });

/** @throws InvalidRequest naming each wrong amount. */
export function quotaFromWire(from: wire.Quota | undefined, path = 'quota'): QuotaLimits {
  if (from === undefined) throw new InvalidRequest([{ field: path, description: 'found nothing; a quota is needed' }]);
  const wrong: FieldViolation[] = [];
  const amount = (text: string, parse: (text: string) => number, field: string): number | undefined => {
    if (text === '') return undefined;
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof InvalidQuantity)) throw error;
      wrong.push({ field: `${path}.${field}`, description: error.message });
      return undefined;
    }
  };
  const { pods } = from;
  if (pods !== undefined && (pods < 0n || pods > BigInt(Number.MAX_SAFE_INTEGER)))
    wrong.push({ field: `${path}.pods`, description: `found ${pods}; must be 0 to ${Number.MAX_SAFE_INTEGER}` });
  const limits = {
    mcpu: amount(from.cpu, parseMcpu, 'cpu'),
    memoryBytes: amount(from.memory, parseBytes, 'memory'),
    pods: pods === undefined ? undefined : Number(pods),
  };
  if (wrong.length > 0) throw new InvalidRequest(wrong);
  return limits;
}

export const projectToWire = (view: ProjectView): wire.Project =>
  create(wire.ProjectSchema, {
    name: projectName(view.tenant, view.id),
    displayName: view.displayName,
    createTime: timestampOf(view.createdAt),
    quota: quotaToWire(view.quota),
    used: quotaToWire(view.used),
  });

export const environmentToWire = (view: {
  tenant: string;
  project: string;
  id: string;
  displayName: string;
  namespace: string;
  createdAt: StoredTime;
}): wire.Environment =>
  create(wire.EnvironmentSchema, {
    name: environmentName(view.tenant, view.project, view.id),
    displayName: view.displayName,
    namespace: view.namespace,
    createTime: timestampOf(view.createdAt),
  });

export const apiKeyToWire = (view: ApiKeyView): wire.ApiKey =>
  create(wire.ApiKeySchema, {
    name: apiKeyName(view.tenant, view.id),
    displayName: view.displayName,
    role: roleToWire[view.role],
    project: view.project === undefined || view.tenant === undefined ? '' : projectName(view.tenant, view.project),
    createTime: timestampOf(view.createdAt),
    ...defined({ expireTime: timestampIfAny(view.expiresAt), revokeTime: timestampIfAny(view.revokedAt) }),
  });
