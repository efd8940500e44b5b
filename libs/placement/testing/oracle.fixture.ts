/**
 * A second opinion by brute force. Imports nothing from the engine, not even types: what it knows of clusters and
 * policies it reads from the same plain data in its own way.
 */
interface Size {
  mcpu: number;
  memoryBytes: number;
  pods: number;
}

export interface OracleCluster {
  id: string;
  region: string;
  zone: string;
  provider: string;
  labels: Readonly<Record<string, string>>;
  taints: readonly { key: string; value: string; effect: string }[];
  cordoned: boolean;
  phase: string;
  allocatable: Size;
  foreignRequests: Size;
  reserved: Size;
  /** Empty: only sums are known. */
  classes: readonly { nodes: number; free: Size; taints: readonly unknown[] }[];
  overSubscription: { mcpuPermille: number; memoryPermille: number };
}

export interface OraclePolicy {
  clusters: readonly string[];
  regions: readonly string[];
  labels: Readonly<Record<string, string>>;
  tolerations: readonly { key: string; operator: string; value: string; effect: string }[];
  division: string;
  minClusters: number;
  maxClusters: number;
  minReplicas?: number | undefined;
  maxReplicas?: number | undefined;
  spread?: readonly { by: string; minDomains: number; maxDomains: number; maxSkew: number }[] | undefined;
}

/** What may still be reserved, with big integers so that nothing is rounded. */
export function oracleFree(cluster: OracleCluster): Size {
  const left = (all: number, permille: number, foreign: number, reserved: number): number =>
    Number((BigInt(all) * BigInt(permille)) / 1000n - BigInt(foreign) - BigInt(reserved));
  const { allocatable: all, foreignRequests: foreign, reserved, overSubscription: over } = cluster;
  return {
    mcpu: left(all.mcpu, over.mcpuPermille, foreign.mcpu, reserved.mcpu),
    memoryBytes: left(all.memoryBytes, over.memoryPermille, foreign.memoryBytes, reserved.memoryBytes),
    pods: left(all.pods, 1000, foreign.pods, reserved.pods),
  };
}

/** What a cluster is, under a key; empty when it is nothing. */
export function oracleDomain(cluster: OracleCluster, by: string): string {
  const own: Record<string, string> = {
    ...cluster.labels,
    ...{ region: cluster.region, zone: cluster.zone, provider: cluster.provider, cluster: cluster.id },
  };
  return own[by] ?? '';
}

/** Whether these clusters, each with so many, are spread as the policy wants. */
export function oracleSpread(used: readonly (readonly [OracleCluster, number])[], policy: OraclePolicy): boolean {
  return (policy.spread ?? []).every(({ by, minDomains, maxDomains, maxSkew }) => {
    const sums: Record<string, number> = {};
    for (const [cluster, count] of used) {
      const domain = oracleDomain(cluster, by);
      sums[domain] = (sums[domain] ?? 0) + count;
    }
    const counts = Object.values(sums);
    if (counts.length < minDomains || (maxDomains > 0 && counts.length > maxDomains)) return false;
    return maxSkew === 0 || counts.every((one) => counts.every((other) => one - other <= maxSkew));
  });
}

export function oracleAllows(cluster: OracleCluster, policy: OraclePolicy): boolean {
  if (cluster.phase !== 'ready' || cluster.cordoned) return false;
  if (policy.clusters.length > 0 && !policy.clusters.includes(cluster.id)) return false;
  if (policy.regions.length > 0 && !policy.regions.includes(cluster.region)) return false;
  if ((policy.spread ?? []).some(({ by }) => oracleDomain(cluster, by) === '')) return false;
  if (Object.entries(policy.labels).some(([key, value]) => cluster.labels[key] !== value)) return false;
  return cluster.taints
    .filter((taint) => taint.effect === 'NoSchedule' || taint.effect === 'NoExecute')
    .every((taint) =>
      policy.tolerations.some((toleration) => {
        if (toleration.effect !== '' && toleration.effect !== taint.effect) return false;
        if (toleration.key === '') return toleration.operator === 'Exists';
        if (toleration.key !== taint.key) return false;
        return toleration.operator === 'Exists' || toleration.value === taint.value;
      }),
    );
}

const holds = (free: Size, each: Size, count: number): boolean =>
  count === 0 ||
  (each.mcpu * count <= Math.max(0, free.mcpu) &&
    each.memoryBytes * count <= Math.max(0, free.memoryBytes) &&
    each.pods * count <= Math.max(0, free.pods));

interface OracleRoom {
  free: Size;
  nodes: readonly Size[] | undefined;
}

const roomOf = (cluster: OracleCluster): OracleRoom => ({ free: oracleFree(cluster), nodes: oracleNodes(cluster) });

/** Every untainted node by itself; undefined when only sums are known. */
export function oracleNodes(cluster: OracleCluster): Size[] | undefined {
  if (cluster.classes.length === 0) return undefined;
  return cluster.classes
    .filter(({ taints }) => taints.length === 0)
    .flatMap(({ nodes, free }) => Array.from({ length: nodes }, () => ({ ...free })));
}

/** Whether some way of putting these pods on these nodes works. */
export function oracleStarts(nodes: readonly Size[], pods: readonly Size[]): boolean {
  const [pod, ...rest] = pods;
  if (pod === undefined) return true;
  return nodes.some((node, at) => {
    const left = {
      mcpu: node.mcpu - pod.mcpu,
      memoryBytes: node.memoryBytes - pod.memoryBytes,
      pods: node.pods - pod.pods,
    };
    if (left.mcpu < 0 || left.memoryBytes < 0 || left.pods < 0) return false;
    return oracleStarts(
      nodes.map((each, index) => (index === at ? left : each)),
      rest,
    );
  });
}

const roomHolds = ({ free, nodes }: OracleRoom, each: Size, count: number): boolean =>
  holds(free, each, count) &&
  (nodes === undefined ||
    oracleStarts(
      nodes,
      Array.from({ length: count }, () => each),
    ));

/** Tries every division of one component with replicas over the allowed clusters. */
export function oracleFeasible(
  clusters: readonly OracleCluster[],
  policy: OraclePolicy,
  each: Size,
  replicas: number,
): boolean {
  const allowed = clusters.filter((cluster) => oracleAllows(cluster, policy));
  const rooms = allowed.map(roomOf);
  const least = Math.max(1, policy.minClusters);
  const most = policy.maxClusters === 0 ? allowed.length : policy.maxClusters;
  if (most < least) return false;
  const copies = policy.division === 'duplicated';
  const done = (used: readonly (readonly [OracleCluster, number])[]): boolean =>
    used.length >= least && oracleSpread(used, policy);
  const search = (at: number, left: number, used: readonly (readonly [OracleCluster, number])[]): boolean => {
    if ((copies || left === 0) && done(used)) return true;
    const [cluster, room] = [allowed[at], rooms[at]];
    if (cluster === undefined || room === undefined || left === 0) return false;
    if (copies) {
      const takes = used.length < most && roomHolds(room, each, replicas);
      return (takes && search(at + 1, left, [...used, [cluster, 1]])) || search(at + 1, left, used);
    }
    for (let count = 0; count <= left; count++) {
      if (count > 0 && (used.length + 1 > most || !roomHolds(room, each, count))) break;
      if (count > 0 && count < (policy.minReplicas ?? 0)) continue;
      if (count > (policy.maxReplicas ?? 0) && policy.maxReplicas) break;
      if (search(at + 1, left - count, count === 0 ? used : [...used, [cluster, count]])) return true;
    }
    return false;
  };
  return search(0, replicas, []);
}
