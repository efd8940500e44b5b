import { type HollowCluster, type HollowOptions, startHollowCluster } from '#hollow';

/** A member of the demo's fleet: what an operator says of it, and what pretends to be it. */
export interface DemoMember {
  cluster: string;
  region: string;
  zone: string;
  provider: string;
  labels: Record<string, string>;
  shape: Omit<HollowOptions, 'name'>;
}

/** Three regions of different size and load, so that there is something to decide. */
export const demoFleet: readonly DemoMember[] = [
  {
    cluster: 'frankfurt',
    region: 'eu-central',
    zone: 'eu-central-a',
    provider: 'basalt',
    labels: { tier: 'core' },
    shape: {
      nodes: { count: 6, cpu: '8', memory: '32Gi' },
      load: { measured: 0.2, pods: [{ count: 24, cpu: '1', memory: '3Gi' }] },
      readyDelayMs: [400, 1500],
    },
  },
  {
    cluster: 'virginia',
    region: 'us-east',
    zone: 'us-east-b',
    provider: 'granite',
    labels: { tier: 'core' },
    shape: {
      nodes: { count: 4, cpu: '4', memory: '16Gi' },
      load: { measured: 0.05, pods: [{ count: 4, cpu: '500m', memory: '1Gi' }] },
      readyDelayMs: [600, 2000],
    },
  },
  {
    cluster: 'mumbai',
    region: 'ap-south',
    zone: 'ap-south-c',
    provider: 'basalt',
    labels: { tier: 'edge' },
    shape: {
      nodes: { count: 2, cpu: '4', memory: '8Gi' },
      load: { measured: 0.2, pods: [{ count: 6, cpu: '1', memory: '1Gi' }] },
      readyDelayMs: [800, 2500],
    },
  },
];

export const startMember = (member: DemoMember): Promise<HollowCluster> =>
  startHollowCluster({ name: member.cluster, ...member.shape, tls: true });
