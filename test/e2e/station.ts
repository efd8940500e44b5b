import { wire } from '#contract';
import { openChannel, type RpcChannel, type RpcClient } from '#platform';
import { startLocalBerth } from '../../apps/local/berth.js';
import { startTestDatabase, type TestDatabase } from '../../libs/store/testing/database.js';
import type { Flavour, TestMember } from '../kubernetes/members.js';

/** A whole Berth with its members, and the clients of those who use it. */
export interface Station {
  applications: RpcClient<typeof wire.ApplicationService>;
  operations: RpcClient<typeof wire.OperationService>;
  clusters: RpcClient<typeof wire.ClusterService>;
  workloads: RpcClient<typeof wire.WorkloadService>;
  members: readonly TestMember[];
  database: TestDatabase;
  gatewayAddress: string;
  /** Of tenant `default`. */
  ownerKey: string;
  close(): Promise<void>;
}

const regions = ['eu', 'us', 'ap'];

/** Real gRPC, real Postgres, real queue, an agent beside each member. */
export async function startStation(
  flavour: Flavour,
  names: readonly string[],
  nodes = { count: 4, cpu: '8', memory: '32Gi' },
): Promise<Station> {
  const database = await startTestDatabase();
  const berth = await startLocalBerth({
    database: { urlFor: (role) => database.urlFor(role), close: () => database.close() },
  });
  const started = await flavour.start(names, nodes);
  const channels: RpcChannel[] = [];
  const as = (key: string) => {
    const channel = openChannel({
      address: berth.gateway.address,
      metadata: () => ({ authorization: `Bearer ${key}` }),
    });
    channels.push(channel);
    return channel;
  };
  const tenant = as(berth.keys.owner);
  for (const [index, member] of started.members.entries())
    await berth.join({
      cluster: member.name,
      region: regions[index % regions.length] ?? '',
      zone: `${regions[index % regions.length]}-a`,
      provider: flavour.name,
      labels: {},
      kubeconfig: member.kubeconfig,
    });
  return {
    applications: tenant.client(wire.ApplicationService),
    operations: tenant.client(wire.OperationService),
    workloads: tenant.client(wire.WorkloadService),
    clusters: as(berth.keys.operator).client(wire.ClusterService),
    members: started.members,
    database,
    gatewayAddress: berth.gateway.address,
    ownerKey: berth.keys.owner,
    close: async () => {
      for (const channel of channels) channel.close();
      await berth.close();
      await started.close();
    },
  };
}

export const application = (id: string) => `tenants/default/projects/default/applications/${id}`;

/** Watches until the application is as wanted; the error of a run-out deadline says how it was last. */
export async function watchUntil(
  { applications }: Pick<Station, 'applications'>,
  name: string,
  wanted: (application: wire.Application) => boolean,
  timeoutMs = 90_000,
): Promise<wire.Application> {
  let last: wire.Application | undefined;
  try {
    for await (const { event } of applications.watchApplications(
      { name },
      { signal: AbortSignal.timeout(timeoutMs) },
    )) {
      if (event.case !== 'changed') continue;
      last = event.value;
      if (wanted(last)) return last;
    }
  } catch (cause) {
    throw new Error(`${name} did not come to be as wanted; it was last ${describe(last)}`, { cause });
  }
  throw new Error(`the watch of ${name} ended`);
}

const describe = (found: wire.Application | undefined) =>
  JSON.stringify(
    found?.environments.map(({ phase, components }) => ({ phase: wire.Phase[phase], components })),
    (_, value) => (typeof value === 'bigint' ? value.toString() : value),
  );

export const phaseOf = (found: wire.Application) => found.environments[0]?.phase ?? wire.Phase.UNSPECIFIED;

/** Watches until the application is gone from everywhere. */
export async function watchUntilGone(
  { applications }: Pick<Station, 'applications'>,
  name: string,
  timeoutMs = 90_000,
): Promise<void> {
  for await (const { event } of applications.watchApplications({ name }, { signal: AbortSignal.timeout(timeoutMs) }))
    if (event.case === 'deleted') return;
}

/** Watches until every cluster has reported its nodes. */
export async function fleetReady({
  clusters,
  members,
}: Pick<Station, 'clusters'> & { members: { readonly length: number } }): Promise<wire.Cluster[]> {
  const ready = new Map<string, wire.Cluster>();
  for await (const { event } of clusters.watchClusters({}, { signal: AbortSignal.timeout(60_000) })) {
    if (event.case !== 'changed') continue;
    if (event.value.phase === wire.ClusterPhase.READY && (event.value.inventory?.nodes ?? 0) > 0)
      ready.set(event.value.name, event.value);
    if (ready.size === members.length) break;
  }
  return [...ready.values()];
}
