import { wire } from '#contract';
import type { Role } from '#domain';
import { type Clients, type GatewayHarness, specOf, startGatewayHarness } from '../gateway/harness.js';
import { placeApplication } from '../gateway/placed.js';

/** Two tenants on one store: `acme`, whose things are asked for, and `rival`, who must not get at them. */
export interface World {
  harness: GatewayHarness;
  /** A key of each role: acme's, and the operator's. */
  keys: Readonly<Record<Role, string>>;
  /** Was acme's owner's. */
  revokedKey: string;
  rivalOwner: string;
  /** Owner's key of acme, bound to another project than the one whose things are asked for. */
  boundElsewhere: string;
  as(role: Role): Clients;
}

export const project = 'tenants/acme/projects/default';
export const shop = `${project}/applications/shop`;

async function keyOf(clients: Clients, role: wire.Role, bound = ''): Promise<{ secret: string; name: string }> {
  const made = await clients.tenancy.createApiKey({ parent: 'tenants/acme', role, project: bound });
  return { secret: made.secret, name: made.apiKey?.name ?? '' };
}

export async function createWorld(): Promise<World> {
  const harness = await startGatewayHarness();
  const operator = harness.as(harness.operatorKey);
  const acme = await operator.tenancy.createTenant({ tenantId: 'acme' });
  const rival = await operator.tenancy.createTenant({ tenantId: 'rival' });
  const owner = harness.as(acme.ownerKeySecret);
  await owner.tenancy.createProject({ parent: 'tenants/acme', projectId: 'other' });
  const viewer = await keyOf(owner, wire.Role.VIEWER);
  const developer = await keyOf(owner, wire.Role.DEVELOPER);
  const revoked = await keyOf(owner, wire.Role.OWNER);
  const bound = await keyOf(owner, wire.Role.OWNER, 'tenants/acme/projects/other');
  await owner.tenancy.revokeApiKey({ name: revoked.name });
  await operator.clusters.registerCluster({ clusterId: 'north' });
  await owner.applications.applyApplication({ name: shop, source: { case: 'spec', value: specOf(1, 'shop') } });
  await placeApplication(harness.db, { application: 'shop', component: 'shop', cluster: 'north', replicas: 1 });
  const keys: World['keys'] = {
    viewer: viewer.secret,
    developer: developer.secret,
    owner: acme.ownerKeySecret,
    operator: harness.operatorKey,
  };
  return {
    harness,
    keys,
    revokedKey: revoked.secret,
    rivalOwner: rival.ownerKeySecret,
    boundElsewhere: bound.secret,
    as: (role) => harness.as(keys[role]),
  };
}
