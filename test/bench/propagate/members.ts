import type { JsonObject } from '#domain';
import { type ControlPlanes, startControlPlane } from '../../kubernetes/control-plane.js';
import type { Given } from './given.js';
import { addressIn, MemberApi } from './member-api.js';

/** A cluster that Berth is to fill. */
export interface BenchMember {
  name: string;
  kubeconfig: string;
  api: MemberApi;
}

export interface BenchMembers {
  members: readonly BenchMember[];
  /** False: they were handed in, and are left as they were found. */
  isOwn: boolean;
  close(): Promise<void>;
}

const names = ['member-a', 'member-b', 'member-c'];
const nodes = 30;
const room = { cpu: '64', memory: '256Gi', pods: '110' };

const pretendedNode = (name: string): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/arch': 'amd64' } },
  status: {
    capacity: room,
    allocatable: room,
    conditions: [{ type: 'Ready', status: 'True', reason: 'Pretended', message: '' }],
    nodeInfo: {
      architecture: 'amd64',
      operatingSystem: 'linux',
      kubeletVersion: 'v1.20.2',
      kubeProxyVersion: 'v1.20.2',
      containerRuntimeVersion: 'none://1',
      kernelVersion: 'none',
      osImage: 'none',
      machineID: name,
      systemUUID: name,
      bootID: name,
    },
  },
});

/** Three API servers on one etcd, without controllers and kubelets, with node objects that only pretend; or what was handed in. */
export async function startMembers(given: Given, connections: number): Promise<BenchMembers> {
  const planes = given.kubeconfigs.length > 0 ? undefined : await ownPlanes(given.assets);
  const kubeconfigs = planes?.planes.map(({ kubeconfig }) => kubeconfig) ?? given.kubeconfigs;
  const members = kubeconfigs.map((kubeconfig, index) => ({
    name: names[index] ?? `member-${index}`,
    kubeconfig,
    api: new MemberApi(addressIn(kubeconfig), connections),
  }));
  const close = async () => {
    await Promise.all(members.map(({ api }) => api.close()));
    await planes?.close();
  };
  try {
    if (planes !== undefined) await Promise.all(members.map(({ api }) => registerNodes(api)));
    return { members, isOwn: planes !== undefined, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function ownPlanes(assets: string | undefined): Promise<ControlPlanes> {
  if (assets === undefined)
    throw new Error(
      'the bench needs KUBEBUILDER_ASSETS (a folder with etcd and kube-apiserver) or BERTH_BENCH_MEMBERS (kubeconfigs)',
    );
  return startControlPlane({ assets, names, durable: true });
}

/** Berth places by what nodes have room for. */
async function registerNodes(api: MemberApi): Promise<void> {
  for (let index = 0; index < nodes; index++) {
    const name = `node-${index}`;
    await api.create('/api/v1/nodes', pretendedNode(name));
    // The API server taints what is new as not ready; a controller that does not run here would take that away.
    await api.merge(`/api/v1/nodes/${name}`, { spec: { taints: null } });
  }
}
