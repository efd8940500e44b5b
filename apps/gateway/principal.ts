import { apiKeyName } from '#contract';
import type { Principal } from '#domain';
import { PermissionDenied } from '#domain';
import type { Literal, Reader, Store, StorePrincipal } from '#store';

/** How the audit and authors' fields name a caller: its key. */
export const actorOf = (principal: Principal): string => apiKeyName(principal.tenant, principal.keyId);

/**
 * On whose behalf a call's transactions run. The tenant is the key's, never the one that a request names: row-level
 * security refuses what the checks before it should have refused.
 */
export const storePrincipalOf = (principal: Principal): StorePrincipal =>
  principal.tenant === undefined
    ? { kind: 'operator', actor: actorOf(principal) }
    : { kind: 'tenant', tenant: principal.tenant, actor: actorOf(principal) };

/** Reads in one round trip under the caller's rights. */
export const readerFor = (store: Store, principal: Principal): Reader => {
  const behalf = storePrincipalOf(principal);
  return <Row extends object>(sql: string, parameters: readonly Literal[]) =>
    store.unitOfWork.read<Row>(behalf, sql, parameters);
};

/** The caller's tenant. Operators have none: what only tenants do is denied to them. */
export function tenantOf(principal: Principal, permission: string): string {
  if (principal.tenant === undefined) throw new PermissionDenied({ permission, principal: actorOf(principal) });
  return principal.tenant;
}
