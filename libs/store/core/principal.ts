import type { TenantId } from '#domain';

/** On whose behalf a transaction runs: what row-level security judges by, and what the audit names. */
export type StorePrincipal =
  | { kind: 'tenant'; tenant: TenantId; actor: string }
  | { kind: 'operator'; actor: string }
  /** One of Berth's own processes, across tenants as far as its database role allows. */
  | { kind: 'system'; actor: string };

/** What the row-level policies read, per transaction. */
export interface SessionSettings {
  tenant: string;
  role: 'tenant' | 'operator' | 'system';
}

export const settingsOf = (principal: StorePrincipal): SessionSettings => ({
  tenant: principal.kind === 'tenant' ? principal.tenant : '',
  role: principal.kind,
});
