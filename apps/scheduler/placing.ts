import type { ClusterId, Ids } from '#domain';
import type { EnginePolicy } from '#placement';
import type { Logger } from '#platform';
import { placementStore, type Store } from '#store';
import { deadlines } from './deadlines.js';
import { type Committed, commitBatch } from './deciding/commit.js';
import { type Decided, decideRelease } from './deciding/decided.js';
import { FleetPicture } from './fleet/picture.js';
import type { SchedulerMetrics } from './metrics.js';

export interface PlacerParts {
  store: Store;
  /** Names this scheduler in the audit; different for each. */
  name: string;
  policy: EnginePolicy;
  ids: Ids;
  metrics: SchedulerMetrics;
  log: Logger;
  batchSize: number;
}

export interface Round {
  taken: number;
  placed: number;
  refused: number;
  /** To be decided again on newer figures. */
  stale: number;
  lost: number;
  /** Refused at these generations: for a timer that tries again. */
  refusals: readonly (placementStore.ReleaseRef & { generation: bigint; reason: string })[];
  /** Placed at these generations: for a timer that looks whether they became ready. */
  placements: readonly (placementStore.ReleaseRef & { generation: bigint })[];
}

interface Undecidable {
  release: placementStore.WaitingRelease;
  why: string;
}

const nothing: Round = { taken: 0, placed: 0, refused: 0, stale: 0, lost: 0, refusals: [], placements: [] };

/**
 * Takes what waits, decides on its own picture of the fleet, commits on locked figures. One at a time: `refresh` and
 * `round` are never run together.
 */
export class Placer {
  readonly picture = new FleetPicture();
  readonly #dirty = new Set<ClusterId>();
  #allDirty = true;
  readonly #principal;

  constructor(private readonly parts: PlacerParts) {
    this.#principal = { kind: 'system' as const, actor: `scheduler/${parts.name}` };
  }

  /** A cluster has changed: it is read again before the next decision. Many changes become one reading. */
  touch(cluster: ClusterId): void {
    this.#dirty.add(cluster);
  }

  /** After a gap in what was heard: everything is read again. */
  touchAll(): void {
    this.#allDirty = true;
  }

