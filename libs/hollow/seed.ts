import type { Api } from './api/api.js';
import { type NodeShape, nodeObject } from './kubelet/node.js';
import { resourceNamed } from './resources.js';

/** Pods that belong to someone else and only take room. */
export interface ForeignPods {
  /** How many; 1 unless told. */
  count?: number;
  /** `foreign` unless told. */
  namespace?: string;
  name?: string;
  /** Requests of each: `500m`, `256Mi`. */
  cpu: string;
  memory: string;
  /** Bound there from the start; else the scheduler finds a node. */
  node?: string;
}

const manager = 'hollow';
const namespaces = resourceNamed('namespaces');
const standard = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** What a cluster holds before anyone calls it. */
export function seedCluster(
  api: Api,
  nodes: readonly NodeShape[],
  foreign: readonly ForeignPods[],
  version: string,
): void {
  const homes = new Set([...standard, ...foreign.map(({ namespace = 'foreign' }) => namespace)]);
  for (const name of homes) api.create(namespaces, '', { metadata: { name } }, { manager });
  for (const node of nodes)
    api.create(resourceNamed('nodes'), '', nodeObject(node, version, api.nowMs), { manager: 'kubelet' });
  foreign.forEach((pods, index) => {
    for (let ordinal = 0; ordinal < (pods.count ?? 1); ordinal += 1) createForeign(api, pods, `${index}-${ordinal}`);
  });
  api.create(
    resourceNamed('storageclasses'),
    '',
    {
      metadata: { name: 'hollow', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      ...{ provisioner: 'hollow.berth.dev/volumes', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
    },
    { manager },
  );
  const { store } = api;
  api.create(
    resourceNamed('services'),
    'default',
    {
      metadata: { name: 'kubernetes', labels: { component: 'apiserver', provider: 'kubernetes' } },
      spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, targetPort: 6443 }] },
    },
    { manager: 'kube-apiserver' },
  );
  // What is older than the first request is nobody's news.
  store.forget();
}

function createForeign(
  api: Api,
  { namespace = 'foreign', name = 'foreign', cpu, memory, node }: ForeignPods,
  suffix: string,
): void {
  const container = { name: 'main', image: 'foreign/app:1', resources: { requests: { cpu, memory } } };
  const body = {
    metadata: { name: `${name}-${suffix}`, labels: { app: name } },
    spec: { containers: [container], ...(node === undefined ? {} : { nodeName: node }) },
  };
  api.create(resourceNamed('pods'), namespace, body, { manager });
}
