import { environmentName, projectName, tenantName } from '#contract';
import { AlreadyExists, dnsLabel, type FieldViolation, type Ids, InvalidRequest, type Role } from '#domain';
import {
  insertApiKey,
  insertEnvironment,
  insertProject,
  insertTenant,
  type StoredApiKey,
  type StoredEnvironment,
  type StoredProject,
  type StoredTenant,
  type Transaction,
} from '#store';
import { type ApiKeyText, apiKeyText, hashOf, newApiKey } from '../auth/api-key.js';

const longestDisplayName = 200;

/** @throws InvalidRequest naming the id or display name that is not allowed. */
export function checkNames(id: { field: string; value: string } | undefined, displayName: string): void {
  const wrong: FieldViolation[] = [];
  if (id !== undefined && !dnsLabel.test(id.value))
    wrong.push({
      field: id.field,
      description: `found "${id.value.slice(0, 80)}"; allowed are 1 to 63 of a-z, 0-9 and "-", starting and ending alphanumeric`,
    });
  if (displayName.length > longestDisplayName)
    wrong.push({
      field: 'display_name',
      description: `is ${displayName.length} characters; at most ${longestDisplayName}`,
    });
  if (wrong.length > 0) throw new InvalidRequest(wrong);
}

export async function makeTenant(tx: Transaction, of: { id: string; displayName: string }): Promise<StoredTenant> {
  const tenant = await insertTenant(tx, of);
  if (tenant === undefined) throw new AlreadyExists({ kind: 'tenant', name: tenantName(of.id) });
  return tenant;
}

/** Makes an environment with a namespace of its own: its name says nothing and fits everywhere. */
export async function makeEnvironment(
  tx: Transaction,
  ids: Ids,
  of: { tenant: string; project: string; id: string; displayName: string },
): Promise<StoredEnvironment> {
  const environment = await insertEnvironment(tx, { ...of, namespace: `berth-${ids.shortId(8)}` });
  if (environment === undefined)
    throw new AlreadyExists({ kind: 'environment', name: environmentName(of.tenant, of.project, of.id) });
  return environment;
}

/** Makes a project with a `default` environment. */
export async function makeProject(
  tx: Transaction,
  ids: Ids,
  of: { tenant: string; id: string; displayName: string },
): Promise<StoredProject> {
  const project = await insertProject(tx, of);
  if (project === undefined) throw new AlreadyExists({ kind: 'project', name: projectName(of.tenant, of.id) });
  await makeEnvironment(tx, ids, { tenant: of.tenant, project: of.id, id: 'default', displayName: '' });
  return project;
}

export interface MadeKey {
  key: StoredApiKey;
  /** The whole text, to be shown once. */
  text: string;
}

/** Makes a key; `given` brings one of its own, for the first keys of a store. */
export async function makeKey(
  tx: Transaction,
  ids: Ids,
  of: {
    tenant: string | undefined;
    project: string | undefined;
    displayName: string;
    role: Role;
    expiresAt: Date | undefined;
  },
  given: ApiKeyText = newApiKey(ids),
): Promise<MadeKey> {
  const key = await insertApiKey(tx, { ...of, id: given.keyId, secretHash: hashOf(given.secret) });
  return { key, text: apiKeyText(given) };
}
