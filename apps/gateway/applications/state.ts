import type { ClusterComponentView, ComponentView, ReasonView } from '#contract';
import { noFindings, type ReplicaCounts, type RunPhase, runPhaseOf, type StatusReason, worstPhase } from '#domain';
import type { ActiveRelease, StoredApplication, StoredRefusal, StoredWork } from '#store';

/** How an application stands in one environment. */
export interface EnvironmentState {
  environment: string;
  release: ActiveRelease;
  phase: RunPhase;
  components: readonly ComponentView[];
}

const nothing: ReplicaCounts = { desired: 0, updated: 0, ready: 0, unavailable: 0, restarts: 0 };

const sum = (a: ReplicaCounts, b: ReplicaCounts): ReplicaCounts => ({
  desired: a.desired + b.desired,
  updated: a.updated + b.updated,
  ready: a.ready + b.ready,
  unavailable: a.unavailable + b.unavailable,
  restarts: a.restarts + b.restarts,
});

/** It is about what is wanted now: what refused an older content says nothing about this one. */
const isRefusal = ({ refusedGeneration }: StatusReason, { wanted, generation }: StoredWork): boolean =>
  wanted && refusedGeneration === `${generation}`;

const reasonView = (reason: StatusReason, work: StoredWork): ReasonView => ({
  ...{ reason: reason.reason, message: reason.message, count: reason.count },
  facts: isRefusal(reason, work) ? { refused: 'true' } : {},
});

function phaseOfWork(work: StoredWork): RunPhase {
  if (!work.wanted) return 'removing';
  if (work.status === null) return work.freshness === 'unknown' ? 'unknown' : 'applying';
  return runPhaseOf({
    phase: work.status.phase,
    freshness: work.freshness,
    current: work.status.generation >= work.generation,
    whole: shortOf(work) === undefined,
    refused: work.status.reasons.some((reason) => isRefusal(reason, work)),
  });
}

/** Kinds whose replicas the decision says; how many a daemon or a job has, the cluster knows better. */
const counted: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet']);

/** Before anything of it was all there, the cluster knows nothing better than the decision. */
const isCounted = ({ status }: StoredWork): boolean =>
  status === null || status.generation === 0 || status.objects.some(({ kind }) => counted.has(kind));

/** What was decided is what is desired; a report may be of an older generation, or of objects not seen yet. */
function desiredOf(work: StoredWork): number {
  if (!work.wanted) return 0;
  const seen = work.status?.replicas.desired;
  return (isCounted(work) ? (work.replicas ?? seen) : (seen ?? work.replicas)) ?? 0;
}

/** The object in the cluster asks for fewer replicas than were decided: somebody else has changed it. */
function shortOf(work: StoredWork): ReasonView | undefined {
  const { status, replicas, generation } = work;
  if (status === null || replicas === null || status.generation < generation || status.phase !== 'ready')
    return undefined;
  if (!isCounted(work) || status.replicas.ready >= replicas) return undefined;
  return {
    reason: 'FewerReplicas',
    message: `${replicas} replicas were decided, the object in the cluster asks for ${status.replicas.desired}`,
    count: 1,
    facts: { decided: `${replicas}`, found: `${status.replicas.desired}` },
  };
}

function clusterView(work: StoredWork): ClusterComponentView {
  const short = work.wanted ? shortOf(work) : undefined;
  return {
    cluster: work.cluster,
    phase: phaseOfWork(work),
    freshness: work.freshness,
    replicas: { ...(work.status?.replicas ?? nothing), desired: desiredOf(work) },
    reasons: [short, ...(work.status?.reasons ?? []).map((reason) => reasonView(reason, work))].filter(
      (each) => each !== undefined,
    ),
    objects: work.status?.objects ?? [],
    findings: work.status?.findings ?? noFindings,
    reportedAt: work.status?.reportedAt,
  };
}

const refusalView = (refusal: StoredRefusal): ReasonView => ({
  reason: refusal.reason,
  message: refusal.message ?? refusal.reason,
  count: 1,
  facts: refusal.facts ?? {},
});

/** What the release's own life says of all its components; undefined: what the clusters say. */
function phaseOfRelease(release: ActiveRelease): RunPhase | undefined {
  switch (release.phase) {
    case 'waiting':
    case 'refused':
    case 'removing':
    case 'removed':
      return release.phase;
    case 'placed':
    case 'superseded':
      return undefined;
  }
}

function componentView(
  component: { name: string; replicas: number },
  works: readonly StoredWork[],
  release: ActiveRelease,
): ComponentView {
  const clusters = works.map(clusterView);
  // What goes from a cluster says nothing about how the component is where it stays.
  const staying = works.filter(({ wanted }) => wanted).map(phaseOfWork);
  const unplaced: RunPhase = component.replicas === 0 ? 'ready' : 'applying';
  const seen = staying.length === 0 ? unplaced : worstPhase(staying);
  const refusals = release.phase === 'refused' ? release.refusals.map(refusalView) : [];
  return {
    component: component.name,
    phase: phaseOfRelease(release) ?? seen,
    replicas: clusters.map(({ replicas }) => replicas).reduce(sum, nothing),
    reasons: [...refusals, ...clusters.flatMap(({ reasons }) => reasons)],
    clusters,
  };
}

/** A component that the release does not have any more, as long as a cluster still holds something of it. */
const leavingView = (component: string, works: readonly StoredWork[]): ComponentView => {
  const clusters = works.map(clusterView);
  return {
    component,
    phase: 'removing',
    replicas: clusters.map(({ replicas }) => replicas).reduce(sum, nothing),
    reasons: [],
    clusters,
  };
};

function stateOf(application: StoredApplication, release: ActiveRelease): EnvironmentState {
  const components = release.components ?? application.spec.components;
  const works = application.works.filter(({ environment }) => environment === release.environment);
  const names = new Set(components.map(({ name }) => name));
  const leaving = [...new Set(works.map(({ component }) => component))].filter((name) => !names.has(name));
  const worksOf = (name: string) => works.filter(({ component }) => component === name);
  const views = components.map((component) => componentView(component, worksOf(component.name), release));
  return {
    environment: release.environment,
    release,
    phase: worstPhase(views.map(({ phase }) => phase)),
    components: [...views, ...leaving.map((name) => leavingView(name, worksOf(name)))],
  };
}

/** The release that speaks for its environment: the one that asks, since it is what was wanted last. */
export function environmentsOf(application: StoredApplication): EnvironmentState[] {
  const speaking = new Map<string, ActiveRelease>();
  for (const release of application.releases) {
    const other = speaking.get(release.environment);
    if (other === undefined || release.number > other.number) speaking.set(release.environment, release);
  }
  return [...speaking.values()]
    .sort((a, b) => (a.environment < b.environment ? -1 : 1))
    .map((release) => stateOf(application, release));
}
