import { CapacityLedger, deadlines, droppedWork, reservedDelta } from '#decision';
import { addResources, type Ids, noResources, type Resources, subtractResources } from '#domain';
import type { Logger } from '#platform';
import { placementStore, type Store, type Transaction } from '#store';
import type { SchedulerMetrics } from '../metrics.js';
import { reapingSteps } from './steps.js';

export interface ReaperParts {
  store: Store;
  name: string;
  ids: Ids;
  metrics: SchedulerMetrics;
  log: Logger;
}

const batchSize = 100;

/**
 * Brings what is no longer wanted to its end: drops the works of deleted applications, orders the deletion of what agents
 * still see, frees what agents say is gone, ends releases, applications and operations. Every step looks again under its
 * locks, so that it may run twice, and in several schedulers at once.
 */
export class Reaper {
  readonly #principal;

  constructor(private readonly parts: ReaperParts) {
    this.#principal = { kind: 'system' as const, actor: `scheduler/${parts.name}` };
  }

  /** One pass. Returns whether anything was done: then there may be more to do at once. */
  async round(): Promise<boolean> {
    if (!(await this.#run(findsSomething))) return false;
    const dropped = await this.#dropRemoved();
    const reaped = await this.#reap();
    const freed = await this.#free();
    const ended = await this.#endRemoved();
    const lapsed = await this.#endLapsed();
    return dropped || reaped || freed || ended || lapsed;
  }

  #run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.parts.store.unitOfWork.run(this.#principal, work);
  }

  /** Works of releases that are being removed: their clusters are told to hold nothing. */
  async #dropRemoved(): Promise<boolean> {
    const removing = await this.#run((tx) => placementStore.readRemoving(tx, batchSize));
    const due = removing.filter(({ wantedWorks }) => wantedWorks > 0);
    if (due.length === 0) return false;
    return this.#run(async (tx) => {
      const locked = (await placementStore.lockRemoving(tx, due)).filter(({ wantedWorks }) => wantedWorks > 0);
      const fleet = await placementStore.lockFleet(tx, await placementStore.clustersHolding(tx, locked));
      const holdings = (await placementStore.readHoldings(tx, locked)).filter(({ wanted }) => wanted);
      if (holdings.length === 0) return false;
      const capacity = new CapacityLedger(fleet);
      const works = holdings.map((holding) => {
        const work = droppedWork(holding, capacity.next, this.parts.ids);
        capacity.add(work.cluster, reservedDelta(holding.reservations, work.reservations));
        return work;
      });
      await placementStore.replacePlacements(tx, locked, []);
      await placementStore.writeWorks(tx, works);
      await this.#tellClusters(tx, capacity);
      await this.#tellDeletions(tx, locked);
      return true;
    });
  }

  async #reap(): Promise<boolean> {
    const found = reapingSteps(await this.#run((tx) => placementStore.readDropped(tx)));
    const clusters = clustersOf([...found.bury, ...found.forget]);
    if (clusters.length === 0) return false;
    return this.#run(async (tx) => {
      const fleet = await placementStore.lockFleet(tx, clusters);
      const { bury, forget } = reapingSteps(await placementStore.readDropped(tx, clusters));
      const capacity = new CapacityLedger(fleet);
      const tombstones = bury.map((object) => ({
        ...object,
        id: this.parts.ids.uuid(),
        sequence: capacity.next(object.cluster),
        generation: object.droppedGeneration,
      }));
      await placementStore.writeTombstones(tx, tombstones);
      await placementStore.forgetObjects(tx, forget);
      await this.#tellClusters(tx, capacity);
      await this.#account(tx, tombstones);
      this.parts.metrics.tombstones.inc(bury.length);
      return bury.length + forget.length > 0;
    });
  }

  /** Reservations of works that shrank, and works of which nothing is left. */
  async #free(): Promise<boolean> {
    const clusters = await this.#run(async (tx) =>
      clustersOf([...(await placementStore.readSurplusGone(tx)), ...(await placementStore.readGoneWorks(tx))]),
    );
    if (clusters.length === 0) return false;
    return this.#run(async (tx) => {
      const fleet = await placementStore.lockFleet(tx, clusters);
      const surplus = await placementStore.readSurplusGone(tx, clusters);
      const gone = await placementStore.readGoneWorks(tx, clusters);
      const freed = new Map<string, Resources>();
      const free = (cluster: string, amount: Resources) =>
        freed.set(cluster, addResources(freed.get(cluster) ?? noResources, amount));
      for (const { cluster, amount } of surplus) free(cluster, amount);
      for (const { cluster, reserved } of gone) free(cluster, reserved);
      await placementStore.deleteReservations(
        tx,
        surplus.map(({ id }) => id),
      );
      await placementStore.deleteWorks(
        tx,
        gone.map(({ workId }) => workId),
      );
      await placementStore.writeCapacity(
        tx,
        fleet
          .filter(({ id }) => freed.has(id))
          .map(({ id, workSequence, reserved }) => ({
            cluster: id,
            workSequence,
            reserved: subtractResources(reserved, freed.get(id) ?? noResources),
          })),
      );
      await tx.outbox.append(
        ...[...freed.keys()].map((resource) => ({ tenant: undefined, kind: 'cluster' as const, resource })),
        ...gone.map(({ tenant, project, application }) => ({
          tenant,
          kind: 'application' as const,
          resource: `${project}/${application}`,
        })),
      );
      await this.#tellDeletions(tx, gone);
      // What left was waited for: by whom its room is kept for, and by itself.
      for (const release of await placementStore.readAwaitingGone(tx, [...freed.keys()], gone))
        await placementStore.takeBack(tx, release, deadlines.waiting);
      this.parts.metrics.freed.inc(surplus.length + gone.length);
      return freed.size > 0 || gone.length > 0;
    });
  }

  /** Room that is kept for releases that ask no longer, or for too long: it is there for all again. */
  async #endLapsed(): Promise<boolean> {
    const lapsed = await this.#run((tx) => placementStore.readLapsed(tx, batchSize));
    for (const nomination of lapsed)
      await this.#run(async (tx) => {
        const { asksAt } = nomination;
        // Whoever asks is decided anew, and not on what is kept no longer.
        const isFree =
          asksAt === undefined ||
          (await placementStore.takeBack(tx, { ...nomination, generation: asksAt }, deadlines.waiting));
        if (!isFree) return;
        const fleet = await placementStore.lockFleet(tx, nomination.clusters);
        await placementStore.endNominations(tx, [nomination]);
        await placementStore.writeCapacity(
          tx,
          fleet.map(({ id, workSequence, reserved }) => ({ cluster: id, workSequence, reserved })),
        );
        await tx.outbox.append(
          ...fleet.map(({ id }) => ({ tenant: undefined, kind: 'cluster' as const, resource: id })),
        );
        const release = placementStore.releaseKey(nomination);
        this.parts.log.info({ release }, 'room is no longer kept for a release');
      });
    return lapsed.length > 0;
  }

  async #endRemoved(): Promise<boolean> {
    const removing = await this.#run((tx) => placementStore.readRemoving(tx, batchSize));
    const due = removing.filter(({ works }) => works === 0);
    if (due.length === 0) return false;
    return this.#run(async (tx) => {
      const projects = await placementStore.lockProjects(tx, due);
      const ended = (await placementStore.lockRemoving(tx, due)).filter(({ works }) => works === 0);
      await placementStore.moveReleases(
        tx,
        ended.map((release) => ({
          ...release,
          phase: 'removed' as const,
          refusals: [],
          wakeOn: [],
          charged: noResources,
          deadlineMs: undefined,
        })),
      );
      await placementStore.writeUsage(
        tx,
        projects.map((project) => ({ ...project, used: usedWithout(project, ended) })),
      );
      const operations = await placementStore.endApplications(
        tx,
        ended.map(({ applicationUid }) => applicationUid),
      );
      await this.#announceEnd(tx, ended, operations);
      return ended.length > 0;
    });
  }

  async #announceEnd(
    tx: Transaction,
    ended: readonly placementStore.RemovingRelease[],
    operations: readonly { id: string; tenant: string }[],
  ): Promise<void> {
    await tx.audit.append(
      ...ended.map(({ tenant, project, environment, number }) => ({
        tenant,
        actor: this.#principal.actor,
        action: 'release.removed',
        target: `projects/${project}/environments/${environment}/releases/${number}`,
        before: { phase: 'removing' },
        after: { phase: 'removed' },
      })),
    );
    await tx.outbox.append(
      ...ended.map(({ tenant, project, application }) => ({
        tenant,
        kind: 'application' as const,
        resource: `${project}/${application}`,
      })),
      ...operations.map(({ id, tenant }) => ({ tenant, kind: 'operation' as const, resource: id })),
    );
    for (const { application, environment } of ended)
      this.parts.log.info({ application, environment }, 'release removed: every cluster has confirmed');
  }

  async #tellClusters(tx: Transaction, capacity: CapacityLedger): Promise<void> {
    const changes = capacity.changes();
    await placementStore.writeCapacity(tx, changes);
    await tx.outbox.append(
      ...changes.map(({ cluster, workSequence }) => ({
        tenant: undefined,
        kind: 'work' as const,
        resource: cluster,
        version: workSequence,
      })),
    );
  }

  async #tellDeletions(tx: Transaction, of: readonly { applicationUid: string }[]): Promise<void> {
    const uids = [...new Set(of.map(({ applicationUid }) => applicationUid))];
    const operations = uids.length === 0 ? [] : await placementStore.updateDeletions(tx, uids);
    await tx.outbox.append(
      ...operations.map(({ id, tenant }) => ({ tenant, kind: 'operation' as const, resource: id })),
    );
  }

  async #account(tx: Transaction, tombstones: readonly placementStore.TombstoneWrite[]): Promise<void> {
    await tx.audit.append(
      ...tombstones.map(({ tenant, cluster, kind, namespace, name, uid, mode }) => ({
        tenant,
        actor: this.#principal.actor,
        action: mode === 'let-go' ? 'object.let-go' : 'object.delete',
        target: `clusters/${cluster}/${namespace === '' ? '' : `${namespace}/`}${kind}/${name}`,
        after: { uid },
      })),
    );
  }
}

