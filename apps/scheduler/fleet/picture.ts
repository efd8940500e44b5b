import { stateOf } from '#decision';
import type { ClusterId, ClusterSchema } from '#domain';
import { type ClusterState, type FleetChange, Snapshot } from '#placement';
import type { placementStore } from '#store';
import { changesBetween } from './changes.js';

/**
 * The fleet as one scheduler sees it: the engine's columns, kept current in place. One writer: readings are applied in
 * the order in which they were made, so that no older one covers a newer.
 */
export class FleetPicture {
  readonly snapshot = new Snapshot();
  readonly #states = new Map<ClusterId, ClusterState>();
  readonly #readings = new Map<ClusterId, placementStore.FleetCluster>();
  readonly #schemas = new Map<string, ClusterSchema>();
  readonly #sequences = new Map<ClusterId, bigint>();
  #version = 0n;

  /** What is announced of this cluster's works is in the picture already. */
  reflects(id: ClusterId, workSequence: bigint): boolean {
    return workSequence > 0n && (this.#sequences.get(id) ?? -1n) >= workSequence;
  }

  get states(): ReadonlyMap<ClusterId, ClusterState> {
    return this.#states;
  }

  /** Each cluster as it was read last. */
  get readings(): placementStore.KnownFleet {
    return this.#readings;
  }

  get schemas(): ReadonlyMap<string, ClusterSchema> {
    return this.#schemas;
  }

  /** Schemas that clusters name and nobody has read yet. */
  missingSchemas(): string[] {
    const digests = new Set([...this.#states.values()].map((state) => state.schemaId));
    return [...digests].filter((digest) => digest !== '' && !this.#schemas.has(digest));
  }

  /** With those that are left aside for one of them: what becomes of that one decides over them. */
  withDoubles(asked: readonly ClusterId[]): ClusterId[] {
    const all = new Set(asked);
    for (const { id, sameMemberAs } of this.#states.values())
      if (sameMemberAs !== undefined && all.has(sameMemberAs)) all.add(id);
    return [...all];
  }

  keepSchemas(schemas: ReadonlyMap<string, ClusterSchema>): void {
    for (const [digest, schema] of schemas) this.#schemas.set(digest, schema);
  }

  /**
   * Takes a reading of `asked` (all clusters when undefined): those it does not contain are gone. Returns what of it
   * could make refused work placeable. In clusters that are `asForeseen` nothing happened but what the columns show.
   */
  take(
    reading: readonly placementStore.FleetCluster[],
    asked?: readonly ClusterId[],
    asForeseen: ReadonlySet<ClusterId> = new Set(),
  ): FleetChange[] {
    const changes = new Set<FleetChange>();
    this.#version += 1n;
    for (const cluster of reading) {
      if (this.#readings.get(cluster.id) === cluster && asForeseen.has(cluster.id)) continue;
      const state = stateOf(cluster, this.#version);
      this.#readings.set(cluster.id, cluster);
      if (asForeseen.has(cluster.id)) {
        this.#states.set(state.id, state);
        this.#sequences.set(state.id, cluster.workSequence);
        continue;
      }
      for (const change of changesBetween(this.#states.get(state.id), state)) changes.add(change);
      this.#states.set(state.id, state);
      this.#sequences.set(state.id, cluster.workSequence);
      this.snapshot.upsert(state);
    }
    const found = new Set(reading.map((cluster) => cluster.id));
    for (const id of asked ?? [...this.#states.keys()]) if (!found.has(id)) this.#forget(id);
    return [...changes].sort();
  }

  #forget(id: ClusterId): void {
    this.#states.delete(id);
    this.#readings.delete(id);
    this.#sequences.delete(id);
    this.snapshot.remove(id);
  }
}
