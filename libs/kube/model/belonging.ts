import type { JsonObject } from '#domain';
import { objectAt, objectsAt, textAt } from './json.js';
import type { KubernetesObject } from './kinds.js';
import { type ImportedWorkload, selects } from './workload.js';

/**
 * Which workloads an object belongs to, in their order. The first one owns it; whoever else needs it is linked to the
 * owner, so that both are placed where it is.
 */

const podSpecs = ({ podSpec }: ImportedWorkload): JsonObject[] => [
  podSpec,
  ...objectsAt(podSpec, 'containers'),
  ...objectsAt(podSpec, 'initContainers'),
];

/** Whether a pod refers to a ConfigMap: as a volume, as all variables, or as one. */
export function usesConfigMap(workload: ImportedWorkload, name: string): boolean {
  const volumes = objectsAt(workload.podSpec, 'volumes');
  const projected = volumes.flatMap((volume) => objectsAt(objectAt(volume, 'projected'), 'sources'));
  const byVolume = [...volumes, ...projected].map((each) => textAt(objectAt(each, 'configMap'), 'name'));
  const byVariable = podSpecs(workload).flatMap((each) => [
    ...objectsAt(each, 'envFrom').map((from) => textAt(objectAt(from, 'configMapRef'), 'name')),
    ...objectsAt(each, 'env').map((env) => textAt(objectAt(objectAt(env, 'valueFrom'), 'configMapKeyRef'), 'name')),
  ]);
  return [...byVolume, ...byVariable].includes(name);
}

const usesClaim = (workload: ImportedWorkload, name: string): boolean =>
  objectsAt(workload.podSpec, 'volumes').some(
    (volume) => textAt(objectAt(volume, 'persistentVolumeClaim'), 'claimName') === name,
  );

const runsAs = (workload: ImportedWorkload, account: string): boolean =>
  (textAt(workload.podSpec, 'serviceAccountName') ?? textAt(workload.podSpec, 'serviceAccount')) === account;

/** A label selector with expressions may pick any pod; without them its labels say. Empty picks all. */
function picks(selector: JsonObject | undefined, workload: ImportedWorkload): boolean {
  const labels = objectAt(selector, 'matchLabels') ?? {};
  return Object.entries(labels).every(([key, value]) => workload.podLabels[key] === value);
}

function servicesOfIngress(ingress: KubernetesObject): string[] {
  const spec = objectAt(ingress, 'spec');
  const paths = objectsAt(spec, 'rules').flatMap((rule) => objectsAt(objectAt(rule, 'http'), 'paths'));
  const backends = [
    objectAt(spec, 'defaultBackend'),
    objectAt(spec, 'backend'),
    ...paths.map((path) => objectAt(path, 'backend')),
  ];
  return backends.flatMap(
    (backend) => textAt(objectAt(backend, 'service'), 'name') ?? textAt(backend, 'serviceName') ?? [],
  );
}

const accountsOf = (binding: KubernetesObject): string[] =>
  objectsAt(binding, 'subjects')
    .filter((subject) => subject.kind === 'ServiceAccount')
    .flatMap((subject) => textAt(subject, 'name') ?? []);

type Rule = (object: KubernetesObject, workload: ImportedWorkload, file: readonly KubernetesObject[]) => boolean;

const byService: Rule = (object, workload, file) => {
  const names = servicesOfIngress(object);
  return file.some(
    (each) =>
      each.kind === 'Service' &&
      names.includes(each.metadata.name) &&
      selects(objectAt(objectAt(each, 'spec'), 'selector'), workload.podLabels),
  );
};

const byRole: Rule = (object, workload, file) =>
  file.some(
    (each) =>
      each.kind === 'RoleBinding' &&
      textAt(objectAt(each, 'roleRef'), 'kind') === 'Role' &&
      textAt(objectAt(each, 'roleRef'), 'name') === object.metadata.name &&
      accountsOf(each).some((account) => runsAs(workload, account)),
  );

const byTarget: Rule = (object, workload) => {
  const target = objectAt(objectAt(object, 'spec'), 'scaleTargetRef');
  return textAt(target, 'kind') === workload.object.kind && textAt(target, 'name') === workload.object.metadata.name;
};

const rules: Readonly<Record<string, Rule>> = {
  ConfigMap: (object, workload) => usesConfigMap(workload, object.metadata.name),
  HorizontalPodAutoscaler: byTarget,
  Ingress: byService,
  NetworkPolicy: (object, workload) => picks(objectAt(objectAt(object, 'spec'), 'podSelector'), workload),
  PersistentVolumeClaim: (object, workload) => usesClaim(workload, object.metadata.name),
  PodDisruptionBudget: (object, workload) => picks(objectAt(objectAt(object, 'spec'), 'selector'), workload),
  Role: byRole,
  RoleBinding: (object, workload) => accountsOf(object).some((account) => runsAs(workload, account)),
  Service: (object, workload) => selects(objectAt(objectAt(object, 'spec'), 'selector'), workload.podLabels),
  ServiceAccount: (object, workload) => runsAs(workload, object.metadata.name),
};

/** Never empty when there is a workload: what nothing refers to belongs to its namesake, or to the first. */
export function holdersOf(
  object: KubernetesObject,
  workloads: readonly ImportedWorkload[],
  file: readonly KubernetesObject[],
): ImportedWorkload[] {
  const rule = Object.hasOwn(rules, object.kind) ? rules[object.kind] : undefined;
  const holders = rule === undefined ? [] : workloads.filter((workload) => rule(object, workload, file));
  if (holders.length > 0) return holders;
  const namesake = workloads.find((workload) => workload.component.name === object.metadata.name);
  return namesake === undefined ? workloads.slice(0, 1) : [namesake];
}
