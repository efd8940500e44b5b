import { type ClusterSchema, type Component, isJsonObject, linkGroups, placementOf, type Toleration } from '#domain';
import { objectRefsOf, podNodeSelector, podRequests, renderComponent, schemaMismatches } from '#kube';
import type { GroupRequest, Mismatch, PlacementRequest, PodRules } from '#placement';
import type { placementStore } from '#store';

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

function mismatchesOf(
  components: readonly Component[],
  release: placementStore.WaitingRelease,
  schemas: ReadonlyMap<string, ClusterSchema>,
): Map<string, Mismatch[]> {
  const found = new Map<string, Mismatch[]>();
  const rendered = components.map((component) => ({
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
  for (const [digest, schema] of schemas) {
    const lacking = rendered.flatMap(({ component, objects }) =>
      schemaMismatches(objects, schema)
        // A kind that is not served at all is for the kinds' filter, which names it better.
        .filter(({ path }) => path !== '')
        .map((mismatch) => ({ component, ...mismatch })),
    );
    if (lacking.length > 0) found.set(digest, lacking);
  }
  return found;
}

/** A waiting release as the engine is asked: groups of linked components, what they need, what is held already. */
export function requestOf(
  release: placementStore.WaitingRelease,
  schemas: ReadonlyMap<string, ClusterSchema>,
): PlacementRequest {
  const { spec, tenant, application, environment, namespace, held } = release;
  const groups = linkGroups(spec).flatMap((components): GroupRequest[] => {
    const [first] = components;
    if (first === undefined) return [];
    const refs = components.flatMap((component) => objectRefsOf(component, namespace));
    return [
      {
        components: components.map((component) => ({
          name: component.name,
          kind: component.kind,
          replicas: component.replicas,
          perReplica: podRequests(component),
          ...podRules(component),
        })),
        policy: placementOf(spec, first),
        kinds: [...new Set(refs.map(({ apiVersion, kind }) => `${apiVersion}/${kind}`))].sort(),
        mismatches: mismatchesOf(components, release, schemas),
      },
    ];
  });
  return { tenant, application, environment, groups, previous: held };
}
