import { kubebuilderAssets } from '../../../test/kubernetes/assets.js';
import { startControlPlane } from '../../../test/kubernetes/control-plane.js';
import { registerPretendNodes } from '../../../test/kubernetes/pretend-nodes.js';
import { connectCluster } from '../client/client.js';
import { describeMemberCluster, type TriedCluster } from './member.suite.js';

async function realCluster(assets: string): Promise<TriedCluster> {
  const { planes, close } = await startControlPlane({ assets, names: ['member'], controllers: true });
  const [plane] = planes;
  if (plane === undefined) throw new Error('no control plane was started');
  const access = { kind: 'token', url: plane.url, token: plane.token, ca: plane.ca } as const;
  const client = await connectCluster(access, { userAgent: 'pretend-kubelet' });
  await registerPretendNodes(client, { name: 'member', count: 2, cpu: '4', memory: '16Gi' });
  return {
    access,
    nodes: 2,
    restart: () => plane.restart(),
    close: async () => {
      await client.close();
      await close();
    },
  };
}

const assets = kubebuilderAssets();
if (assets !== undefined)
  describeMemberCluster(
    'kube-apiserver 1.20',
    { grpcProbes: false, defaultsPortProtocol: false, failsImagePulls: false },
    () => realCluster(assets),
  );
