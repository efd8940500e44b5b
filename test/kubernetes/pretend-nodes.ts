import type { JsonObject } from '#domain';
import type { KubeClient } from '#kube';

export interface PretendNodes {
  /** Prefix of their names. */
  name: string;
  count: number;
  cpu: string;
  memory: string;
}

const conditions = (now: string): JsonObject[] =>
  [
    ['MemoryPressure', 'False', 'KubeletHasSufficientMemory'],
    ['DiskPressure', 'False', 'KubeletHasNoDiskPressure'],
    ['PIDPressure', 'False', 'KubeletHasSufficientPID'],
    ['Ready', 'True', 'KubeletReady'],
  ].map(([type = '', status = '', reason = '']) => ({
    ...{ type, status, reason, message: '', lastHeartbeatTime: now, lastTransitionTime: now },
  }));

/** Registers nodes that nobody runs, ready and with capacity, as a kubelet would on its first contact. */
export async function registerPretendNodes(client: KubeClient, nodes: PretendNodes): Promise<string[]> {
  const names = Array.from({ length: nodes.count }, (_, index) => `${nodes.name}-${index}`);
  const amounts = { cpu: nodes.cpu, memory: nodes.memory, pods: '110' };
  for (const name of names) {
    const metadata = {
      name,
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/arch': 'amd64', 'kubernetes.io/os': 'linux' },
    };
    const ref = { apiVersion: 'v1', kind: 'Node', namespace: '', name };
    await client.apply({ apiVersion: 'v1', kind: 'Node', metadata, spec: {} }, { fieldManager: 'pretend-kubelet' });
    const status = { capacity: amounts, allocatable: amounts, conditions: conditions(new Date().toISOString()) };
    await client.patchMerge(ref, { status }, { subresource: 'status' });
    // the node lifecycle controller taints a node that is new and not ready yet, and takes its time to lift that
    await client.patchMerge(ref, { spec: { taints: null } });
  }
  return names;
}
