import { type Chance, type NodeClass, noOverSubscription, noResources, seededChance } from '#domain';
import { type ClusterState, Snapshot } from '#placement';

const gibi = 2 ** 30;

const sizes = [16, 32, 64, 96];

/** Twelve or thirteen nodes of a size, used alike. */
function nodeClass(at: number, draw: Chance): NodeClass {
  const cores = sizes[at % sizes.length] ?? 16;
  const left = 1 - (0.2 + 0.5 * draw());
  return {
    nodes: 12 + (at % 2),
    free: { mcpu: Math.floor(cores * left * 20) * 50, memoryBytes: Math.floor(cores * 4 * left) * gibi, pods: 80 },
    allocatable: { mcpu: cores * 1000, memoryBytes: cores * 4 * gibi, pods: 110 },
    architecture: 'amd64',
    taints: [],
  };
}

/** A hundred nodes of four sizes, requested to 20 to 70 %; one in ten clusters is tainted. */
export function clusterAt(at: number, draw: Chance): ClusterState {
  const classes = Array.from({ length: 8 }, (_, each) => nodeClass(each, draw));
  const sum = (of: (each: NodeClass) => number): number =>
    classes.reduce((all, each) => all + each.nodes * of(each), 0);
  const allocatable = {
    mcpu: sum((each) => each.allocatable?.mcpu ?? 0),
    memoryBytes: sum((each) => each.allocatable?.memoryBytes ?? 0),
    pods: sum(() => 110),
  };
  return {
    id: `cluster-${String(at).padStart(5, '0')}`,
    region: `region-${at % 8}`,
    zone: `region-${at % 8}-${at % 3}`,
    provider: `provider-${at % 3}`,
    labels: { tier: at % 4 === 0 ? 'iron' : 'gold' },
    taints: at % 10 === 0 ? [{ key: 'spot', value: '', effect: 'NoSchedule' }] : [],
    cordoned: false,
    phase: 'ready',
    serverVersion: '1.34.0',
    nodes: 100,
    allocatable,
    foreignRequests: {
      mcpu: allocatable.mcpu - sum(({ free }) => free.mcpu),
      memoryBytes: allocatable.memoryBytes - sum(({ free }) => free.memoryBytes),
      pods: sum(() => 30),
    },
    reserved: noResources,
    overSubscription: noOverSubscription,
    measured: { mcpu: allocatable.mcpu * 0.2 * (0.5 + draw()), memoryBytes: allocatable.memoryBytes * 0.3 },
    measureFresh: true,
    price: { coreHourMicros: 20_000 + (at % 7) * 3_000, gibHourMicros: 3_000 },
    classes,
    kinds: ['apps/v1/Deployment', 'v1/Service'],
    schemaId: 'schema',
    version: 1n,
  };
}

export function benchFleet(clusters: number, seed: number): Snapshot {
  const draw = seededChance(seed);
  const snapshot = new Snapshot();
  for (let at = 0; at < clusters; at++) snapshot.upsert(clusterAt(at, draw));
  return snapshot;
}
