import { setImmediate as sent } from 'node:timers/promises';
import { type ClusterId, type Ids, noResources } from '#domain';
import type { ClusterState } from '#placement';
import { placementStore, type Transaction } from '#store';
import { afterwards } from './afterwards.js';
import { stateOf } from './cluster-state.js';
import { deadlines } from './deadlines.js';
import type { Decided } from './decided.js';
import { mayChangeUse } from './quota.js';
import { type Settlement, saysTheSame, settle } from './settle.js';
import { firstWorksOf } from './works.js';

/** What became of a batch. */
export interface Committed extends Pick<Settlement, 'placed' | 'refused' | 'stale'> {
  /** Somebody else decided, superseded or deleted these meanwhile. */
  lost: readonly Decided[];
  /** The rows that were locked, as they are after the commit; there by then. */
  fleet: Promise<readonly placementStore.FleetCluster[]>;
  locked: readonly ClusterId[];
  /** Those of them that were as `known`, and are now as they were with what of the batch was placed. */
  asKnown: ReadonlySet<ClusterId>;
}

export interface CommitContext {
  actor: string;
  ids: Ids;
  /** The figures that the batch was decided on. */
  decidedOn: ReadonlyMap<ClusterId, ClusterState>;
  /** The readings behind those figures: what has not changed since is not read again. Default: everything is read. */
  known?: placementStore.KnownFleet;
}

/** Only what can change whether pods fit: a measure that moved makes nobody's decision stale. */
const figures = (state: ClusterState): string =>
  JSON.stringify([
    state.phase,
    state.cordoned,
    state.sameMemberAs,
    state.nodes,
    state.allocatable,
    state.foreignRequests,
    state.reserved,
    state.nominated,
    state.overSubscription,
    state.classes,
    state.unreflected,
    state.unmeasured,
  ]);

/**
 * Commits a batch of decisions in the transaction it is given: reservations, placements, works, records, audit and
 * announcements together. Locks projects whose use changes, then releases, then clusters by id.
 */
export async function commitBatch(
  tx: Transaction,
  batch: readonly Decided[],
  context: CommitContext,
): Promise<Committed> {
  const locked = concerned(batch);
  // How old a measure is, is no part of what is known: where it counts, it is read under the lock.
  const known = batch.some(({ release }) => release.spec.tier === 'best-effort') ? undefined : context.known;
  const asking = lockAsked(tx, batch, locked, known);
  asking.catch(() => undefined); // waited for below
  // While the locks are waited for; what is under them waits for nothing that can be done before.
  await sent();
  const firstWorks = firstWorksOf(placing(batch), context.ids);
  const { projects, waiting, holding, fleet, holdings, nominated } = await asking;
  const live = batch.filter(({ key }) => waiting.has(key));
  const lost = batch.filter(({ key }) => !waiting.has(key));
  if (live.length === 0)
    return { placed: [], refused: [], stale: [], lost, fleet: Promise.resolve([]), locked: [], asKnown: new Set() };
  const asKnown = new Set(fleet.filter((each) => known?.get(each.id) === each).map(({ id }) => id));
  const clusters = fleet.map((cluster) => {
    const state = stateOf(cluster, 0n);
    const before = context.decidedOn.get(cluster.id);
    const asDecided = asKnown.has(cluster.id) || (before !== undefined && figures(before) === figures(state));
    return { state, asDecided, workSequence: cluster.workSequence };
  });
  const settlement = settle(live, { clusters, holdings, holding, projects, nominated }, context.ids, firstWorks);
  const written = write(tx, settlement, context);
  tx.last(written);
  const { unknown, known: knownAfter } = afterwards(fleet, settlement, holdings);
  const reread = unknown.length === 0 ? Promise.resolve([]) : placementStore.readFleet(tx, unknown);
  tx.last(reread);
  for (const id of unknown) asKnown.delete(id);
  const after = Promise.all([written, reread]).then(([stamps, read]) => [...knownAfter(stamps), ...read]);
  after.catch(() => undefined); // the unit of work throws it
  const { placed, refused, stale } = settlement;
  return { placed, refused, stale, lost, fleet: after, locked, asKnown };
}

const placing = (batch: readonly Decided[]) =>
  batch
    .filter(({ decision }) => decision.placed)
    .map(({ release, decision: { allotments } }) => ({ release, allotments }));

const placingOf = (batch: readonly Decided[]): placementStore.WaitingRelease[] =>
  batch.filter(({ decision }) => decision.placed).map(({ release }) => release);

/** Clusters that a batch chooses, and those that have works of its applications. In order of id. */
function concerned(batch: readonly Decided[]): string[] {
  const clusters = batch.flatMap(({ decision, release }) =>
    decision.placed
      ? [...decision.allotments, ...release.nominated].map(({ cluster }) => cluster).concat(release.worksAt)
      : [],
  );
  return [...new Set(clusters)].sort();
}

/**
 * Projects, releases and clusters under lock, and what they hold of the batch. Sent together and taken one after the
 * other; what is locked for a release that turns out to be lost is let go with the rest.
 */
