import {
  type Consulting,
  consult,
  type Decided,
  type Deciding,
  decideRelease,
  isMeasureFresh,
  Neighbourhood,
  planFor,
  stateOf,
} from '#decision';
import type { ClusterId, ClusterSchema } from '#domain';
import { type ClusterState, type EnginePolicy, type ExternalAnswers, Snapshot } from '#placement';
import type { PluginHost } from '#plugins';
import { placementStore, type Transaction } from '#store';

interface KnownCluster {
  stamp: string;
  state: ClusterState;
}

/** A decision, and the figures that it was made on. */
export interface DecidedNow {
  decided: Decided;
  decidedOn: ReadonlyMap<ClusterId, ClusterState>;
}

type Release = placementStore.WaitingRelease;

/**
 * The fleet as it is when a decision is asked for. A gateway follows no feed for this: each time it reads which clusters
 * are not as they were, and those of them whole.
 */
export class GatewayFleet {
  readonly #snapshot = new Snapshot();
  readonly #known = new Map<ClusterId, KnownCluster>();
  /** By digest, those of the clusters above. */
  readonly #schemas = new Map<string, ClusterSchema>();
  #version = 0n;

  /** Brings it up to date. */
  async refresh(tx: Transaction): Promise<void> {
    // Read before the clusters: they are at least as new.
    const reading = [placementStore.readFeedPosition(tx), placementStore.readFleetStamps(tx)] as const;
    await tx.together(reading);
    const [feedPosition, stamps] = await Promise.all(reading);
    const changed = stamps.filter(({ id, stamp }) => this.#known.get(id)?.stamp !== stamp);
    const clusters =
      changed.length === 0
        ? []
        : await placementStore.readFleet(
            tx,
            changed.map(({ id }) => id),
          );
    const stampOf = new Map(changed.map(({ id, stamp }) => [id, stamp]));
    for (const cluster of clusters) this.#keep(stampOf.get(cluster.id) ?? '', stateOf(cluster, this.#next()));
    for (const each of stamps) this.#age(each);
    const there = new Set(stamps.map(({ id }) => id));
    for (const id of [...this.#known.keys()]) if (!there.has(id)) this.#forget(id);
    await this.#readSchemas(tx);
    this.#snapshot.feedPosition = feedPosition;
  }

  /** What plug-ins say of it, before this fleet. */
  async consult(asked: Consulting, plugins: PluginHost): Promise<readonly ExternalAnswers[]> {
    return (await consult([asked], this.#snapshot, plugins)).get(asked) ?? [];
  }

  /** Pure: what it hands out is given back at once. */
  decide(
    release: Release,
    deciding: Pick<Deciding, 'policy' | 'ids'>,
    external?: readonly ExternalAnswers[],
  ): DecidedNow {
    const decidedOn = new Map([...this.#known].map(([id, { state }]) => [id, state]));
    const key = placementStore.releaseKey;
    const moved = new Neighbourhood();
    const fleet = { snapshot: this.#snapshot, schemas: this.#schemas };
    const decided = decideRelease(release, { ...deciding, ...fleet, key, moved }, external);
    for (const id of new Set(decided.decision.additions.map(({ cluster }) => cluster))) {
      const known = this.#known.get(id);
      if (known !== undefined) this.#keep(known.stamp, { ...known.state, version: this.#next() });
    }
    return { decided, decidedOn };
  }

  /** Who would give way to a release that has no place; undefined when nobody would. Pure. */
  preempt(
    release: Release,
    placed: readonly placementStore.PlacedRelease[],
    { policy, external }: { policy: EnginePolicy; external: readonly ExternalAnswers[] | undefined },
  ) {
    const consulted = new Map(external === undefined ? [] : [[release, external]]);
    const moved = new Neighbourhood();
    return planFor(release, placed, { snapshot: this.#snapshot, schemas: this.#schemas, policy, moved, consulted });
  }

  #next(): bigint {
    this.#version += 1n;
    return this.#version;
  }

  #keep(stamp: string, state: ClusterState): void {
    this.#known.set(state.id, { stamp, state });
    this.#snapshot.upsert(state);
  }

  /** A measure grows too old without anybody writing that. */
  #age({ id, measureAgeMs }: placementStore.FleetStamp): void {
    const known = this.#known.get(id);
    const measureFresh = isMeasureFresh(measureAgeMs);
    if (known === undefined || known.state.measureFresh === measureFresh) return;
    this.#keep(known.stamp, { ...known.state, measureFresh, version: this.#next() });
  }

  #forget(id: ClusterId): void {
    this.#known.delete(id);
    this.#snapshot.remove(id);
  }

  async #readSchemas(tx: Transaction): Promise<void> {
    const digests = new Set([...this.#known.values()].map(({ state }) => state.schemaId));
    for (const digest of this.#schemas.keys()) if (!digests.has(digest)) this.#schemas.delete(digest);
    const missing = [...digests].filter((digest) => digest !== '' && !this.#schemas.has(digest));
    if (missing.length === 0) return;
    for (const [digest, schema] of await placementStore.readSchemas(tx, missing)) this.#schemas.set(digest, schema);
  }
}
