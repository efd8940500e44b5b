import { anywhere, noOverSubscription, noResources, type PlacementPolicy, type Resources } from '#domain';
import type { ClusterState } from '../fleet/cluster-state.js';
import { Snapshot } from '../fleet/snapshot.js';
import type { GroupRequest, PlacementRequest, RequestedComponent } from '../request.js';

export const gibi = 2 ** 30;

export const room = (cores: number, gibibytes: number, pods = 1000): Resources => ({
  mcpu: cores * 1000,
  memoryBytes: gibibytes * gibi,
  pods,
});

export const aPod = (mcpu: number, mebibytes: number): Resources => ({
  mcpu,
  memoryBytes: mebibytes * 2 ** 20,
  pods: 1,
});

/** A ready cluster of 10 cores and 40 GiB of which only sums are known. */
export const aCluster = (id: string, differs: Partial<ClusterState> = {}): ClusterState => ({
  id,
  region: 'eu',
  zone: 'eu-1',
  provider: 'own',
  labels: {},
  taints: [],
  cordoned: false,
  phase: 'ready',
  serverVersion: '1.34.0',
  nodes: 3,
  allocatable: room(10, 40),
  foreignRequests: noResources,
  reserved: noResources,
  overSubscription: noOverSubscription,
  measured: undefined,
  measureFresh: false,
  classes: [],
  kinds: ['apps/v1/Deployment'],
  schemaId: 'schema-a',
  version: 1n,
  ...differs,
});

export function fleetOf(...clusters: readonly ClusterState[]): Snapshot {
  const snapshot = new Snapshot();
  for (const cluster of clusters) snapshot.upsert(cluster);
  return snapshot;
}

export const aComponent = (name: string, differs: Partial<RequestedComponent> = {}): RequestedComponent => ({
  name,
  kind: 'service',
  replicas: 1,
  perReplica: aPod(1000, 1024),
  ...differs,
});

export const aGroup = (
  components: readonly RequestedComponent[],
  policy: Partial<PlacementPolicy> = {},
  differs: Partial<GroupRequest> = {},
): GroupRequest => ({ components, policy: { ...anywhere, ...policy }, ...differs });

export const aRequest = (
  groups: readonly GroupRequest[],
  previous: PlacementRequest['previous'] = [],
): PlacementRequest => ({ tenant: 'acme', application: 'shop', environment: 'default', groups, previous });
