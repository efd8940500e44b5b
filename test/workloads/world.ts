import { parseApplicationFile, wire } from '#contract';
import { type HollowCluster, type PretendLogs, startHollowCluster } from '#hollow';
import { type HeldObject, heldObjects } from '../../apps/local/members.js';
import { application, fleetReady, phaseOf, type Station, startStation, watchUntil } from '../e2e/station.js';
import type { Flavour } from '../kubernetes/members.js';

/** Two hollow clusters with an application in both. */
export interface PodWorld {
  station: Station;
  hollow: ReadonlyMap<string, HollowCluster>;
  name: string;
  close(): Promise<void>;
}

/** `web`: one container with a port; `pair`: two containers. Both in both clusters. */
const file = `
name: shop
spec:
  placement: { division: duplicated }
  components:
    - name: web
      kind: service
      replicas: 2
      containers:
        - name: web
          image: example.test/web:1
          env: [{ name: GREETING, value: ahoy }]
          ports: [{ name: http, port: 8080 }]
          requests: { cpu: 100m, memory: 64Mi }
    - name: pair
      kind: service
      replicas: 1
      containers:
        - { name: one, image: "example.test/one:1", requests: { cpu: 50m, memory: 32Mi } }
        - { name: two, image: "example.test/two:1", requests: { cpu: 50m, memory: 32Mi } }
`;

const flavourOf = (logs: PretendLogs, kept: Map<string, HollowCluster>): Flavour => ({
  name: 'hollow',
  traits: { grpcProbes: true, defaultsPortProtocol: true },
  async start(names, nodes) {
    const clusters = await Promise.all(
      names.map((name) =>
        startHollowCluster({ name, nodes, readyDelayMs: [10, 50], terminateDelayMs: [10, 50], logs }),
      ),
    );
    for (const cluster of clusters) kept.set(cluster.name, cluster);
    const members = clusters.map((cluster) => ({
      name: cluster.name,
      access: { kind: 'token', url: cluster.url, token: cluster.token } as const,
      kubeconfig: cluster.kubeconfig,
      failImage: (pattern: RegExp) => cluster.failImage(pattern),
      loseHistory: async () => cluster.expireWatches(),
      crash: async () => async () => cluster.expireWatches(),
      auditLog: undefined,
    }));
    return { members, close: async () => void (await Promise.all(clusters.map((cluster) => cluster.close()))) };
  },
});

export async function startPodWorld(logs: PretendLogs = { everyMs: 50 }): Promise<PodWorld> {
  const hollow = new Map<string, HollowCluster>();
  const station = await startStation(flavourOf(logs, hollow), ['one', 'two']);
  await fleetReady(station);
  const name = application('shop');
  await station.applications.applyApplication({ name, source: parseApplicationFile(file).source });
  await watchUntil(station, name, (found) => phaseOf(found) === wire.Phase.READY);
  return { station, hollow, name, close: () => station.close() };
}

/** Pods of a component in a cluster, as that cluster has them, in order of name. */
export async function podsIn({ hollow }: PodWorld, cluster: string, component: string): Promise<HeldObject[]> {
  const held = await heldObjects(cluster, hollow.get(cluster)?.kubeconfig ?? '');
  return held
    .filter(({ kind, name }) => kind === 'Pod' && name.startsWith(`${component}-`))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Deletes a pod in its cluster, as somebody with kubectl would. */
export async function deletePod({ hollow }: PodWorld, { cluster, namespace, name }: HeldObject): Promise<void> {
  const { url = '', token = '' } = hollow.get(cluster) ?? {};
  const headers = { authorization: `Bearer ${token}` };
  await fetch(`${url}/api/v1/namespaces/${namespace}/pods/${name}`, { method: 'DELETE', headers });
}
