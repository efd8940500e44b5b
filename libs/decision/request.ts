import { type ClusterSchema, type Component, isJsonObject, type Toleration } from '#domain';
import {
  asRun,
  claimedStorage,
  expectedUse,
  objectRefsOf,
  podNodeSelector,
  podRequests,
  renderComponent,
  schemaMismatches,
} from '#kube';
import type { ExternalAnswers, GroupRequest, Mismatch, PlacementRequest, PodRules } from '#placement';
import type { placementStore } from '#store';
import { groupsOf } from './consulting.js';

/** Tolerations of a component's pods, as its pod spec says: for nodes, where the policy's are for clusters. */
function podTolerations({ workloadExtra: { podSpec } }: Component): Toleration[] {
  const { tolerations } = podSpec;
  if (!Array.isArray(tolerations)) return [];
  return tolerations.filter(isJsonObject).map(({ key, operator, value, effect }) => ({
    key: typeof key === 'string' ? key : '',
    operator: operator === 'Exists' ? 'Exists' : 'Equal',
    value: typeof value === 'string' ? value : '',
    effect: effect === 'NoSchedule' || effect === 'PreferNoSchedule' || effect === 'NoExecute' ? effect : '',
  }));
}

/** Which nodes a component's pods may go to. */
export const podRules = (component: Component): PodRules => ({
  tolerations: podTolerations(component),
  nodeSelector: podNodeSelector(component),
});

/** What a schema lacks of a spec's components: neither changes under its digest, and the same ones are asked about again. */
const remembered = new WeakMap<ClusterSchema, Map<string, readonly Mismatch[]>>();
const mostRemembered = 10_000;

function lackingIn(schema: ClusterSchema, key: string, find: () => readonly Mismatch[]): readonly Mismatch[] {
  const known = remembered.get(schema) ?? new Map<string, readonly Mismatch[]>();
  const found = known.get(key) ?? find();
  if (known.size >= mostRemembered) known.clear();
  remembered.set(schema, known.set(key, found));
  return found;
}

function mismatchesOf(
  components: readonly Component[],
  release: placementStore.WaitingRelease,
  schemas: ReadonlyMap<string, ClusterSchema>,
): Map<string, Mismatch[]> {
  const found = new Map<string, Mismatch[]>();
  const key = [release.digest, ...components.map(({ name }) => name)].join('/');
  let objects: ReturnType<typeof rendered> | undefined;
  for (const [digest, schema] of schemas) {
    const lacking = lackingIn(schema, key, () => {
      objects ??= rendered(components, release);
      return lackingOf(objects, schema);
    });
    if (lacking.length > 0) found.set(digest, [...lacking]);
  }
  return found;
}

const rendered = (components: readonly Component[], release: placementStore.WaitingRelease) =>
  components.map((component) => ({
    component: component.name,
    // Identities and counts stand for any: only fields are looked at.
    objects: renderComponent({
      component,
      replicas: component.replicas,
      namespace: release.namespace,
      tenant: release.tenant,
      environment: release.environment,
      application: release.application,
      workId: '',
      generation: 0n,
    }),
  }));

const lackingOf = (objects: ReturnType<typeof rendered>, schema: ClusterSchema): Mismatch[] =>
  objects.flatMap(({ component, objects: manifests }) =>
    schemaMismatches(manifests, schema)
      // A kind that is not served at all is for the kinds' filter, which names it better.
      .filter(({ path }) => path !== '')
      .map((mismatch) => ({ component, ...mismatch })),
  );

/**
 * A waiting release as the engine is asked: groups of linked components, what they need, what is held already, and what
 * plug-ins said of each group.
 */
export function requestOf(
  release: placementStore.WaitingRelease,
  schemas: ReadonlyMap<string, ClusterSchema>,
  external: readonly ExternalAnswers[] = [],
): PlacementRequest {
  const { spec, tenant, application, environment, namespace, held, neighbours, now } = release;
  const groups = groupsOf(spec).map(({ components, policy }, at): GroupRequest => {
    const refs = components.flatMap((component) => objectRefsOf(component, namespace));
    return {
      components: components.map((component) => ({
        name: component.name,
        kind: component.kind,
        replicas: component.replicas,
        perReplica: podRequests(asRun(spec, component)),
        expected: expectedUse(spec, component),
        ...podRules(component),
        storage: claimedStorage(component),
      })),
      policy,
      kinds: [...new Set(refs.map(({ apiVersion, kind }) => `${apiVersion}/${kind}`))].sort(),
      mismatches: mismatchesOf(components, release, schemas),
      external: external[at],
    };
  });
  return { tenant, application, environment, groups, previous: held, neighbours, now };
}
