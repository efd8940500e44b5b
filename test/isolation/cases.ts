import { wire } from '#contract';
import type { Role } from '#domain';
import { RpcError } from '#platform';
import { type Clients, specOf } from '../gateway/harness.js';
import { project, shop, type World } from './world.js';

type Call = (clients: Clients) => Promise<unknown>;

/** A method, asked for acme's things. */
export interface MethodCase {
  /** Who may. */
  right: Role;
  /** Makes what the call needs, so that cases do not wait for each other; answers the call. */
  arrange(world: World): Promise<Call>;
  /** For a method that names nothing, where another tenant gets an answer about itself alone. */
  answersOthers?: true;
}

const plain = (right: Role, call: Call): MethodCase => ({ right, arrange: async () => call });
const first = async (stream: AsyncIterable<unknown>): Promise<unknown> => {
  for await (const message of stream) return message;
  return undefined;
};
const spec = (name: string) => ({ case: 'spec', value: specOf(1, name) }) as const;
/** There is no hub here to go through: who is told that, and nothing worse, has passed every check of the gateway. */
const intoPods = (right: Role, call: Call): MethodCase => ({
  right,
  arrange: async ({ harness: { db } }) => {
    await db.query(
      `UPDATE cluster_agents SET connected = true, lease_expires_at = clock_timestamp() + interval '1 hour'`,
    );
    return async (as) => {
      try {
        return await call(as);
      } catch (error) {
        if (error instanceof RpcError && error.details.errorInfo?.reason === 'NO_HUB_AUTHORITY') return error;
        throw error;
      }
    };
  },
});
const environment = `${project}/environments/default`;

