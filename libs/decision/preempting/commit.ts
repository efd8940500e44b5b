import { addResources, type ClusterId, type Component, type Ids, noResources, type Resources } from '#domain';
import { anyNode, type Preemption, vacatedState } from '#placement';
import { placementStore, type Transaction } from '#store';
import { arbitrate, type Claim, type Stale } from '../arbitrate.js';
import { stateOf } from '../cluster-state.js';
import { deadlines } from '../deadlines.js';
import type { Decided } from '../decided.js';
import { podRules, requestOf } from '../request.js';
import { reservedBy, reservedDelta } from '../reservations.js';
import { CapacityLedger } from '../settle.js';
import { claimOf, droppedWork } from '../works.js';
import type { Victim } from './plan.js';
import { preemptedRefusal, preemptingRefusal, withPreemption } from './words.js';

/** A release that was refused, and who is to give way to it. */
export interface PreemptionOrder extends Preemption<Victim> {
  decided: Decided;
}

export interface PreemptionContext {
  actor: string;
  ids: Ids;
}

/** Done, or why not: then nothing was written. */
export type PreemptionOutcome = { kind: 'committed'; clusters: readonly ClusterId[] } | { kind: 'stale'; why: Stale };

type Holding = placementStore.Holding;

interface Locked {
  fleet: readonly placementStore.FleetCluster[];
  /** Of the release itself. */
  own: readonly Holding[];
  /** Of the victims. */
  leaving: readonly Holding[];
  /** Victims of which a newer release asks already: they end, and that one waits. */
  ending: readonly Victim[];
  projects: readonly placementStore.ProjectQuota[];
}

const isOf =
  (release: { tenant: string; project: string; environment: string; applicationUid: string }) =>
  (holding: Holding): boolean =>
    holding.tenant === release.tenant &&
    holding.project === release.project &&
    holding.environment === release.environment &&
    holding.applicationUid === release.applicationUid;

/**
 * Takes a preemption whole or not at all, in the transaction it is given: the victims' works are dropped, their releases
 * ask again, and what the release adds to each cluster is kept for it until they have left. Its place is judged once more
 * on locked figures. Locks projects, releases (those that somebody else holds are not waited for), then clusters by id.
 */
export async function commitPreemption(
  tx: Transaction,
  order: PreemptionOrder,
  context: PreemptionContext,
): Promise<PreemptionOutcome> {
  const locked = await lock(tx, order);
  if ('why' in locked) return { kind: 'stale', why: locked };
  const needs = needsOf(order, locked);
  if ('why' in needs) return { kind: 'stale', why: needs };
  await write(tx, order, locked, needs, context);
  return { kind: 'committed', clusters: locked.fleet.map(({ id }) => id) };
}

function concerned({ decided: { release }, victims, decision }: PreemptionOrder): ClusterId[] {
  const leaving = victims.flatMap(({ vacancies }) => vacancies);
  const clusters = [...decision.allotments, ...leaving].map(({ cluster }) => cluster);
  return [...new Set([...clusters, ...release.worksAt])].sort();
}

async function lock(tx: Transaction, order: PreemptionOrder): Promise<Locked | Stale> {
  const { decided, victims } = order;
  const stale = (why: string, cluster = ''): Stale => ({ key: decided.key, cluster, why });
  const asking = victims.filter(({ asks }) => asks);
  const projects = asking.length === 0 ? [] : await placementStore.lockProjects(tx, asking);
  const waiting = await placementStore.lockWaiting(tx, [decided.release]);
  if (!waiting.has(decided.key)) return stale('no longer asked for');
  const placed = await placementStore.lockPlaced(tx, victims);
  const found = new Map(placed.map((each) => [placementStore.releaseKey(each.ref), each]));
  const priority = decided.release.spec.priority ?? 0;
  for (const victim of victims) {
    const now = found.get(victim.key);
    if (now === undefined || now.priority >= priority || now.asks !== victim.asks) return stale('victim changed');
  }
  const fleet = await placementStore.lockFleet(tx, concerned(order));
  const holdings = await placementStore.readHoldings(tx, [decided.release, ...victims]);
  const own = holdings.filter(isOf(decided.release));
  const leaving = holdings.filter((holding) => victims.some((victim) => isOf(victim)(holding)));
  const known = new Set(fleet.map(({ id }) => id));
  const elsewhere = [...own, ...leaving].find(({ cluster }) => !known.has(cluster));
  if (elsewhere !== undefined) return stale('not locked', elsewhere.cluster);
  return { fleet, own, leaving, ending: asking, projects };
}

