import {
  type ApplicationSpec,
  type Component,
  type Ids,
  isJsonObject,
  type JsonObject,
  type ObjectRef,
  timesResources,
} from '#domain';
import { asRun, type ExpectedUse, expectedUse, renderComponent, renderNamespace } from '#kube';
import type { Allotment } from '#placement';
import type { placementStore } from '#store';
import type { Claim, Growth } from './arbitrate.js';
import { podRules } from './request.js';
import { excess, keptPods, type Need, nextReservations, reservedBy } from './reservations.js';

type Holding = placementStore.Holding;
type WorkWrite = placementStore.WorkWrite;

/** Hands out the next place in a cluster's sequence; only under that cluster's lock. */
export type NextSequence = (cluster: string) => bigint;

const needOf = ({ replicas, perReplica }: Pick<Allotment, 'replicas' | 'perReplica'>): Need => ({
  replicas,
  perReplica,
  amount: timesResources(perReplica, replicas),
});

const sameWork =
  ({ component, cluster }: Allotment) =>
  (holding: Holding): boolean =>
    holding.component === component && holding.cluster === cluster;

/** What a work orders, but for its place in the sequence: can be made before anything is locked. */
export interface RenderedWork {
  workId: string;
  generation: bigint;
  manifestsJson: string;
  objects: readonly ObjectRef[];
}

function renderedWork(
  { spec, tenant, environment, application, namespace }: placementStore.WaitingRelease,
  declared: Component,
  replicas: number,
  identity: Pick<RenderedWork, 'workId' | 'generation'>,
): RenderedWork {
  const component = asRun(spec, declared);
  const context = { component, replicas, namespace, tenant, environment, application, ...identity };
  const manifests = [renderNamespace({ name: namespace, tenant, environment }), ...renderComponent(context)];
  return { ...identity, manifestsJson: JSON.stringify(manifests), objects: manifests.map(refOf) };
}

/** As many replicas of the same component in another cluster: nothing differs but the work's id, which is drawn for it alone. */
const sameFor = (
  workId: string,
  { generation, manifestsJson, objects, workId: other }: RenderedWork,
): RenderedWork => ({
  workId,
  generation,
  manifestsJson: manifestsJson.replaceAll(other, workId),
  objects,
});

/** Works of allotments that have none yet. */
export type FirstWorks = ReadonlyMap<Allotment, RenderedWork>;

export function firstWorksOf(
  releases: readonly { release: placementStore.WaitingRelease; allotments: readonly Allotment[] }[],
  ids: Ids,
): FirstWorks {
  const works = new Map<Allotment, RenderedWork>();
  for (const { release, allotments } of releases) {
    if (release.worksAt.length > 0) continue;
    const components = new Map(release.spec.components.map((component) => [component.name, component]));
    const alike = new Map<string, RenderedWork>();
    for (const allotment of allotments) {
      const component = components.get(allotment.component);
      if (component === undefined) continue;
      const key = `${allotment.replicas} ${component.name}`;
      const workId = ids.uuid();
      const known = alike.get(key);
      const work =
        known === undefined
          ? renderedWork(release, component, allotment.replicas, { workId, generation: 1n })
          : sameFor(workId, known);
      if (known === undefined) alike.set(key, work);
      works.set(allotment, work);
    }
  }
  return works;
}

/** Undefined when they are those of any pod. */
function nodeRulesOf(component: Component): placementStore.NodeRules | undefined {
  const { tolerations, nodeSelector } = podRules(component);
  return tolerations.length === 0 && nodeSelector === undefined ? undefined : { tolerations, nodeSelector };
}

/** What a decision adds to each cluster beyond what its works reserve there, by the holdings read under lock. */
export function claimOf(
  key: string,
  allotments: readonly Allotment[],
  holdings: readonly Holding[],
  components: ReadonlyMap<string, Component>,
  rules: (component: string) => Growth['rules'],
  spec: Pick<ApplicationSpec, 'tier'> = {},
): Claim {
  return {
    key,
    growth: allotments.map((allotment) => {
      const before = holdings.find(sameWork(allotment))?.reservations ?? [];
      const { cluster, component, perReplica, replicas } = allotment;
      const each = components.get(component);
      const newlyHeld = Math.max(0, replicas - heldReplicas(before));
      return {
        cluster,
        component,
        perReplica,
        amount: excess(needOf(allotment).amount, reservedBy(before)),
        newPods: Math.max(0, replicas - keptPods(before, perReplica)),
        rules: rules(component),
        everyNode: each?.kind === 'daemon',
        expected: each === undefined ? undefined : times(expectedUse(spec, each), newlyHeld),
      };
    }),
  };
}