  /** Brings the picture up to date, and wakes refused releases that its changes could make placeable. */
  async refresh(feedPosition?: bigint): Promise<void> {
    const asked = this.#allDirty ? undefined : [...this.#dirty];
    if (asked === undefined || asked.length > 0) {
      this.#allDirty = false;
      this.#dirty.clear();
      await this.#read(asked).catch((error: unknown) => {
        if (asked === undefined) this.#allDirty = true;
        else for (const cluster of asked) this.#dirty.add(cluster);
        throw error;
      });
    }
    if (feedPosition !== undefined) this.picture.snapshot.feedPosition = feedPosition;
  }

  async #read(asked: readonly ClusterId[] | undefined): Promise<void> {
    const { store, metrics, log } = this.parts;
    const reading = await store.unitOfWork.run(this.#principal, (tx) => placementStore.readFleet(tx, asked));
    await this.#readSchemas(reading);
    const changes = this.picture.take(reading, asked);
    metrics.clusters.set(this.picture.states.size);
    if (changes.length === 0) return;
    const woken = await store.unitOfWork.run(this.#principal, (tx) =>
      placementStore.wakeReleases(tx, changes, deadlines.waiting),
    );
    metrics.woken.inc(woken);
    if (woken > 0) log.info({ changes, woken }, 'refused releases woken');
  }

  async #readSchemas(reading: readonly placementStore.FleetCluster[]): Promise<void> {
    const missing = [...new Set(reading.map((cluster) => cluster.schemaDigest))].filter(
      (digest) => digest !== '' && !this.picture.schemas.has(digest),
    );
    if (missing.length === 0) return;
    const { store } = this.parts;
    const schemas = await store.unitOfWork.run(this.#principal, (tx) => placementStore.readSchemas(tx, missing));
    this.picture.keepSchemas(schemas);
  }

  /** One batch of waiting releases, from reading to commit. */
  async round(): Promise<Round> {
    const { store, name, batchSize, metrics } = this.parts;
    const done = metrics.roundSeconds.startTimer();
    const waiting = await store.unitOfWork.run(this.#principal, (tx) =>
      placementStore.readWaiting(tx, batchSize, name),
    );
    if (waiting.length === 0) return nothing;
    const { batch, undecidable } = this.#decide(waiting);
    const committed = await this.#commit(batch);
    if (undecidable.length > 0) await this.#refuseUndecidable(undecidable);
    done();
    return this.#count(batch, committed, undecidable);
  }

  #decide(waiting: readonly placementStore.WaitingRelease[]): { batch: Decided[]; undecidable: Undecidable[] } {
    const { policy, ids, log, metrics } = this.parts;
    const { snapshot, schemas } = this.picture;
    const deciding = { snapshot, schemas, policy, ids, key: placementStore.releaseKey };
    const batch: Decided[] = [];
    const undecidable: Undecidable[] = [];
    for (const release of waiting) {
      try {
        batch.push(decideRelease(release, deciding));
      } catch (error) {
        // One release that cannot be decided must not hold up the others: it is refused, and says so.
        log.error({ err: error, release: placementStore.releaseKey(release) }, 'release could not be decided');
        metrics.failures.inc({ part: 'decide' });
        undecidable.push({ release, why: error instanceof Error ? error.message : String(error) });
      }
    }
    return { batch, undecidable };
  }

  async #refuseUndecidable(undecidable: readonly Undecidable[]): Promise<void> {
    await this.parts.store.unitOfWork.run(this.#principal, async (tx) => {
      const releases = undecidable.map(({ release }) => release);
      const waiting = await placementStore.lockWaiting(tx, releases);
      await placementStore.moveReleases(
        tx,
        undecidable
          .filter(({ release }) => waiting.has(placementStore.releaseKey(release)))
          .map(({ release, why }) => ({
            ...release,
            phase: 'refused' as const,
            refusals: [{ reason: 'DecisionFailed', message: `the decision failed: ${why}`, facts: {} }],
            wakeOn: [],
            deadlineMs: deadlines.refused,
          })),
      );
      await tx.outbox.append(
        ...releases.map(({ tenant, project, application }) => ({
          tenant,
          kind: 'application' as const,
          resource: `${project}/${application}`,
        })),
      );
    });
  }

  async #commit(batch: readonly Decided[]): Promise<Committed> {
    const { store, ids } = this.parts;
    const decidedOn = new Map(this.picture.states);
    if (batch.length === 0) return { placed: [], refused: [], stale: [], lost: [], fleet: [], locked: [] };
    const touched = new Set(batch.flatMap(({ decision }) => decision.additions.map(({ cluster }) => cluster)));
    try {
      const context = { actor: this.#principal.actor, ids, decidedOn };
      const committed = await store.unitOfWork.run(this.#principal, (tx) => commitBatch(tx, batch, context));
      this.picture.take(committed.fleet, committed.locked);
      for (const cluster of committed.locked) touched.delete(cluster);
      return committed;
    } finally {
      // What was handed out in memory and not committed is given back by reading again.
      for (const cluster of touched) this.touch(cluster);
    }
  }

  #count(
    batch: readonly Decided[],
    { placed, refused, stale, lost }: Committed,
    undecidable: readonly Undecidable[],
  ): Round {
    const { metrics, log } = this.parts;
    if (placed.length + refused.length + stale.length > 0) metrics.commits.inc();
    if (stale.length > 0) metrics.conflicts.inc();
    const outcomes = { placed: placed.length, refused: refused.length, stale: stale.length, lost: lost.length };
    for (const [outcome, count] of Object.entries(outcomes)) metrics.decisions.inc({ outcome }, count);
    log.debug({ taken: batch.length, ...outcomes }, 'batch committed');
    for (const { decided, refusals } of refused)
      log.info({ release: decided.key, refusals: refusals.map(({ message }) => message) }, 'release refused');
    return {
      taken: batch.length + undecidable.length,
      ...outcomes,
      refused: refused.length + undecidable.length,
      refusals: [
        ...refused.map(({ decided, refusals }) => ({ ...moved(decided.release), reason: refusals[0]?.reason ?? '' })),
        ...undecidable.map(({ release }) => ({ ...moved(release), reason: 'DecisionFailed' })),
      ],
      placements: placed.map(({ release }) => moved(release)),
    };
  }
}

/** A release as it is named after one move. */
const moved = ({ tenant, project, environment, number, generation }: placementStore.WaitingRelease) => ({
  ...{ tenant, project, environment, number },
  generation: generation + 1n,
});
