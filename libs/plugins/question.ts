import type { ClusterId, ComponentKind, ComponentName, Resources } from '#domain';
import type { Snapshot } from '#placement';

/** A member cluster as plug-ins see it. */
export interface ClusterView {
  id: ClusterId;
  region: string;
  zone: string;
  provider: string;
  labels: Readonly<Record<string, string>>;
  /** Takes nothing new. */
  cordoned: boolean;
  nodes: number;
  /** What its nodes have. */
  allocatable: Resources;
  /** What may still be reserved; below zero when it is over-full. */
  free: Resources;
  /** p95 of measured use; undefined when there is no fresh measure. */
  measured: { mcpu: number; memoryBytes: number } | undefined;
}

/** Components that are placed together, as plug-ins see them. */
export interface GroupView {
  tenant: string;
  project: string;
  environment: string;
  application: string;
  components: readonly ComponentView[];
}

export interface ComponentView {
  name: ComponentName;
  kind: ComponentKind;
  replicas: number;
  /** What one replica asks for. */
  perReplica: Resources;
  /** Of its workload. */
  labels: Readonly<Record<string, string>>;
}

export interface Question {
  groups: readonly GroupView[];
  clusters: readonly ClusterView[];
}

const resources = (of: (resource: number) => number): Resources => ({ mcpu: of(0), memoryBytes: of(1), pods: of(2) });

/** In the order of `snapshot.ids`. */
export const clusterViews = (snapshot: Snapshot): ClusterView[] =>
  snapshot.slots.map((slot) => {
    const { id, region, zone, provider, labels, cordoned, nodes } = snapshot.describe(slot);
    const [mcpu, memoryBytes] = [snapshot.measured(slot, 0), snapshot.measured(slot, 1)];
    return {
      ...{ id, region, zone, provider, labels, cordoned, nodes },
      allocatable: resources((resource) => snapshot.allocatable(slot, resource)),
      free: resources((resource) => snapshot.free(slot, resource)),
      measured: mcpu < 0 || memoryBytes < 0 ? undefined : { mcpu, memoryBytes },
    };
  });
