import type { Ids } from '#domain';
import type { Store } from '#store';
import type { ApiKeyText } from './auth/api-key.js';
import { makeKey, makeProject, makeTenant } from './tenancy/making.js';

/** The first keys of a store, when somebody brings them; else they are made. */
export interface GivenKeys {
  operatorKey: ApiKeyText | undefined;
  ownerKey: ApiKeyText | undefined;
}

/** The first keys of a store, in full: shown this once. */
export interface FirstKeys {
  operatorKey: string;
  /** Of tenant `default`. */
  ownerKey: string;
}

/** Any constant: gateways that start together come one after the other. */
const bootstrapLock = 7_237_842;
const actor = 'bootstrap';

/**
 * Makes tenant, project and environment `default` with an operator's and an owner's key, if the store has no tenant
 * yet. Answers undefined when it has: the keys are known to whoever was there.
 */
export async function bootstrap(store: Store, ids: Ids, given: GivenKeys): Promise<FirstKeys | undefined> {
  return await store.unitOfWork.run({ kind: 'operator', actor }, async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock($1)', [bootstrapLock]);
    const tenants = await tx.query('SELECT id FROM tenants LIMIT 1');
    if (tenants.length > 0) return undefined;
    await makeTenant(tx, { id: 'default', displayName: '' });
    await makeProject(tx, ids, { tenant: 'default', id: 'default', displayName: '' });
    const general = { project: undefined, displayName: 'default', expiresAt: undefined };
    const operator = { ...general, tenant: undefined, role: 'operator' } as const;
    const owner = { ...general, tenant: 'default', role: 'owner' } as const;
    const operatorKey = await makeKey(tx, ids, operator, given.operatorKey);
    const ownerKey = await makeKey(tx, ids, owner, given.ownerKey);
    await tx.audit.append({
      tenant: 'default',
      actor,
      action: 'tenants.create',
      target: 'tenants/default',
      before: null,
      after: { operatorKey: operatorKey.key.id, ownerKey: ownerKey.key.id },
    });
    return { operatorKey: operatorKey.text, ownerKey: ownerKey.text };
  });
}

/** As they are printed at the first start, for whoever has to go on by hand. */
export const firstKeysNotice = (keys: FirstKeys): string =>
  `first start: keep these keys, they are shown this once\n  operator: ${keys.operatorKey}\n  owner of tenant default: ${keys.ownerKey}\n`;
