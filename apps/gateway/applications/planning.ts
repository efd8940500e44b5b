import { applicationName, environmentName, planToWire, projectName, releaseName, type wire } from '#contract';
import {
  type CommitContext,
  type Committed,
  commitBatch,
  commitPreemption,
  compareShares,
  type Decided,
  mayPreempt,
  quotaObstacle,
  refusalWords,
  type Share,
  sharesOf,
} from '#decision';
import { addResources, type Clock, type Ids, type Millis, PlanOutdated, QuotaExceeded } from '#domain';
import type { EnginePolicy, ExternalAnswers } from '#placement';
import type { PluginHost } from '#plugins';
import {
  insertPlan,
  type PlannedVictim,
  placementStore,
  type Store,
  type StoredPlan,
  type StorePrincipal,
  type Transaction,
} from '#store';
import { mutate } from '../dry-run.js';
import { type Applied, type ApplyOrder, answerOf, applyApplication, isSame, lockScene, type Scene } from './apply.js';
import type { DecidedNow, GatewayFleet } from './fleet.js';
import { findPlan, planToken } from './plans.js';
import { chargeDifference } from './quota.js';
import { etagOf } from './view.js';

/** Long enough for a person to read it, short enough that the fleet is still much the same. */
const validMs: Millis = 15 * 60_000;

export interface PlanningParts {
  store: Store;
  ids: Ids;
  clock: Clock;
  fleet: GatewayFleet;
  policy: EnginePolicy;
  plugins: PluginHost | undefined;
}

/** What an apply would come to. */
interface Foreseen {
  etag: string;
  decided: Decided;
  preemption: Preemption | undefined;
  /** Content and environment are so already. */
  same: boolean;
}

const etagIn = ({ application }: Scene): string => (application === undefined ? '' : etagOf(application));

/** Who would give way, and what would be decided once they have left. */
type Preemption = NonNullable<ReturnType<GatewayFleet['preempt']>>;

interface DecidedWritten extends DecidedNow {
  /** Where there is no place, and others can make it. */
  preemption: Preemption | undefined;
}

/** Decides on the release that this transaction has just written. */
async function decideWritten(
  tx: Transaction,
  { key, environment }: ApplyOrder,
  { fleet, policy, ids }: PlanningParts,
  external: readonly ExternalAnswers[] | undefined,
): Promise<DecidedWritten> {
  const release = await placementStore.readWaitingOf(tx, { ...key, environment });
  if (release === undefined) throw new Error('what was just applied does not wait');
  const now = fleet.decide(release, { policy, ids }, external);
  if (now.decided.decision.placed || !mayPreempt(release)) return { ...now, preemption: undefined };
  const below = { tenant: release.tenant, priority: release.spec.priority ?? 0 };
  const placed = await placementStore.readPlacedBelow((sql, parameters) => tx.query(sql, parameters), below);
  return { ...now, preemption: fleet.preempt(release, placed, { policy, external }) };
}

/** The fleet as it is, and what plug-ins say before it. Before anything is locked: others need not wait for plug-ins. */
async function lookAround(
  tx: Transaction,
  { key, environment, intake: { spec } }: ApplyOrder,
  { fleet, plugins }: PlanningParts,
): Promise<readonly ExternalAnswers[] | undefined> {
  await fleet.refresh(tx);
  return plugins === undefined ? undefined : await fleet.consult({ ...key, environment, spec }, plugins);
}

const victimsOf = (preemption: Preemption | undefined): PlannedVictim[] =>
  (preemption?.victims ?? [])
    .map(({ project, environment, application, number, priority }) => ({
      ...{ project, environment, application, priority },
      number: number.toString(),
    }))
    .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));

const placeOf = ({ project, environment, number }: PlannedVictim): string => [project, environment, number].join('/');

const overQuota = ({ tenant, project }: ApplyOrder['key'], facts: Readonly<Record<string, string>>): QuotaExceeded =>
  new QuotaExceeded({
    subject: projectName(tenant, project),
    resource: facts.resource ?? '',
    asked: facts.asked ?? '',
    left: facts.left ?? '',
  });