const heldReplicas = (before: Holding['reservations']): number =>
  before.find(({ state }) => state === 'held')?.replicas ?? 0;

const times = (each: ExpectedUse | undefined, pods: number): ExpectedUse | undefined =>
  each === undefined || pods === 0 ? undefined : { mcpu: each.mcpu * pods, memoryBytes: each.memoryBytes * pods };

export function refOf(manifest: JsonObject): ObjectRef {
  const metadata = isJsonObject(manifest.metadata) ? manifest.metadata : {};
  return {
    apiVersion: String(manifest.apiVersion),
    kind: String(manifest.kind),
    namespace: typeof metadata.namespace === 'string' ? metadata.namespace : '',
    name: String(metadata.name),
  };
}

const identity = ({ apiVersion, kind, namespace, name }: ObjectRef): string =>
  [kind, namespace, name, apiVersion].join('\n');

/** What the work orders now, and what it ordered before and is not confirmed gone. */
function nextObjects(
  ordered: readonly ObjectRef[],
  before: Holding['objects'],
  generation: bigint,
): WorkWrite['objects'] {
  const wanted = ordered.map(({ apiVersion, kind, namespace, name }) => ({
    apiVersion,
    kind,
    namespace,
    name,
    droppedGeneration: undefined,
  }));
  if (before.length === 0) return wanted;
  const kept = new Set(wanted.map(identity));
  const dropped = before
    .filter((object) => !kept.has(identity(object)))
    .map((object) => ({ ...object, droppedGeneration: object.droppedGeneration ?? generation }));
  return [...wanted, ...dropped];
}

/** A work of which its cluster is to hold nothing any more: all its objects are dropped, all it reserved is releasing. */
export function droppedWork(holding: Holding, next: NextSequence, ids: Ids): WorkWrite {
  const generation = holding.generation + 1n;
  const sequence = next(holding.cluster);
  return {
    ...holding,
    wanted: false,
    generation,
    sequence,
    manifestsJson: '[]',
    policy: undefined,
    objects: nextObjects([], holding.objects, generation),
    reservations: nextReservations(holding.reservations, undefined, { sequence, generation }, ids),
  };
}

/**
 * The works of a placed release: one for each component and cluster. A component that stays in a cluster keeps its work's
 * identity, one generation on; works without an allotment are dropped.
 */
export function worksOf(
  release: placementStore.WaitingRelease,
  allotments: readonly Allotment[],
  holdings: readonly Holding[],
  next: NextSequence,
  ids: Ids,
  firstWorks: FirstWorks = new Map(),
): WorkWrite[] {
  const components = new Map(release.spec.components.map((component) => [component.name, component]));
  const kept = allotments.flatMap((allotment): WorkWrite[] => {
    const component = components.get(allotment.component);
    if (component === undefined) return [];
    const before = holdings.find(sameWork(allotment));
    const identity = { workId: before?.workId ?? ids.uuid(), generation: (before?.generation ?? 0n) + 1n };
    const first = before === undefined ? firstWorks.get(allotment) : undefined;
    const rendered = first ?? renderedWork(release, component, allotment.replicas, identity);
    return [keptWork(release, component, allotment, rendered, before, next, ids)];
  });
  const ours = new Set(kept.map((work) => work.workId));
  const dropped = holdings
    .filter((holding) => holding.wanted && !ours.has(holding.workId))
    .map((holding) => droppedWork(holding, next, ids));
  return [...kept, ...dropped];
}

function keptWork(
  release: placementStore.WaitingRelease,
  component: Component,
  { cluster, replicas, perReplica }: Allotment,
  { workId, generation, manifestsJson, objects }: RenderedWork,
  before: Holding | undefined,
  next: NextSequence,
  ids: Ids,
): WorkWrite {
  const { tenant, project, environment, application, applicationUid, namespace } = release;
  const sequence = next(cluster);
  const expected = times(expectedUse(release.spec, component), replicas);
  const need = { ...needOf({ replicas, perReplica }), rules: nodeRulesOf(component), expected };
  // Made for each work under the locks: written out, it takes a third of the time that spreading takes.
  return {
    workId,
    tenant,
    project,
    environment,
    application,
    applicationUid,
    namespace,
    cluster,
    generation,
    sequence,
    manifestsJson,
    component: component.name,
    policy: component.objectPolicy,
    releaseNumber: release.number,
    wanted: true,
    objects: nextObjects(objects, before?.objects ?? [], generation),
    reservations: nextReservations(before?.reservations ?? [], need, { sequence, generation }, ids),
  };
}