async function lockAsked(
  tx: Transaction,
  batch: readonly Decided[],
  clusters: readonly ClusterId[],
  known: placementStore.KnownFleet | undefined,
) {
  const releases = batch.map(({ release }) => release);
  const placing = placingOf(batch);
  const charged = batch.filter(mayChangeUse).map(({ release }) => release);
  const projects = charged.length === 0 ? Promise.resolve([]) : placementStore.lockProjects(tx, charged);
  const waiting = placementStore.lockWaiting(tx, releases);
  const holding = placementStore.lockHolding(tx, placing);
  const fleet = placementStore.lockFleet(tx, clusters, known);
  // None has works that had none when it was read: it asks at the same generation, and an application asks once at a time.
  const holdings = placementStore.readHoldings(
    tx,
    placing.filter(({ worksAt }) => worksAt.length > 0),
  );
  const nominated = placementStore.readNominated(
    tx,
    placing.filter(({ nominated }) => nominated.length > 0),
  );
  await tx.together([projects, waiting, holding, fleet, holdings, nominated]);
  return {
    ...{ projects: await projects, waiting: await waiting, holding: await holding },
    ...{ fleet: await fleet, holdings: await holdings, nominated: await nominated },
  };
}

/** None waits for another's answer: they are sent in this order, and one that fails takes all of them back. */
async function write(
  tx: Transaction,
  settlement: Settlement,
  context: CommitContext,
): Promise<ReadonlyMap<ClusterId, string>> {
  const { placed, refused, superseded, works, capacity, usage } = settlement;
  const told = refused.filter(({ decided, refusals }) => !saysTheSame(refusals, decided.release.refusals));
  const first = [
    // First: only one release may hold an application's place.
    placementStore.moveReleases(
      tx,
      superseded.map((release) => ({ ...release, ...ended, phase: 'superseded' as const })),
    ),
    placementStore.moveReleases(tx, movesOf(settlement)),
    // After the refusals: what is given back wakes those that lack quota.
    placementStore.writeUsage(tx, usage),
    placementStore.writeDecisions(tx, decisionsOf(placed, told)),
    placementStore.replacePlacements(
      tx,
      placed.map(({ release }) => release),
      placementsOf(placed),
    ),
    placementStore.writeWorks(tx, works),
    placementStore.endNominations(
      tx,
      placed.map(({ release }) => release).filter(({ nominated }) => nominated.length > 0),
    ),
  ];
  const stamps = placementStore.writeCapacity(tx, capacity);
  await tx.together([...first, stamps, account(tx, placed, told, context.actor), announce(tx, settlement, told)]);
  return stamps;
}

const movesOf = ({ placed, refused, charges }: Settlement): placementStore.ReleaseMove[] => [
  ...placed.map(({ key, release }) => ({
    ...release,
    ...ended,
    phase: 'placed' as const,
    charged: charges.get(key) ?? noResources,
    deadlineMs: deadlines.placed,
  })),
  ...refused.map(({ decided, refusals, wakeOn }) => ({
    ...decided.release,
    phase: 'refused' as const,
    refusals,
    wakeOn,
    deadlineMs: decided.release.nominated.length > 0 ? deadlines.preempting : deadlines.refused,
  })),
];

const decisionsOf = (placed: readonly Decided[], told: Settlement['refused']): placementStore.DecisionWrite[] =>
  [...placed, ...told.map(({ decided }) => decided)].map((decided) => ({
    id: decided.id,
    release: decided.release,
    placed: placed.includes(decided),
    engineVersion: decided.decision.basis.engineVersion,
    policyHash: decided.decision.basis.policyHash,
    feedPosition: decided.decision.basis.feedPosition,
    record: decided.record,
  }));

const placementsOf = (placed: readonly Decided[]): placementStore.PlacementWrite[] =>
  placed.flatMap(({ id, release, decision }) =>
    decision.allotments.map(({ component, cluster, replicas }) => ({
      ...release,
      component,
      cluster,
      replicas,
      releaseNumber: release.number,
      decisionId: id,
    })),
  );

const ended = { refusals: [], wakeOn: [], charged: noResources, deadlineMs: undefined };

const targetOf = ({ project, environment, number }: placementStore.ReleaseRef): string =>
  `projects/${project}/environments/${environment}/releases/${number}`;

async function account(
  tx: Transaction,
  placed: readonly Decided[],
  told: Settlement['refused'],
  actor: string,
): Promise<void> {
  const before = { phase: 'waiting' };
  await tx.audit.append(
    ...placed.map(({ id, release, decision }) => ({
      tenant: release.tenant,
      actor,
      action: 'placement.commit',
      target: targetOf(release),
      before,
      after: {
        phase: 'placed',
        decision: id,
        allotments: decision.allotments.map(({ component, cluster, replicas }) => ({ component, cluster, replicas })),
      },
    })),
    ...told.map(({ decided, refusals }) => ({
      tenant: decided.release.tenant,
      actor,
      action: 'placement.refuse',
      target: targetOf(decided.release),
      before,
      after: {
        phase: 'refused',
        decision: decided.id,
        refusals: refusals.map(({ reason, message }) => ({ reason, message })),
      },
    })),
  );
}

async function announce(tx: Transaction, settlement: Settlement, told: Settlement['refused']): Promise<void> {
  const decided = [...settlement.placed, ...told.map((each) => each.decided)];
  await tx.outbox.append(
    ...settlement.capacity.map(({ cluster, workSequence }) => ({
      tenant: undefined,
      kind: 'work' as const,
      resource: cluster,
      version: workSequence,
    })),
    // Room that was kept is there for all again, and no work tells of it.
    ...settlement.unkept.map((resource) => ({ tenant: undefined, kind: 'cluster' as const, resource })),
    ...decided.map(({ release }) => ({
      tenant: release.tenant,
      kind: 'application' as const,
      resource: `${release.project}/${release.application}`,
    })),
  );
}
