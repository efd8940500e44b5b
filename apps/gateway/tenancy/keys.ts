import { timestampDate } from '@bufbuild/protobuf/wkt';
import {
  apiKeyName,
  readOperatorKeyName,
  readProjectName,
  readTenantKeyName,
  readTenantName,
  roleFromWire,
  roleToWire,
  tenantOfName,
  wire,
} from '#contract';
import type { Ids } from '#domain';
import {
  type Clock,
  type FieldViolation,
  InvalidRequest,
  NotFound,
  PermissionDenied,
  type Principal,
  type Role,
} from '#domain';
import { readProject, revokeApiKey, type StoredApiKey, type Transaction } from '#store';
import { actorOf } from '../principal.js';
import { checkNames, type MadeKey, makeKey } from './making.js';

/** Whose keys are meant: a tenant's, or (undefined) operators', which are operators' own business. */
export function ownerOf(parent: string, principal: Principal): string | undefined {
  if (parent !== '') return readTenantName(parent, 'parent').tenant;
  checkOperator(principal, 'operators’ keys');
  return undefined;
}

function checkOperator(principal: Principal, on: string): void {
  if (principal.tenant !== undefined)
    throw new PermissionDenied({ permission: 'keys.write', principal: actorOf(principal), on });
}

/** Roles that a key of this owner may have. */
const rolesFor = (tenant: string | undefined): readonly Role[] =>
  tenant === undefined ? ['operator'] : ['viewer', 'developer', 'owner'];

/** What a new key is to be, checked. A key that is bound to a project makes keys bound to it and no others. */
export function readNewKey(request: wire.CreateApiKeyRequest, principal: Principal, clock: Clock) {
  const tenant = ownerOf(request.parent, principal);
  checkNames(undefined, request.displayName);
  const wrong: FieldViolation[] = [];
  const role: Role | undefined = roleFromWire[request.role];
  const allowed = rolesFor(tenant);
  if (role === undefined || !allowed.includes(role))
    wrong.push({
      field: 'role',
      description: `found ${role ?? 'nothing'}; allowed are ${allowed.map((each) => `${each} (${roleToWire[each]})`).join(', ')}`,
    });
  const project = request.project === '' ? undefined : readProjectName(request.project, 'project');
  if (project !== undefined && project.tenant !== tenant)
    wrong.push({
      field: 'project',
      description: `found "${request.project}"; allowed is a project of ${request.parent || 'a tenant'}`,
    });
  if (principal.project !== undefined && project?.project !== principal.project)
    wrong.push({
      field: 'project',
      description: `a key bound to project "${principal.project}" makes keys bound to it alone`,
    });
  const expiresAt = request.expireTime === undefined ? undefined : timestampDate(request.expireTime);
  if (expiresAt !== undefined && !(expiresAt.getTime() > clock.now()))
    wrong.push({ field: 'expire_time', description: 'is past; allowed is a time to come' });
  if (wrong.length > 0 || role === undefined) throw new InvalidRequest(wrong);
  return { tenant, project: project?.project, displayName: request.displayName, role, expiresAt };
}

export async function createKey(
  tx: Transaction,
  ids: Ids,
  of: ReturnType<typeof readNewKey>,
  actor: string,
): Promise<MadeKey> {
  const { tenant, project, role } = of;
  if (tenant !== undefined && project !== undefined) {
    const there = await readProject((sql, parameters) => tx.query(sql, parameters), { tenant, project });
    if (there === undefined) throw new NotFound({ kind: 'project', name: project });
  }
  const made = await makeKey(tx, ids, of);
  await tx.audit.append({
    tenant,
    actor,
    action: 'keys.create',
    target: apiKeyName(tenant, made.key.id),
    before: null,
    after: { role, project: project ?? null, expires: of.expiresAt?.toISOString() ?? null },
  });
  return made;
}

/** Ends a key, once: a repetition finds it ended. */
export async function endKey(
  tx: Transaction,
  name: string,
  principal: Principal,
): Promise<{ key: StoredApiKey; revoked: boolean }> {
  const tenant = tenantOfName(name);
  if (tenant === undefined) checkOperator(principal, name);
  const { key: id } = tenant === undefined ? readOperatorKeyName(name) : readTenantKeyName(name);
  const ended = await revokeApiKey(tx, { tenant, only: principal.project, id });
  if (ended === undefined) throw new NotFound({ kind: 'API key', name });
  if (!ended.revoked) return ended;
  await tx.audit.append({
    tenant,
    actor: actorOf(principal),
    action: 'keys.revoke',
    target: name,
    before: { revoked: false },
    after: { revoked: true },
  });
  await tx.outbox.append({ tenant, kind: 'key', resource: id });
  return ended;
}
