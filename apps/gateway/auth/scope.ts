import type { DescMethod, Message } from '@bufbuild/protobuf';
import { projectOfName, tenantOfName } from '#contract';
import { PermissionDenied, type Principal } from '#domain';
import { actorOf } from '../principal.js';
import { permissionOf } from './permissions.js';

/** Fields by which requests name resources. */
const namingFields = ['name', 'parent', 'project'] as const;

/** What a key that is bound to a project may still read of its tenant; the answers hold its own project only. */
const readableWhenBound: ReadonlySet<string> = new Set(['tenancy.read', 'operations.read', 'keys.write']);

function namesIn(request: Message): string[] {
  const values: unknown[] = namingFields.map((field) => Reflect.get(request, field));
  return values.filter((value): value is string => typeof value === 'string' && value !== '');
}

/**
 * Refuses a request that names anything of another tenant, or of another project than the key is bound to, before
 * anything is looked up: the answer is the same whether or not the thing exists.
 */
export function checkScope(request: Message, call: { method: DescMethod; principal: Principal }): void {
  const { principal, method } = call;
  if (principal.tenant === undefined) return;
  const permission = permissionOf(method);
  const deny = (on: string) => {
    throw new PermissionDenied({ permission, principal: actorOf(principal), on });
  };
  for (const name of namesIn(request)) {
    const tenant = tenantOfName(name);
    if (tenant === undefined) continue;
    if (tenant !== principal.tenant) deny(name);
    if (principal.project === undefined) continue;
    const project = projectOfName(name);
    const own = project === principal.project;
    const general = project === undefined && readableWhenBound.has(permission);
    if (!own && !general) deny(name);
  }
}
