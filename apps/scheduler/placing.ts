import {
  type Committed,
  type Consulted,
  commitBatch,
  consult,
  type Decided,
  deadlines,
  decideRelease,
  Neighbourhood,
} from '#decision';
import type { Clock, ClusterId, Ids } from '#domain';
import type { EnginePolicy, FleetChange } from '#placement';
import type { Logger } from '#platform';
import type { PluginHost } from '#plugins';
import { placementStore, type Store } from '#store';
import { AskingAgain } from './asking-again.js';
import { Backlog } from './backlog.js';
import { changing, foreseen, nobody, together } from './committed.js';
import { FleetPicture } from './fleet/picture.js';
import type { SchedulerMetrics } from './metrics.js';
import { Preempting } from './preempting.js';
import { isTransient } from './transient.js';

export interface PlacerParts {
  store: Store;
  /** Names this scheduler in the audit; different for each. */
  name: string;
  policy: EnginePolicy;
  ids: Ids;
  metrics: SchedulerMetrics;
  log: Logger;
  batchSize: number;
  clock: Clock;
  /** Asked before every batch; absent: there are none. */
  plugins?: PluginHost | undefined;
}

export interface Round {
  taken: number;
  placed: number;
  refused: number;
  /** To be decided again on newer figures. */
  stale: number;
  lost: number;
  /** Refused until those have left that gave way to them. */
  preempting: number;
  /** Refused at these generations: for a timer that tries again. */
  refusals: readonly (placementStore.ReleaseRef & { generation: bigint; reason: string })[];
  /** Placed at these generations: for a timer that looks whether they became ready. */
  placements: readonly (placementStore.ReleaseRef & { generation: bigint })[];
}

interface Undecidable {
  release: placementStore.WaitingRelease;
  why: string;
}

const nobodyAsked: Consulted = new Map();

const nothing: Round = {
  ...{ taken: 0, placed: 0, refused: 0, stale: 0, lost: 0, preempting: 0 },
  ...{ refusals: [], placements: [] },
};

/**
 * Takes what waits, decides on its own picture of the fleet, commits on locked figures. One at a time: `refresh` and
 * `round` are never run together.
 */
export class Placer {
  readonly picture = new FleetPicture();
  readonly #dirty = new Set<ClusterId>();
  readonly #changes = new Set<FleetChange>();
  #allDirty = true;
  readonly #principal;
  readonly #backlog: Backlog;
  readonly #askingAgain: AskingAgain;
  readonly #preempting: Preempting;

