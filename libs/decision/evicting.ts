import { type ClusterId, formatBytes, formatMcpu, type Ids, noResources } from '#domain';
import { bestEffort } from '#placement';
import { placementStore, type Transaction } from '#store';
import { measureFreshMs } from './cluster-state.js';
import { deadlines } from './deadlines.js';
import { usageWithout } from './preempting/commit.js';
import { evicted } from './preempting/words.js';
import { reservedDelta } from './reservations.js';
import { CapacityLedger } from './settle.js';
import { droppedWork } from './works.js';

type BestEffortRelease = placementStore.BestEffortRelease;
type CrowdedCluster = placementStore.CrowdedCluster;

/** A best-effort release that leaves its clusters, and for the sake of which. */
export interface Eviction {
  release: BestEffortRelease;
  crowded: CrowdedCluster;
}

const resources = ['mcpu', 'memoryBytes'] as const;

/** Of the releases, in their order, as many as are expected to bring each cluster to its ceiling. Pure. */
export function chooseEvictions(
  crowded: readonly CrowdedCluster[],
  releases: readonly BestEffortRelease[],
): Eviction[] {
  const left = new Map(crowded.map(({ cluster, excess }) => [cluster, { ...excess }]));
  const chosen = new Map<BestEffortRelease, Eviction>();
  for (const each of crowded) {
    for (const release of releases) {
      const over = left.get(each.cluster);
      if (over === undefined || resources.every((resource) => over[resource] <= 0)) break;
      const here = release.uses.filter(({ cluster }) => cluster === each.cluster);
      const helps = here.some((use) => resources.some((resource) => over[resource] > 0 && use[resource] > 0));
      if (!helps || chosen.has(release)) continue;
      chosen.set(release, { release, crowded: each });
      for (const { cluster, ...use } of release.uses) {
        const there = left.get(cluster);
        if (there !== undefined) for (const resource of resources) there[resource] -= use[resource];
      }
    }
  }
  return [...chosen.values()];
}

/**
 * Evicts best-effort releases of clusters whose measure is above the high-water mark: their works are dropped, and they ask
 * again. Locks projects, releases (those that somebody else holds are left for the next time), then clusters by id.
 */
export async function commitEvictions(
  tx: Transaction,
  { actor, ids }: { actor: string; ids: Ids },
): Promise<Eviction[]> {
  const crowded = await placementStore.readCrowded(tx, bestEffort, measureFreshMs);
  if (crowded === undefined || crowded.length === 0) return [];
  const releases = await placementStore.readBestEffort(
    tx,
    crowded.map(({ cluster }) => cluster),
  );
  const chosen = chooseEvictions(crowded, releases);
  if (chosen.length === 0) return [];
  const asking = chosen.map(({ release }) => release).filter(({ asks }) => asks);
  const projects = asking.length === 0 ? [] : await placementStore.lockProjects(tx, asking);
  const placed = await placementStore.lockPlaced(
    tx,
    chosen.map(({ release }) => release),
  );
  const asRead = new Set(placed.map(({ ref, asks }) => `${placementStore.releaseKey(ref)} ${asks}`));
  const evictions = chosen.filter(({ release }) => asRead.has(`${placementStore.releaseKey(release)} ${release.asks}`));
  if (evictions.length === 0) return [];
  const ending = asking.filter((release) => evictions.some((each) => each.release === release));
  await write(tx, evictions, usageWithout({ projects, ending }), { actor, ids });
  return evictions;
}

async function write(
  tx: Transaction,
  evictions: readonly Eviction[],
  usage: readonly placementStore.ProjectQuota[],
  { actor, ids }: { actor: string; ids: Ids },
): Promise<void> {
  const leaving = evictions.map(({ release }) => release);
  const clusters = await placementStore.clustersHolding(tx, leaving);
  const capacity = new CapacityLedger(await placementStore.lockFleet(tx, clusters));
  const holdings = await placementStore.readHoldings(tx, leaving);
  const works = holdings
    .filter(({ wanted, cluster }) => wanted && clusters.includes(cluster))
    .map((holding) => {
      const work = droppedWork(holding, capacity.next, ids);
      capacity.add(work.cluster, reservedDelta(holding.reservations, work.reservations));
      return work;
    });
  const changes = capacity.changes();
  await tx.together([
    placementStore.moveReleases(tx, evictions.map(moveOf)),
    placementStore.writeUsage(tx, usage),
    placementStore.replacePlacements(tx, leaving, []),
    placementStore.writeWorks(tx, works),
    placementStore.writeEvictions(tx, leaving),
    placementStore.writeCapacity(tx, changes),
    account(tx, evictions, actor),
    announce(tx, leaving, changes),
  ]);
}

/** Asks again; where a newer release of the application asks already, that one does. */
const moveOf = (eviction: Eviction): placementStore.ReleaseMove =>
  eviction.release.asks
    ? {
        ...eviction.release,
        phase: 'superseded',
        refusals: [],
        wakeOn: [],
        charged: noResources,
        deadlineMs: undefined,
      }
    : {
        ...eviction.release,
        phase: 'waiting',
        refusals: [refusalOf(eviction)],
        wakeOn: [],
        deadlineMs: deadlines.waiting,
      };

function refusalOf({ crowded: { cluster, measured, allocatable } }: Eviction): placementStore.StoredRefusal {
  const facts = {
    cluster,
    measuredCpu: formatMcpu(measured.mcpu),
    allocatableCpu: formatMcpu(allocatable.mcpu),
    measuredMemory: formatBytes(measured.memoryBytes),
    allocatableMemory: formatBytes(allocatable.memoryBytes),
  };
  const used = `${facts.measuredCpu} of ${facts.allocatableCpu} cpu and ${facts.measuredMemory} of ${facts.allocatableMemory} memory are used`;
  return {
    reason: evicted,
    message: `it is best-effort and was evicted from ${cluster}, where ${used}; it is placed again where the measure leaves room`,
    facts,
  };
}

const targetOf = ({ project, environment, number }: placementStore.ReleaseRef): string =>
  `projects/${project}/environments/${environment}/releases/${number}`;

const account = (tx: Transaction, evictions: readonly Eviction[], actor: string): Promise<void> =>
  tx.audit.append(
    ...evictions.map((eviction) => ({
      tenant: eviction.release.tenant,
      actor,
      action: 'placement.evict',
      target: targetOf(eviction.release),
      before: { phase: 'placed' },
      after: { phase: moveOf(eviction).phase, ...refusalOf(eviction).facts },
    })),
  );

const announce = (
  tx: Transaction,
  leaving: readonly BestEffortRelease[],
  changes: readonly { cluster: ClusterId; workSequence: bigint }[],
): Promise<void> =>
  tx.outbox.append(
    ...changes.map(({ cluster, workSequence }) => ({
      tenant: undefined,
      kind: 'work' as const,
      resource: cluster,
      version: workSequence,
    })),
    ...leaving.flatMap(({ tenant, project, environment, number, application }) => [
      { tenant, kind: 'release' as const, resource: `${project}/${environment}/${number}` },
      { tenant, kind: 'application' as const, resource: `${project}/${application}` },
    ]),
  );
