import { commitEvictions, deadlines } from '#decision';
import type { Ids } from '#domain';
import type { Logger } from '#platform';
import { placementStore, type Store } from '#store';
import type { SchedulerMetrics } from '../metrics.js';

export interface SweeperParts {
  store: Store;
  name: string;
  ids: Ids;
  metrics: SchedulerMetrics;
  log: Logger;
}

type Late = Extract<placementStore.Overdue, { kind: 'release' }>;

/**
 * Looks after what is overdue, so that nothing is stuck in silence: a refused release is tried again, a placed one that
 * is ready loses its deadline, everything else is named in the log, counted, and given a new one.
 */
export class Sweeper {
  readonly #principal;

  constructor(private readonly parts: SweeperParts) {
    this.#principal = { kind: 'system' as const, actor: `scheduler/${parts.name}` };
  }

  /** Everything that is overdue now, latest first. */
  overdue(): Promise<placementStore.Overdue[]> {
    return this.parts.store.unitOfWork.run(this.#principal, (tx) => placementStore.overdue(tx));
  }

  /** Best-effort releases leave clusters that are measured as too full. Returns how many. */
  async evict(): Promise<number> {
    const { store, log, metrics, ids } = this.parts;
    const { actor } = this.#principal;
    const evictions = await store.unitOfWork.run(this.#principal, (tx) => commitEvictions(tx, { actor, ids }));
    metrics.evicted.inc(evictions.length);
    for (const { release, crowded } of evictions)
      log.info({ release: placementStore.releaseKey(release), ...crowded }, 'best-effort release evicted');
    return evictions.length;
  }

  async round(): Promise<number> {
    await this.evict();
    const { store, log, metrics } = this.parts;
    const late = await this.overdue();
    const releases = late.filter((each): each is Late => each.kind === 'release');
    const operations = late.filter((each) => each.kind === 'operation');
    const refused = releases.filter(({ phase }) => phase === 'refused');
    const others = releases.filter(({ phase }) => phase !== 'refused');
    if (late.length === 0) return 0;
    await store.unitOfWork.run(this.#principal, async (tx) => {
      for (const { release, generation } of refused)
        await placementStore.retryRelease(tx, { ...release, generation }, deadlines.waiting);
      await placementStore.setDeadlines(
        tx,
        others.map(({ release, generation, phase, settled }) => ({
          release,
          generation,
          deadlineMs: next(phase, settled),
        })),
      );
      await placementStore.extendOperations(
        tx,
        operations.map(({ id }) => id),
        deadlines.operation,
      );
    });
    for (const each of late) {
      if (each.kind === 'release' && (each.settled || each.phase === 'refused')) continue;
      metrics.overdue.inc({ kind: each.kind === 'release' ? each.phase : 'operation' });
      const subject =
        each.kind === 'release'
          ? { release: placementStore.releaseKey(each.release), phase: each.phase }
          : { operation: each.id, target: each.target };
      log.warn({ ...subject, lateMs: Math.round(each.lateMs) }, 'overdue');
    }
    return late.length;
  }
}

/** Phases that are ends have no deadline. */
function next(phase: Late['phase'], settled: boolean): number | undefined {
  if (phase === 'waiting') return deadlines.waiting;
  if (phase === 'removing') return deadlines.removing;
  return phase === 'placed' && !settled ? deadlines.placed : undefined;
}