type Needs = readonly { cluster: ClusterId; amount: Resources }[];

/** What the release adds to each cluster, when there is room for all of it once the others have left. */
function needsOf({ decided: { key, release }, decision, victims }: PreemptionOrder, locked: Locked): Needs | Stale {
  const components = new Map(release.spec.components.map((each): [string, Component] => [each.name, each]));
  const claim = claimOf(
    key,
    decision.allotments,
    locked.own,
    components,
    (name) => {
      const component = components.get(name);
      return component === undefined ? anyNode : podRules(component);
    },
    release.spec,
  );
  const request = requestOf(release, new Map());
  const clusters = locked.fleet.map((cluster) => {
    const state = stateOf(cluster, 0n);
    const leaving = locked.leaving.filter(({ cluster: at }) => at === state.id);
    const amount = reservedBy(leaving.flatMap(({ reservations }) => reservations));
    const pods = victims
      .flatMap(({ vacancies }) => vacancies)
      .filter(({ cluster: at }) => at === state.id)
      .flatMap((vacancy) => vacancy.pods);
    return { state: vacatedState(state, { amount, pods }, request), asDecided: false };
  });
  const [stale] = arbitrate([claim], clusters).stale;
  return stale ?? sumsOf(claim);
}

function sumsOf({ growth }: Claim): Needs {
  const needs = new Map<ClusterId, Resources>();
  for (const { cluster, amount } of growth) needs.set(cluster, addResources(needs.get(cluster) ?? noResources, amount));
  return [...needs].map(([cluster, amount]) => ({ cluster, amount }));
}

const partyOf = (release: placementStore.WaitingRelease) => ({ ...release, priority: release.spec.priority ?? 0 });

async function write(
  tx: Transaction,
  order: PreemptionOrder,
  locked: Locked,
  needs: Needs,
  { actor, ids }: PreemptionContext,
): Promise<void> {
  const { decided, victims } = order;
  const { release } = decided;
  const party = partyOf(release);
  const capacity = new CapacityLedger(locked.fleet);
  const works = locked.leaving
    .filter(({ wanted }) => wanted)
    .map((holding) => {
      const work = droppedWork(holding, capacity.next, ids);
      capacity.add(work.cluster, reservedDelta(holding.reservations, work.reservations));
      return work;
    });
  // What is kept of a cluster is part of its row's content: every reader has to look again.
  for (const { cluster } of needs) capacity.add(cluster, noResources);
  const refusals = withPreemption({ ...release, nominated: [] }, [
    preemptingRefusal(party, victims),
    ...decided.refusals,
  ]);
  const written = [
    placementStore.moveReleases(tx, [...movesOf(order, locked), moveOf(decided, refusals)]),
    placementStore.writeUsage(tx, usageWithout(locked)),
    placementStore.writeDecisions(tx, [
      { ...decided.decision.basis, id: decided.id, release, placed: false, record: decided.record },
    ]),
    placementStore.replacePlacements(tx, victims, []),
    placementStore.writeWorks(tx, works),
    placementStore.writePreemption(tx, {
      release: party,
      decisionId: decided.id,
      victims,
      nominated: needs,
      works: locked.leaving,
      expiresMs: deadlines.nomination,
    }),
  ];
  const changes = capacity.changes();
  await tx.together([
    ...written,
    placementStore.writeCapacity(tx, changes),
    account(tx, order, refusals, actor),
    announce(tx, order, changes),
  ]);
}