  constructor(private readonly parts: PlacerParts) {
    this.#principal = { kind: 'system' as const, actor: `scheduler/${parts.name}` };
    const { store, name, clock, policy, ids, metrics, log, plugins } = parts;
    this.#askingAgain = new AskingAgain(clock, plugins?.askAgainMs);
    const { picture } = this;
    this.#preempting = new Preempting({ store, principal: this.#principal, picture, policy, ids, metrics, log });
    this.#backlog = new Backlog({
      read: (sql, parameters) => store.unitOfWork.read(this.#principal, sql, parameters),
      name,
      clock,
    });
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
    const asked = this.#allDirty ? undefined : this.picture.withDoubles([...this.#dirty]);
    if (asked === undefined || asked.length > 0) {
      this.#allDirty = false;
      this.#dirty.clear();
      await this.#read(asked).catch((error: unknown) => {
        if (asked === undefined) this.#allDirty = true;
        else for (const cluster of asked) this.#dirty.add(cluster);
        throw error;
      });
    }
    if (this.#askingAgain.isDue()) this.#note(['plugin.answers']);
    await this.#wake();
    if (feedPosition !== undefined) this.picture.snapshot.feedPosition = feedPosition;
  }

  async #read(asked: readonly ClusterId[] | undefined): Promise<void> {
    const { store, metrics } = this.parts;
    const reading = await store.unitOfWork.run(this.#principal, (tx) => placementStore.readFleet(tx, asked));
    await this.#readSchemas(reading);
    this.#note(this.picture.take(reading, asked));
    metrics.clusters.set(this.picture.states.size);
  }

  #note(changes: readonly FleetChange[]): void {
    for (const change of changes) this.#changes.add(change);
  }

  /** What was seen to change and could not be passed on is kept until it is. */
  async #wake(): Promise<void> {
    const changes = [...this.#changes].sort();
    if (changes.length === 0) return;
    const { store, metrics, log } = this.parts;
    const woken = await store.unitOfWork.run(this.#principal, (tx) =>
      placementStore.wakeReleases(tx, changes, deadlines.waiting),
    );
    this.#changes.clear();
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
    const { batchSize, metrics } = this.parts;
    const done = metrics.roundSeconds.startTimer();
    const waiting = await this.#backlog.next(batchSize, this.picture.snapshot);
    if (waiting.length === 0) return nothing;
    const consulted = await this.#consult(waiting);
    const { batch, undecidable, moved } = this.#decide(waiting, consulted);
    const first = await this.#preempting.first(batch, { moved, consulted });
    const { preempting, ...committed } =
      first === undefined
        ? { ...(await this.#commitApart(batch, undecidable)), preempting: 0 }
        : await this.#commitPreempting(batch, first, consulted, undecidable);
    this.#backlog.note(committed.placed, committed.refused.length + preempting);
    if (undecidable.length > 0) await this.#refuseUndecidable(undecidable);
    await this.#wake();
    done();
    return { ...this.#count(waiting.length, committed, undecidable), preempting };
  }

  async #consult(waiting: readonly placementStore.WaitingRelease[]): Promise<Consulted> {
    const { plugins } = this.parts;
    return plugins === undefined ? nobodyAsked : await consult(waiting, this.picture.snapshot, plugins);
  }

  /**
   * What was decided before the release that others may give way to is committed; what was decided after it waits for the
   * next round, when the room is given away that is left then.
   */
  async #commitPreempting(
    batch: readonly Decided[],
    first: number,
    consulted: Consulted,
    undecidable: Undecidable[],
  ): Promise<Committed & { preempting: number }> {
    const before = await this.#commitApart(batch.slice(0, first), undecidable);
    const later = batch.slice(first + 1);
    for (const { decision, release } of batch.slice(first))
      for (const { cluster } of [...decision.additions, ...release.nominated]) this.touch(cluster);
    const moved = new Neighbourhood();
    for (const { release, decision } of before.placed) moved.note(release, decision.allotments);
    const [asked] = batch.slice(first, first + 1);
    if (asked === undefined) return { ...before, preempting: 0 };
    await this.refresh();
    const outcome = await this.#preempting.take(asked.release, { moved, consulted });
    const stale = later.map(again);
    if (outcome.kind === 'decided') {
      const own = await this.#commitApart([outcome.decided], undecidable);
      return { ...together([before, own, { ...nobody, stale }]), preempting: 0 };
    }
    if (outcome.kind === 'stale')
      return { ...together([before, { ...nobody, stale: [again(asked), ...stale] }]), preempting: 0 };
    for (const cluster of outcome.clusters) this.touch(cluster);
    return { ...together([before, { ...nobody, stale }]), preempting: 1 };
  }

  #decide(waiting: readonly placementStore.WaitingRelease[], consulted: Consulted) {
    const { policy, ids } = this.parts;
    const { snapshot, schemas } = this.picture;
    const moved = new Neighbourhood();
    const deciding = { snapshot, schemas, policy, ids, key: placementStore.releaseKey, moved };
    const batch: Decided[] = [];
    const undecidable: Undecidable[] = [];
    for (const release of waiting) {
      try {
        const decided = decideRelease(release, deciding, consulted.get(release));
        this.#askingAgain.note(decided.decision.refused);
        batch.push(decided);
      } catch (error) {
        this.#giveUp(undecidable, release, error);
      }
    }
    return { batch, undecidable, moved };
  }

  async #refuseUndecidable(undecidable: readonly Undecidable[]): Promise<void> {
    await this.parts.store.unitOfWork.run(this.#principal, async (tx) => {
      const releases = undecidable.map(({ release }) => release);
      const waiting = await placementStore.lockWaiting(tx, releases);
      const refused = undecidable
        .filter(({ release }) => waiting.has(placementStore.releaseKey(release)))
        .map(({ release, why }) => ({
          ...release,
          phase: 'refused' as const,
          refusals: [{ reason: 'DecisionFailed', message: `the decision failed: ${why}`, facts: {} }],
          wakeOn: [],
          deadlineMs: deadlines.refused,
        }));
      await placementStore.moveReleases(tx, refused);
      await tx.audit.append(
        ...refused.map(({ tenant, project, environment, number, phase, refusals }) => ({
          tenant,
          actor: this.#principal.actor,
          action: 'placement.refuse',
          target: `projects/${project}/environments/${environment}/releases/${number}`,
          before: { phase: 'waiting' },
          after: { phase, refusals: refusals.map(({ reason, message }) => ({ reason, message })) },
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
    if (batch.length === 0) return nobody;
    const { store, ids } = this.parts;
    const touched = new Set(batch.flatMap(changing));
    const { states: decidedOn, readings: known } = this.picture;
    const context = { actor: this.#principal.actor, ids, decidedOn, known };
    try {
      const committed = await store.unitOfWork.run(this.#principal, (tx) => commitBatch(tx, batch, context));
      for (const cluster of committed.locked) touched.delete(cluster);
      // Heard here first, the feed will bring no news of it.
      this.#note(this.picture.take(await committed.fleet, committed.locked, foreseen(batch, committed)));
      return committed;
    } finally {
      // What was handed out in memory and not committed is given back by reading again.
      for (const cluster of touched) this.touch(cluster);
    }
  }

  /** A batch that the database will not take is committed one by one, so that what is wrong with one stays with that one. */
  async #commitApart(batch: readonly Decided[], undecidable: Undecidable[]): Promise<Committed> {
    try {
      return await this.#commit(batch);
    } catch (error) {
      if (isTransient(error)) throw error;
      const [only, ...others] = batch;
      if (only === undefined) throw error;
      if (others.length === 0) {
        this.#giveUp(undecidable, only.release, error);
        return nobody;
      }
      const parts: Committed[] = [];
      for (const decided of batch) parts.push(await this.#commitApart([decided], undecidable));
      return together(parts);
    }
  }

  /** One release that cannot be decided must not hold up the others: it is refused, and says so. */
  #giveUp(undecidable: Undecidable[], release: placementStore.WaitingRelease, error: unknown): void {
    // The tenant is told a name for it; what it was is for the operators, in the log.
    const incident = this.parts.ids.shortId(8);
    const key = placementStore.releaseKey(release);
    this.parts.log.error({ err: error, release: key, incident }, 'release could not be decided');
    this.parts.metrics.failures.inc({ part: 'decide' });
    undecidable.push({ release, why: `internal error ${incident}` });
  }

  #count(taken: number, { placed, refused, stale, lost }: Committed, undecidable: readonly Undecidable[]) {
    const { metrics, log } = this.parts;
    if (placed.length + refused.length + stale.length > 0) metrics.commits.inc();
    if (stale.some(({ why }) => why !== 'preempting')) metrics.conflicts.inc();
    const outcomes = { placed: placed.length, refused: refused.length, stale: stale.length, lost: lost.length };
    for (const [outcome, count] of Object.entries(outcomes)) metrics.decisions.inc({ outcome }, count);
    log.debug({ taken, ...outcomes }, 'batch committed');
    for (const { decided, refusals } of refused)
      log.info({ release: decided.key, refusals: refusals.map(({ message }) => message) }, 'release refused');
    return {
      taken,
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

/** To be decided in the next round, whatever comes of this one. */
const again = ({ key }: Decided): Committed['stale'][number] => ({ key, cluster: '', why: 'preempting' });

/** A release as it is named after one move. */
const moved = ({ tenant, project, environment, number, generation }: placementStore.WaitingRelease) => ({
  ...{ tenant, project, environment, number },
  generation: generation + 1n,
});