/** Most looks find nothing: one transaction with one round trip says so. */
async function findsSomething(tx: Transaction): Promise<boolean> {
  const removing = placementStore.readRemoving(tx, 1);
  const dropped = placementStore.readDropped(tx);
  const surplus = placementStore.readSurplusGone(tx);
  const gone = placementStore.readGoneWorks(tx);
  const lapsed = placementStore.readLapsed(tx, 1);
  await tx.together([removing, dropped, surplus, gone, lapsed]);
  const { bury, forget } = reapingSteps(await dropped);
  const found = [await removing, await surplus, await gone, await lapsed, bury, forget];
  return found.some((rows) => rows.length > 0);
}

const clustersOf = (of: readonly { cluster: string }[]): string[] =>
  [...new Set(of.map(({ cluster }) => cluster))].sort();

function usedWithout(
  { tenant, project, used }: placementStore.ProjectQuota,
  ended: readonly placementStore.RemovingRelease[],
): Resources {
  return ended
    .filter((release) => release.tenant === tenant && release.project === project)
    .reduce((left, { charged }) => {
      const after = subtractResources(left, charged);
      return {
        mcpu: Math.max(0, after.mcpu),
        memoryBytes: Math.max(0, after.memoryBytes),
        pods: Math.max(0, after.pods),
      };
    }, used);
}
