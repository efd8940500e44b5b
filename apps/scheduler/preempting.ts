import {
  type Consulted,
  commitPreemption,
  type Decided,
  decideRelease,
  mayPreempt,
  type Neighbourhood,
  type PreemptionOrder,
  planFor,
  worthPlanning,
} from '#decision';
import type { ClusterId, Ids } from '#domain';
import type { EnginePolicy, VacatedNodes } from '#placement';
import type { Logger } from '#platform';
import { placementStore, type Store, type StorePrincipal } from '#store';
import type { FleetPicture } from './fleet/picture.js';
import type { SchedulerMetrics } from './metrics.js';
import { isTransient } from './transient.js';

export interface PreemptingParts {
  store: Store;
  principal: StorePrincipal;
  picture: FleetPicture;
  policy: EnginePolicy;
  ids: Ids;
  metrics: SchedulerMetrics;
  log: Logger;
}

type Waiting = placementStore.WaitingRelease;

/** What a batch is decided with, besides the picture. */
interface Beside {
  moved: Neighbourhood;
  consulted: Consulted;
}

/** What became of a release for which others might give way. */
export type Preempted =
  /** Decided on newer figures; it is placed, or nobody can help it. */
  | { kind: 'decided'; decided: Decided }
  | { kind: 'preempting'; clusters: readonly ClusterId[] }
  /** To be tried again on newer figures. */
  | { kind: 'stale' };

const priorityOf = ({ spec }: Waiting): number => spec.priority ?? 0;
const asOf = (release: Waiting): string => `${placementStore.releaseKey(release)}@${release.generation}`;

/** More are forgotten, and tried again. */
const mostRemembered = 1_000;

/** So often what was planned is tried on newer figures; then the release is refused as any other, and does not hold up the rest. */
const mostTries = 5;

/** Finds, in what the engine refused, the releases that others of a lower priority can make room for; one at a time. */
export class Preempting {
  /** How often each asking was tried in vain. */
  readonly #tries = new Map<string, number>();

  constructor(private readonly parts: PreemptingParts) {}

  /** The place in a batch of the first release for which others could give way, as far as the picture shows. */
  async first(batch: readonly Decided[], beside: Beside): Promise<number | undefined> {
    const asking = batch
      .filter(({ decision, release }) => !decision.placed && mayPreempt(release) && !this.#isGivenUp(release))
      .map(({ release }) => release);
    if (asking.length === 0) return undefined;
    const hopeful = new Set<Waiting>();
    const nodes: VacatedNodes = new Map();
    for (const tenant of new Set(asking.map((release) => release.tenant))) {
      const own = asking.filter((release) => release.tenant === tenant);
      const placed = await this.#placedBelow(tenant, Math.max(...own.map(priorityOf)));
      for (const priority of new Set(own.map(priorityOf))) {
        const lower = placed.filter((each) => each.priority < priority);
        const equals = own.filter((release) => priorityOf(release) === priority);
        for (const release of worthPlanning(equals, lower, this.#deciding(beside)))
          if (this.#plan(release, lower, beside, nodes) !== undefined) hopeful.add(release);
      }
    }
    const at = batch.findIndex(({ release }) => hopeful.has(release));
    return at === -1 ? undefined : at;
  }

  /** Decides a release on the picture as it is now, and lets others give way to it if that is what it needs. */
  async take(release: Waiting, beside: Beside): Promise<Preempted> {
    const decided = decideRelease(release, this.#deciding(beside), beside.consulted.get(release));
    if (decided.decision.placed) return { kind: 'decided', decided };
    const placed = await this.#placedBelow(release.tenant, priorityOf(release));
    const plan = this.#plan(release, placed, beside);
    return plan === undefined ? { kind: 'decided', decided } : await this.#commit({ ...plan, decided });
  }

  async #commit(order: PreemptionOrder): Promise<Preempted> {
    const { store, principal, ids, metrics, log } = this.parts;
    const { key: release } = order.decided;
    const victims = order.victims.map(({ key }) => key);
    const context = { actor: principal.actor, ids };
    const outcome = await store.unitOfWork
      .run(principal, (tx) => commitPreemption(tx, order, context))
      .catch((error: unknown) => {
        // What is wrong with one must not hold up the others: for this asking it is not tried again.
        if (!isTransient(error)) this.#note(order.decided.release, mostTries);
        throw error;
      });
    if (outcome.kind === 'stale') {
      log.info({ release, victims, ...outcome.why }, 'preemption not taken');
      this.#note(order.decided.release, 1);
      return { kind: 'stale' };
    }
    metrics.preemptions.inc();
    metrics.victims.inc(victims.length);
    log.info({ release, victims }, 'releases gave way to one of a higher priority');
    return { kind: 'preempting', clusters: outcome.clusters };
  }

  #plan(release: Waiting, placed: readonly placementStore.PlacedRelease[], beside: Beside, nodes?: VacatedNodes) {
    try {
      return planFor(release, placed, this.#deciding(beside), nodes);
    } catch (error) {
      this.#note(release, mostTries);
      this.parts.metrics.failures.inc({ part: 'preempt' });
      this.parts.log.error({ err: error, release: placementStore.releaseKey(release) }, 'preemption cannot be planned');
      return undefined;
    }
  }

  #isGivenUp(release: Waiting): boolean {
    return (this.#tries.get(asOf(release)) ?? 0) >= mostTries;
  }

  #note(release: Waiting, tries: number): void {
    if (this.#tries.size >= mostRemembered) this.#tries.clear();
    this.#tries.set(asOf(release), (this.#tries.get(asOf(release)) ?? 0) + tries);
  }

  #placedBelow(tenant: string, priority: number): Promise<placementStore.PlacedRelease[]> {
    const { store, principal } = this.parts;
    return placementStore.readPlacedBelow((sql, parameters) => store.unitOfWork.read(principal, sql, parameters), {
      tenant,
      priority,
    });
  }

  #deciding({ moved, consulted }: Beside) {
    const { picture, policy, ids } = this.parts;
    const { snapshot, schemas } = picture;
    return { snapshot, schemas, policy, ids, key: placementStore.releaseKey, moved, consulted };
  }
}