/** By `Service.Method` of the contract: a method without a case fails the suite. */
export const cases: Readonly<Record<string, MethodCase>> = {
  'TenancyService.CreateTenant': plain('operator', (as) => as.tenancy.createTenant({ tenantId: 'fresh' })),
  'TenancyService.GetTenant': plain('viewer', (as) => as.tenancy.getTenant({ name: 'tenants/acme' })),
  'TenancyService.ListTenants': { ...plain('viewer', (as) => as.tenancy.listTenants({})), answersOthers: true },
  'TenancyService.CreateProject': plain('owner', (as) =>
    as.tenancy.createProject({ parent: 'tenants/acme', projectId: 'fresh' }),
  ),
  'TenancyService.GetProject': plain('viewer', (as) => as.tenancy.getProject({ name: project })),
  'TenancyService.ListProjects': plain('viewer', (as) => as.tenancy.listProjects({ parent: 'tenants/acme' })),
  'TenancyService.SetTenantWeight': plain('operator', (as) =>
    as.tenancy.setTenantWeight({ name: 'tenants/acme', weight: 7 }),
  ),
  'TenancyService.SetQuota': plain('operator', (as) => as.tenancy.setQuota({ name: project, quota: { cpu: '100' } })),
  'TenancyService.CreateEnvironment': plain('owner', (as) =>
    as.tenancy.createEnvironment({ parent: project, environmentId: 'fresh' }),
  ),
  'TenancyService.ListEnvironments': plain('viewer', (as) => as.tenancy.listEnvironments({ parent: project })),
  'TenancyService.CreateApiKey': plain('owner', (as) =>
    as.tenancy.createApiKey({ parent: 'tenants/acme', role: wire.Role.VIEWER }),
  ),
  'TenancyService.ListApiKeys': plain('owner', (as) => as.tenancy.listApiKeys({ parent: 'tenants/acme' })),
  'TenancyService.RevokeApiKey': {
    right: 'owner',
    arrange: async (world) => {
      const made = await world.as('owner').tenancy.createApiKey({ parent: 'tenants/acme', role: wire.Role.VIEWER });
      return (as) => as.tenancy.revokeApiKey({ name: made.apiKey?.name ?? '' });
    },
  },
  'ApplicationService.ApplyApplication': plain('developer', (as) =>
    as.applications.applyApplication({ name: `${project}/applications/fresh`, source: spec('fresh') }),
  ),
  'ApplicationService.PlanApplication': {
    right: 'developer',
    arrange: async ({ harness: { db } }) => {
      await db.query(`UPDATE clusters SET phase = 'ready' WHERE id = 'north'`);
      await db.query(
        `UPDATE cluster_capacity SET allocatable_mcpu = 8000, allocatable_memory_bytes = 2 ^ 33, allocatable_pods = 100, nodes = 1,
           kinds = '{apps/v1/Deployment,v1/Service,v1/ServiceAccount,v1/Namespace}'
         WHERE cluster_id = 'north'`,
      );
      const name = `${project}/applications/planned`;
      return (as) => as.applications.planApplication({ name, source: spec('planned') });
    },
  },
  'ApplicationService.GetApplication': plain('viewer', (as) => as.applications.getApplication({ name: shop })),
  'ApplicationService.ListApplications': plain('viewer', (as) => as.applications.listApplications({ parent: project })),
  'ApplicationService.DeleteApplication': {
    right: 'developer',
    arrange: async (world) => {
      const name = `${project}/applications/doomed`;
      await world.as('owner').applications.applyApplication({ name, source: spec('doomed') });
      return (as) => as.applications.deleteApplication({ name });
    },
  },
  'ApplicationService.WatchApplications': plain('viewer', (as) =>
    first(as.applications.watchApplications({ name: project }, { deadlineMs: 10_000 })),
  ),
  'ApplicationService.ExplainApplication': plain('viewer', (as) => as.applications.explainApplication({ name: shop })),
  'ApplicationService.GetRevision': plain('viewer', (as) =>
    as.applications.getRevision({ name: `${shop}/revisions/1` }),
  ),
  'ApplicationService.ListRevisions': plain('viewer', (as) => as.applications.listRevisions({ parent: shop })),
  'ApplicationService.GetRelease': plain('viewer', (as) =>
    as.applications.getRelease({ name: `${environment}/releases/v1` }),
  ),
  'ApplicationService.ListReleases': plain('viewer', (as) => as.applications.listReleases({ parent: environment })),
  'ClusterService.RegisterCluster': plain('operator', (as) => as.clusters.registerCluster({ clusterId: 'fresh' })),
  'ClusterService.CreateEnrolmentToken': plain('operator', (as) =>
    as.clusters.createEnrolmentToken({ name: 'clusters/north' }),
  ),
  'ClusterService.GetCluster': plain('operator', (as) => as.clusters.getCluster({ name: 'clusters/north' })),
  'ClusterService.ListClusters': plain('operator', (as) => as.clusters.listClusters({})),
  'ClusterService.ListOrphans': plain('operator', (as) => as.clusters.listOrphans({ name: 'clusters/north' })),
  'ClusterService.UpdateCluster': plain('operator', (as) =>
    as.clusters.updateCluster({ cluster: { name: 'clusters/north', region: 'eu' }, updateMask: { paths: ['region'] } }),
  ),
  'ClusterService.RemoveCluster': {
    right: 'operator',
    arrange: async (world) => {
      await world.as('operator').clusters.registerCluster({ clusterId: 'doomed' });
      return (as) => as.clusters.removeCluster({ name: 'clusters/doomed' });
    },
  },
  'ClusterService.RevokeAgent': plain('operator', (as) => as.clusters.revokeAgent({ name: 'clusters/north' })),
  'ClusterService.WatchClusters': plain('operator', (as) =>
    first(as.clusters.watchClusters({}, { deadlineMs: 10_000 })),
  ),
  'OperationService.GetOperation': {
    right: 'viewer',
    arrange: async (world) => {
      const name = `${project}/applications/deleted`;
      const owner = world.as('owner');
      await owner.applications.applyApplication({ name, source: spec('deleted') });
      const operation = await owner.applications.deleteApplication({ name });
      return (as) => as.operations.getOperation({ name: operation.name });
    },
  },
  'OperationService.ListOperations': plain('viewer', (as) => as.operations.listOperations({ parent: 'tenants/acme' })),
  'WorkloadService.ReadLogs': intoPods('viewer', (as) => first(as.workloads.readLogs({ name: shop }))),
  'WorkloadService.Exec': intoPods('developer', async (as) => {
    const stream = as.workloads.exec({ deadlineMs: 10_000 });
    await stream.write({ message: { case: 'start', value: { target: { name: shop }, command: ['id'] } } });
    return await first(stream.messages);
  }),
  'WorkloadService.PortForward': intoPods('developer', async (as) => {
    const stream = as.workloads.portForward({ deadlineMs: 10_000 });
    await stream.write({ message: { case: 'open', value: { target: { name: shop }, port: 80 } } });
    return await first(stream.messages);
  }),
};
