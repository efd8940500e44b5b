import type { ClusterState } from '#placement';
import type { placementStore } from '#store';

/** A measure older than this says nothing about now. */
export const measureFreshMs = 120_000;

export const isMeasureFresh = (ageMs: number | undefined): boolean => ageMs !== undefined && ageMs < measureFreshMs;

/** A cluster as the store holds it, in the engine's terms. `version` is the reader's: later readings are greater. */
export function stateOf(cluster: placementStore.FleetCluster, version: bigint): ClusterState {
  const { stamp, workSequence, measureAgeMs, schemaDigest, ...same } = cluster;
  return {
    ...same,
    measureFresh: isMeasureFresh(measureAgeMs),
    schemaId: schemaDigest,
    version,
  };
}