/** Applies and decides, in a transaction that must not commit. */
async function foresee(tx: Transaction, order: ApplyOrder, parts: PlanningParts): Promise<Foreseen> {
  const external = await lookAround(tx, order, parts);
  const scene = await lockScene(tx, order);
  await applyApplication(tx, order, parts.ids, { scene: Promise.resolve(scene), anew: true });
  const { decided, preemption } = await decideWritten(tx, order, parts, external);
  if (decided.decision.placed) {
    const charges = { charge: order.intake.charge, asking: scene.asking?.charge, holding: scene.holding?.charge };
    const used = addResources(scene.project.used, chargeDifference(charges));
    const obstacle = quotaObstacle(decided, { quota: scene.project.quota, used }, scene.holding?.charge);
    if (obstacle !== undefined) throw overQuota(order.key, obstacle.facts);
  }
  return { etag: etagIn(scene), decided, preemption, same: isSame(scene, order.intake) };
}

/**
 * Shows what an apply would come to now, and keeps it, so that it can be taken exactly. What has no place is shown, too;
 * there is nothing of it to keep.
 */
export async function planApplication(
  principal: StorePrincipal,
  order: ApplyOrder,
  parts: PlanningParts,
): Promise<wire.Plan> {
  const { store, ids } = parts;
  const { key, environment, intake, author } = order;
  const { etag, decided, preemption, same } = await mutate(store, principal, true, (tx) => foresee(tx, order, parts));
  const { decision, release, refusals } = decided;
  const due = preemption?.decision ?? decision;
  const allotments = compareShares(release.held, due.allotments);
  const changed = !same || allotments.some(({ now, planned }) => now !== planned);
  const plan: StoredPlan = {
    ...{ ...key, environment, etag, changed },
    id: ids.uuid(),
    digest: intake.digest,
    allotments: sharesOf(due.allotments),
    preempts: victimsOf(preemption),
  };
  const expiresAt = due.placed
    ? await store.unitOfWork.run(principal, (tx) => keep(tx, { ...plan, author }))
    : undefined;
  return planToWire({
    plan: due.placed ? planToken(plan) : '',
    application: applicationName(key.tenant, key.project, key.application),
    environment: environmentName(key.tenant, key.project, environment),
    ...{ expiresAt, changed, allotments },
    decision: {
      createdAt: new Date(parts.clock.now()),
      placed: decision.placed,
      priority: intake.spec.priority ?? 0,
      incarnation: await store.feed.incarnation(),
      record: decision.record,
      words: refusalWords,
    },
    refusals: refusals.map(({ message }) => message),
    preempts: plan.preempts.map((each) => peerOf(key.tenant, each)),
  });
}

const peerOf = (tenant: string, { project, environment, application, number, priority }: PlannedVictim) => ({
  application: applicationName(tenant, project, application),
  release: releaseName(tenant, project, environment, BigInt(number)),
  priority,
});

async function keep(tx: Transaction, plan: StoredPlan & { author: string }): Promise<Date> {
  const { tenant, project, application, environment, digest, allotments, preempts, author, id } = plan;
  const victims = preempts.length === 0 ? {} : { preempts: preempts.map(placeOf) };
  const expiring = insertPlan(tx, plan, validMs);
  const audited = tx.audit.append({
    tenant,
    actor: author,
    action: 'applications.plan',
    target: applicationName(tenant, project, application),
    after: {
      plan: id,
      environment,
      digest,
      allotments: allotments.map((each) => ({ ...each })),
      ...victims,
    },
  });
  await tx.together([expiring, audited]);
  return await expiring;
}

/** A clause for each place where now is not what was planned. */
const differencesOf = (plan: StoredPlan, now: DecidedWritten): string[] => [
  ...victimDifferences(plan.preempts, victimsOf(now.preemption)),
  ...shareDifferences(plan.allotments, { ...now.decided, decision: now.preemption?.decision ?? now.decided.decision }),
];

