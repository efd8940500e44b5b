import { deadlines } from '#decision';
import { type Clock, type Instant, TokenExpired } from '#domain';
import type { Logger } from '#platform';
import type { JobRef, Queue } from '#queue';
import { type FeedRow, placementStore, type Store } from '#store';
import type { SchedulerConfig } from './config.js';
import type { SchedulerJob } from './jobs.js';
import { Loop } from './loop.js';
import type { SchedulerMetrics } from './metrics.js';
import type { Placer, Round } from './placing.js';
import type { Reaper } from './reaping/reaper.js';
import type { Sweeper } from './sweeping/sweeper.js';

export interface SchedulerParts {
  config: SchedulerConfig;
  store: Store;
  queue: Queue<SchedulerJob>;
  placer: Placer;
  reaper: Reaper;
  sweeper: Sweeper;
  clock: Clock;
  metrics: SchedulerMetrics;
  log: Logger;
}

/** A release that could not be decided waits for no change that anybody tells: it is asked again after this long. */
const retryMs = 30_000;
const retriedReason = 'DecisionFailed';

/** A release's deadline is looked after by the sweeper's own rounds: one timer for all that fall between two of them. */
const deadlineTimersEveryMs = 5_000;

/** Reports come in floods; one look at what they free is enough for all that came meanwhile. */
const reapAtMostEveryMs = 100;

/** What was just handed in is placed first. */
const reapLingerMs = 20;

/** Releases that a hint has named and the feed has not: more than wait for the feed at a time. */
const mostHinted = 10_000;

/** The loops of one scheduler, and the feed that wakes them. */
export class Scheduler {
  readonly #stopping = new AbortController();
  readonly #placing: Loop;
  readonly #reaping: Loop;
  readonly #sweeping: Loop;
  #feed: Promise<void> = Promise.resolve();
  #position = 0n;
  #readAll: Instant = 0;
  #deadlineTimerSet: Instant = 0;
  readonly #hinted = new Set<string>();

  constructor(private readonly parts: SchedulerParts) {
    const { config, reaper, sweeper } = parts;
    this.#placing = this.#loop('placing', config.scanIntervalMs, () => this.#place());
    this.#reaping = this.#loop('reaping', config.scanIntervalMs, () => reaper.round(), {
      atMostEveryMs: reapAtMostEveryMs,
      lingerMs: reapLingerMs,
    });
    this.#sweeping = this.#loop('sweeping', config.sweepIntervalMs, async () => {
      await sweeper.round();
      return false;
    });
  }

  async start(): Promise<void> {
    const { store } = this.parts;
    store.feed.startSequencer();
    // What happens from here on is heard; what was before is read.
    this.#position = await store.feed.position();
    this.#feed = this.#listen();
    const deaf = store.feed.hear(({ kind, resource }) => kind === 'release' && this.#placeSoon(resource));
    this.#stopping.signal.addEventListener('abort', deaf);
    this.#placing.start();
    this.#reaping.start();
    this.#sweeping.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#placing.stop(), this.#reaping.stop(), this.#sweeping.stop(), this.#feed]);
  }

  #loop(name: string, everyMs: number, round: () => Promise<boolean>, pace = { atMostEveryMs: 0, lingerMs: 0 }): Loop {
    const { log, metrics } = this.parts;
    return new Loop({
      name,
      everyMs,
      ...pace,
      log,
      round,
      onFailure: () => metrics.failures.inc({ part: name }),
    });
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stopping;
    const kinds = ['release', 'cluster', 'work', 'status'] as const;
    const { store, placer, log } = this.parts;
    while (!signal.aborted)
      try {
        for await (const rows of store.feed.subscribe({ after: this.#position, kinds, signal }))
          for (const row of rows) this.#hear(row);
      } catch (error) {
        if (!(error instanceof TokenExpired)) throw error;
        log.warn({ err: error }, 'fallen behind the feed; everything is read again');
        this.#position = await store.feed.position();
        placer.touchAll();
      }
  }

  /** The feed will name it again. */
  #placeSoon(release: string): void {
    if (this.#hinted.size >= mostHinted) this.#hinted.clear();
    this.#hinted.add(release);
    this.#placing.wake();
  }

  #hear({ kind, resource, position, version }: FeedRow): void {
    const { placer } = this.parts;
    this.#position = position;
    // Its own commits are in the picture before the feed brings them.
    const isNews = kind === 'cluster' || (kind === 'work' && !placer.picture.reflects(resource, version));
    if (isNews) placer.touch(resource);
    const isKnown = kind === 'release' && this.#hinted.delete(resource);
    if (kind === 'cluster' || (kind === 'release' && !isKnown)) this.#placing.wake();
    if (kind === 'status' || kind === 'release') this.#reaping.wake();
  }

  async #place(): Promise<boolean> {
    const { placer, clock, config } = this.parts;
    if (clock.now() - this.#readAll >= config.rereadIntervalMs) {
      placer.touchAll();
      this.#readAll = clock.now();
    }
    // Taken before reading: what is read is at least as new.
    await placer.refresh(this.#position);
    const round = await placer.round();
    this.#setTimers(round);
    const moved = round.placed + round.refused + round.stale + round.lost + round.preempting > 0;
    return moved && (round.stale > 0 || round.taken >= config.batchSize);
  }

  /** Not waited for: a timer that is not set costs what the next scan costs. */
  #setTimers({ refusals, placements }: Round): void {
    const again = refusals.filter(({ reason }) => reason === retriedReason);
    this.#setTimer('release.retry', again, retryMs);
    const [first] = placements;
    const now = this.parts.clock.now();
    if (first === undefined || now - this.#deadlineTimerSet < deadlineTimersEveryMs) return;
    this.#deadlineTimerSet = now;
    this.#setTimer('release.deadline', [first], deadlines.placed + deadlineTimersEveryMs);
  }

  #setTimer(
    job: SchedulerJob,
    releases: readonly (placementStore.ReleaseRef & { generation: bigint })[],
    delayMs: number,
  ): void {
    if (releases.length === 0) return;
    const refs = releases.map((each): JobRef => ({ id: placementStore.releaseKey(each), generation: each.generation }));
    this.parts.queue
      .addAll(job, refs, { delayMs })
      .catch((error: Error) => this.parts.log.warn({ error: error.message, job }, 'timers could not be set'));
  }
}
