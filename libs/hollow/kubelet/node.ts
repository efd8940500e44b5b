import { type Condition, rfc3339, type Taint } from '../objects.js';

/** A pretended machine. Quantities as Kubernetes writes them: `8`, `32Gi`. */
export interface NodeShape {
  name: string;
  cpu: string;
  memory: string;
  /** Most pods; 110 unless told. */
  pods?: number;
  labels?: Readonly<Record<string, string>>;
  taints?: readonly Taint[];
  /** `amd64` unless told. */
  architecture?: string;
}

export interface NodeGroup {
  count: number;
  cpu: string;
  memory: string;
  pods?: number;
  labels?: Readonly<Record<string, string>>;
  taints?: readonly Taint[];
  architecture?: string;
}

/** A group as single nodes, `prefix-0` and on. */
export function nodesOf(shape: readonly NodeShape[] | NodeGroup, prefix: string): readonly NodeShape[] {
  if (!('count' in shape)) return shape;
  const { count, ...node } = shape;
  return Array.from({ length: count }, (_, index) => ({ ...node, name: `${prefix}-${index}` }));
}

export function nodeConditions(ready: boolean, nowMs: number, since?: readonly Condition[]): Condition[] {
  const time = rfc3339(nowMs);
  const facts: [type: string, status: string, reason: string][] = [
    ['MemoryPressure', 'False', 'KubeletHasSufficientMemory'],
    ['DiskPressure', 'False', 'KubeletHasNoDiskPressure'],
    ['PIDPressure', 'False', 'KubeletHasSufficientPID'],
    ready ? ['Ready', 'True', 'KubeletReady'] : ['Ready', 'False', 'KubeletNotReady'],
  ];
  return facts.map(([type, status, reason]) => {
    const before = since?.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? time) : time;
    return { type, status, reason, message: reason, lastHeartbeatTime: time, lastTransitionTime };
  });
}

/** The Node object that registers a shape. */
export function nodeObject(shape: NodeShape, version: string, nowMs: number) {
  const { name, cpu, memory, pods = 110, labels = {}, taints, architecture = 'amd64' } = shape;
  const room = { cpu, memory, pods: String(pods), 'ephemeral-storage': '100Gi' };
  const known = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/arch': architecture,
    'kubernetes.io/os': 'linux',
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { ...known, ...labels } },
    spec: { providerID: `hollow://${name}`, ...(taints === undefined ? {} : { taints }) },
    status: {
      capacity: room,
      allocatable: room,
      conditions: nodeConditions(true, nowMs),
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        architecture,
        operatingSystem: 'linux',
        kubeletVersion: version,
        kubeProxyVersion: version,
        containerRuntimeVersion: 'hollow://1',
        kernelVersion: 'hollow',
        osImage: 'hollow',
        machineID: name,
        systemUUID: name,
        bootID: name,
      },
    },
  };
}
