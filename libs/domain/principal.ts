import type { ProjectId, TenantId } from './identity.js';

/** Roles in rising order within a tenant; `operator` stands beside them and owns the fleet. */
export type Role = 'viewer' | 'developer' | 'owner' | 'operator';

/** Who calls: the key it came with, and what that key may do. */
export interface Principal {
  /** The API key's id: what the audit names. */
  keyId: string;
  role: Role;
  /** Undefined only for operators. */
  tenant: TenantId | undefined;
  /** A key may be bound to one project. */
  project: ProjectId | undefined;
}

export const permissions = [
  'applications.read',
  'applications.write',
  'tenancy.read',
  'tenancy.write',
  'keys.write',
  'clusters.read',
  'clusters.write',
  'tenants.write',
  'operations.read',
  'workloads.logs',
  'workloads.exec',
  'workloads.forward',
] as const;
export type Permission = (typeof permissions)[number];

const viewer: readonly Permission[] = ['applications.read', 'tenancy.read', 'operations.read', 'workloads.logs'];
const developer: readonly Permission[] = [...viewer, 'applications.write', 'workloads.exec', 'workloads.forward'];
const owner: readonly Permission[] = [...developer, 'tenancy.write', 'keys.write'];

/** Operators own the fleet and make tenants; they read no application. */
export const grants: Readonly<Record<Role, readonly Permission[]>> = {
  viewer,
  developer,
  owner,
  operator: [
    'clusters.read',
    'clusters.write',
    'tenants.write',
    'tenancy.read',
    'tenancy.write',
    'keys.write',
    'operations.read',
  ],
};

const roles = ['viewer', 'developer', 'owner', 'operator'] as const satisfies readonly Role[];

/** In rising order. */
export const rolesWith = (permission: Permission): Role[] => roles.filter((role) => grants[role].includes(permission));

export const may = (principal: Principal, permission: Permission): boolean =>
  grants[principal.role].includes(permission);
