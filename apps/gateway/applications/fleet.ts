import { stateOf } from '#decision';
import type { ClusterId, ClusterSchema } from '#domain';
import { type ClusterState, Snapshot } from '#placement';
import { placementStore, type Transaction } from '#store';

/** The fleet as it is now, for one decision. */
export interface FleetNow {
  snapshot: Snapshot;
  states: ReadonlyMap<ClusterId, ClusterState>;
  schemas: ReadonlyMap<string, ClusterSchema>;
}

/** Reads the whole fleet for each decision: a gateway decides when it is asked to, and follows no clusters between. */
export class FleetReader {
  /** By digest, those of the fleet that was read last. */
  #schemas: ReadonlyMap<string, ClusterSchema> = new Map();

  async read(tx: Transaction): Promise<FleetNow> {
    // Read before the clusters: they are at least as new.
    const reading = [placementStore.readFeedPosition(tx), placementStore.readFleet(tx)] as const;
    await tx.together(reading);
    const [feedPosition, clusters] = await Promise.all(reading);
    const snapshot = new Snapshot();
    snapshot.feedPosition = feedPosition;
    const states = new Map(clusters.map((cluster) => [cluster.id, stateOf(cluster, 1n)]));
    for (const state of states.values()) snapshot.upsert(state);
    return { snapshot, states, schemas: await this.#schemasOf(tx, states) };
  }

  async #schemasOf(
    tx: Transaction,
    states: ReadonlyMap<ClusterId, ClusterState>,
  ): Promise<ReadonlyMap<string, ClusterSchema>> {
    const digests = [...new Set([...states.values()].map(({ schemaId }) => schemaId))].filter((each) => each !== '');
    const known = this.#schemas;
    const missing = digests.filter((digest) => !known.has(digest));
    const read =
      missing.length === 0 ? new Map<string, ClusterSchema>() : await placementStore.readSchemas(tx, missing);
    this.#schemas = new Map(
      digests.flatMap((digest) => {
        const schema = known.get(digest) ?? read.get(digest);
        return schema === undefined ? [] : [[digest, schema] as const];
      }),
    );
    return this.#schemas;
  }
}