const moveOf = (
  { release, decision }: Decided,
  refusals: readonly placementStore.StoredRefusal[],
): placementStore.ReleaseMove => ({
  ...release,
  phase: 'refused',
  refusals,
  wakeOn: [...new Set(['cluster.capacity', ...decision.refused.flatMap(({ wakeOn }) => wakeOn)])].sort(),
  deadlineMs: deadlines.preempting,
});

/** They ask again; where a newer release of the application asks already, that one does. */
const movesOf = (
  { victims, decided: { release } }: PreemptionOrder,
  { ending }: Locked,
): placementStore.ReleaseMove[] =>
  victims.map((victim) =>
    ending.includes(victim)
      ? { ...victim, phase: 'superseded', refusals: [], wakeOn: [], charged: noResources, deadlineMs: undefined }
      : {
          ...victim,
          phase: 'refused',
          refusals: [preemptedRefusal(victim, partyOf(release))],
          wakeOn: [],
          deadlineMs: deadlines.refused,
        },
  );

/** What ends gives its charge back. */
export function usageWithout({
  projects,
  ending,
}: Pick<Locked, 'projects'> & {
  ending: readonly Pick<Victim, 'tenant' | 'project' | 'charged'>[];
}): placementStore.ProjectQuota[] {
  return projects.map((project) => {
    const back = ending
      .filter((each) => each.tenant === project.tenant && each.project === project.project)
      .reduce((sum, { charged }) => addResources(sum, charged), noResources);
    const { mcpu, memoryBytes, pods } = project.used;
    return {
      ...project,
      used: {
        mcpu: Math.max(0, mcpu - back.mcpu),
        memoryBytes: Math.max(0, memoryBytes - back.memoryBytes),
        pods: Math.max(0, pods - back.pods),
      },
    };
  });
}

const targetOf = ({ project, environment, number }: placementStore.ReleaseRef): string =>
  `projects/${project}/environments/${environment}/releases/${number}`;

const account = (
  tx: Transaction,
  { decided: { id, release }, victims, decision }: PreemptionOrder,
  refusals: readonly placementStore.StoredRefusal[],
  actor: string,
): Promise<void> =>
  tx.audit.append(
    {
      tenant: release.tenant,
      actor,
      action: 'placement.preempt',
      target: targetOf(release),
      before: { phase: 'waiting' },
      after: {
        phase: 'refused',
        decision: id,
        refusals: refusals.map(({ reason, message }) => ({ reason, message })),
        victims: victims.map((victim) => ({ target: targetOf(victim), priority: victim.priority })),
        kept: decision.allotments.map(({ component, cluster, replicas }) => ({ component, cluster, replicas })),
      },
    },
    ...victims.map((victim) => ({
      tenant: victim.tenant,
      actor,
      action: 'placement.preempted',
      target: targetOf(victim),
      before: { phase: 'placed' },
      after: { phase: victim.asks ? 'superseded' : 'refused', by: targetOf(release), decision: id },
    })),
  );

const announce = (
  tx: Transaction,
  { decided: { release }, victims }: PreemptionOrder,
  changes: readonly placementStore.CapacityChange[],
): Promise<void> =>
  tx.outbox.append(
    ...changes.map(({ cluster, workSequence }) => ({
      tenant: undefined,
      kind: 'work' as const,
      resource: cluster,
      version: workSequence,
    })),
    ...changes.map(({ cluster }) => ({ tenant: undefined, kind: 'cluster' as const, resource: cluster })),
    ...[release, ...victims].map(({ tenant, project, application }) => ({
      tenant,
      kind: 'application' as const,
      resource: `${project}/${application}`,
    })),
  );
