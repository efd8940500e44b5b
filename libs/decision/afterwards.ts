import { type ClusterId, canonicalJson, type JsonValue } from '#domain';
import type { placementStore } from '#store';
import type { Settlement } from './settle.js';

type FleetCluster = placementStore.FleetCluster;
type Unreflected = FleetCluster['unreflected'][number];

const kindOf = ({ perReplica, rules }: Omit<Unreflected, 'replicas'>): string => {
  const json: JsonValue = JSON.parse(JSON.stringify([perReplica, rules ?? null]));
  return canonicalJson(json);
};

/** As the store sums them up: by size and rules, in the order in which the first of each was ordered. */
function withPods(unreflected: readonly Unreflected[], works: readonly placementStore.WorkWrite[]): Unreflected[] {
  const sizes = new Map(unreflected.map((each) => [kindOf(each), each]));
  for (const { perReplica, replicas, rules } of works.flatMap(({ reservations }) => reservations)) {
    if (replicas <= 0) continue;
    const size = { perReplica, ...(rules === undefined ? {} : { rules }) };
    const kind = kindOf(size);
    sizes.set(kind, { ...size, replicas: (sizes.get(kind)?.replicas ?? 0) + replicas });
  }
  return [...sizes.values()];
}

/** How locked clusters are once a settlement is written, without reading them again. */
export interface Afterwards {
  /** Clusters whose earlier works change: how, only the store can say. */
  unknown: readonly ClusterId[];
  /** The others; `written` are the stamps of the rows that the settlement changed. */
  known(written: ReadonlyMap<ClusterId, string>): FleetCluster[];
}

export function afterwards(
  locked: readonly FleetCluster[],
  { works, capacity, unkept }: Pick<Settlement, 'works' | 'capacity' | 'unkept'>,
  holdings: readonly placementStore.Holding[],
): Afterwards {
  const held = new Set(holdings.map(({ workId }) => workId));
  const unknown = new Set(unkept);
  for (const { workId, cluster, reservations } of works)
    if (held.has(workId) || reservations.some(({ expected }) => expected !== undefined)) unknown.add(cluster);
  const worksIn = new Map<ClusterId, placementStore.WorkWrite[]>();
  for (const work of works) worksIn.set(work.cluster, [...(worksIn.get(work.cluster) ?? []), work]);
  const changes = new Map(capacity.map((change) => [change.cluster, change]));
  const after = (cluster: FleetCluster, stamp: string | undefined): FleetCluster => {
    const change = changes.get(cluster.id);
    if (change === undefined) return cluster;
    const { workSequence, reserved } = change;
    const unreflected = withPods(cluster.unreflected, worksIn.get(cluster.id) ?? []);
    return { ...cluster, stamp: stampAfter(cluster.stamp, stamp), workSequence, reserved, unreflected };
  };
  return {
    unknown: [...unknown].sort(),
    known: (written) =>
      locked.filter(({ id }) => !unknown.has(id)).map((cluster) => after(cluster, written.get(cluster.id))),
  };
}

/** The last part tells who wrote the capacity row. */
const stampAfter = (stamp: string, written: string | undefined): string =>
  written === undefined ? '' : `${stamp.slice(0, stamp.lastIndexOf('/'))}/${written}`;
