import type { wire } from '#contract';
import { age, idOf, until } from './figures.js';
import type { Look } from './look.js';
import { roleWord } from './phases.js';
import { table } from './table.js';

export const tenantTable = (tenants: readonly wire.Tenant[], look: Look): string[] =>
  tenants.length === 0
    ? ['no tenants']
    : table(
        ['TENANT', 'CALLED', 'WEIGHT', 'AGE'],
        tenants.map((tenant) => [
          idOf(tenant.name),
          tenant.displayName || '-',
          String(tenant.weight),
          age(tenant.createTime, look.now),
        ]),
        look.palette,
      );

const ofQuota = (used: string | undefined, limit: string | undefined): string => `${used || '0'}/${limit || '∞'}`;

export function projectTable(projects: readonly wire.Project[], look: Look): string[] {
  if (projects.length === 0) return ['no projects'];
  const rows = projects.map(({ name, quota, used, createTime }) => [
    idOf(name),
    ofQuota(used?.cpu, quota?.cpu),
    ofQuota(used?.memory, quota?.memory),
    ofQuota(used?.pods?.toString(), quota?.pods?.toString()),
    age(createTime, look.now),
  ]);
  return table(['PROJECT', 'CPU', 'MEMORY', 'PODS', 'AGE'], rows, look.palette);
}

export const environmentTable = (environments: readonly wire.Environment[], look: Look): string[] =>
  environments.length === 0
    ? ['no environments']
    : table(
        ['ENVIRONMENT', 'NAMESPACE', 'AGE'],
        environments.map(({ name, namespace, createTime }) => [idOf(name), namespace, age(createTime, look.now)]),
        look.palette,
      );

const endOf = (key: wire.ApiKey, look: Look): string =>
  key.revokeTime === undefined ? until(key.expireTime, look.now) : look.palette.red('revoked');

export function keyTable(keys: readonly wire.ApiKey[], look: Look): string[] {
  if (keys.length === 0) return ['no keys'];
  const rows = keys.map((key) => [
    idOf(key.name),
    roleWord(key.role),
    key.project === '' ? '-' : idOf(key.project),
    key.displayName || '-',
    endOf(key, look),
    age(key.createTime, look.now),
  ]);
  return table(['KEY', 'ROLE', 'PROJECT', 'CALLED', 'ENDS', 'AGE'], rows, look.palette);
}

export function operationTable(operations: readonly wire.Operation[], look: Look): string[] {
  if (operations.length === 0) return ['no operations'];
  const rows = operations.map((operation) => [
    idOf(operation.name),
    operation.kind,
    idOf(operation.target),
    operation.error !== undefined
      ? look.palette.red('failed')
      : operation.done
        ? look.palette.green('done')
        : look.palette.yellow('running'),
    `${operation.completedSteps}/${operation.totalSteps}`,
    operation.error?.message || operation.message || '-',
    age(operation.createTime, look.now),
  ]);
  return table(['OPERATION', 'KIND', 'TARGET', 'STATE', 'STEPS', 'MESSAGE', 'AGE'], rows, look.palette);
}