function victimDifferences(planned: readonly PlannedVictim[], now: readonly PlannedVictim[]): string[] {
  const [before, after] = [planned, now].map((victims) => new Set(victims.map(placeOf)));
  return [
    ...planned.filter((each) => !after?.has(placeOf(each))).map((each) => `${each.application} need not give way now`),
    ...now
      .filter((each) => !before?.has(placeOf(each)))
      .map((each) => `${each.application} (priority ${each.priority}) would have to give way now`),
  ];
}

const shareDifferences = (
  planned: readonly Share[],
  { decision, refusals }: Pick<Decided, 'decision' | 'refusals'>,
): string[] =>
  decision.placed
    ? compareShares(decision.allotments, planned)
        .filter((each) => each.now !== each.planned)
        .map((each) => `${each.component} in ${each.cluster}: planned ${each.planned}, now ${each.now}`)
    : [
        ...refusals.map(({ message }) => `now ${message}`),
        ...planned.map(
          ({ component, cluster, replicas }) => `${component} in ${cluster}: planned ${replicas}, now none`,
        ),
      ];

const lacking: Readonly<Record<string, string>> = {
  mcpu: 'has too little cpu left',
  memoryBytes: 'has too little memory left',
  pods: 'has too few pods left',
  nodes: 'has no nodes with enough room left',
};

/** Takes a decision on locked figures, whole. */
async function take(
  tx: Transaction,
  order: ApplyOrder,
  { decided, decidedOn, preemption }: DecidedWritten,
  by: Pick<CommitContext, 'actor' | 'ids'>,
): Promise<void> {
  if (preemption !== undefined) {
    const outcome = await commitPreemption(tx, { ...preemption, decided }, by);
    if (outcome.kind === 'stale') throw outdated(order, [staleText(outcome.why, { ...decided, ...preemption })]);
    return;
  }
  const context = { ...by, decidedOn };
  const { placed, refused, stale } = await commitBatch(tx, [decided], context);
  const [refusal] = refused.flatMap(({ refusals }) => refusals);
  if (refusal !== undefined) throw overQuota(order.key, refusal.facts);
  if (placed.length === 0)
    throw outdated(
      order,
      stale.map((each) => staleText(each, decided)),
    );
}

function staleText({ cluster, why }: Committed['stale'][number], { decision }: Decided): string {
  const there = decision.allotments.filter((each) => each.cluster === cluster);
  const planned = there.map(({ component, replicas }) => `${component} in ${cluster}: planned ${replicas}`).join(', ');
  return `${planned}, now it ${lacking[why] ?? `is ${why}`}`;
}

const outdated = ({ key }: ApplyOrder, differences: readonly string[]): PlanOutdated =>
  new PlanOutdated({ name: applicationName(key.tenant, key.project, key.application), differences });

/**
 * Applies content and takes the plan that was made for it, in the transaction that it is given: exactly what was planned,
 * or nothing. Locks in the order project, application, environment, releases, clusters by id.
 *
 * @throws PlanOutdated when it would come to something else now.
 */
export async function applyAsPlanned(
  tx: Transaction,
  asked: ApplyOrder,
  token: string,
  parts: PlanningParts,
): Promise<Applied> {
  const { ids } = parts;
  const plan = await findPlan(tx, token, asked);
  const order = { ...asked, plan: plan.id };
  const external = await lookAround(tx, order, parts);
  const scene = await lockScene(tx, order);
  const etag = etagIn(scene);
  if (etag !== plan.etag)
    throw outdated(order, [`the application has changed (etag "${plan.etag}" when planned, now "${etag}")`]);
  const applied = await applyApplication(tx, order, ids, { scene: Promise.resolve(scene), anew: plan.changed });
  if (!applied.changed) return applied;
  const now = await decideWritten(tx, order, parts, external);
  const differences = differencesOf(plan, now);
  if (differences.length > 0) throw outdated(order, differences);
  await take(tx, order, now, { actor: order.author, ids });
  return await answerOf(tx, order, true);
}
