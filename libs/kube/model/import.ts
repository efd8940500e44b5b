import {
  type ApplicationSpec,
  anywhere,
  applicationSpecSchema,
  type Component,
  type FieldViolation,
  InvalidRequest,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '#domain';
import { holdersOf, usesConfigMap } from './belonging.js';
import { servicesNamedIn } from './dns-names.js';
import { objectAt, objectsAt, without } from './json.js';
import {
  allowedKinds,
  allowedWorkloads,
  componentKindOf,
  isAttachable,
  type KubernetesObject,
  serverOwned,
  titleOf,
} from './kinds.js';
import { violationsOf } from './manifest-paths.js';
import { refuseSecretsIn } from './secrets.js';
import { type ImportedWorkload, textsIn, workloadOf } from './workload.js';

interface SortedFile {
  workloads: ImportedWorkload[];
  attached: KubernetesObject[];
}

function sortOut(objects: readonly KubernetesObject[], violations: FieldViolation[]): SortedFile {
  const seen = new Map<string, number>();
  const file: SortedFile = { workloads: [], attached: [] };
  objects.forEach((object, index) => {
    const identity = `${object.kind} ${object.metadata.name}`;
    const before = seen.get(identity);
    if (before !== undefined)
      violations.push({
        field: `manifests[${index}].metadata.name`,
        description: `${titleOf(object)} is also manifests[${before}]`,
      });
    seen.set(identity, index);
    const kind = componentKindOf(object.apiVersion, object.kind);
    if (kind !== undefined) {
      const workload = workloadOf(object, kind, index, violations);
      if (workload !== undefined) file.workloads.push(workload);
    } else if (isAttachable(object.apiVersion, object.kind)) file.attached.push(object);
    else
      violations.push({
        field: `manifests[${index}].kind`,
        description:
          `found ${object.apiVersion} ${titleOf(object)}; allowed are ${allowedKinds}. ` +
          'Namespaces are made by Berth, one for each environment; cluster-wide kinds belong to operators',
      });
  });
  return file;
}

/** All objects are of one namespace, or of none; the environment's takes its place. */
function namespaceOf(objects: readonly KubernetesObject[], violations: FieldViolation[]): string {
  let first: { namespace: JsonValue; index: number } | undefined;
  objects.forEach(({ metadata: { namespace } }, index) => {
    if (namespace === undefined || namespace === null || namespace === '') return;
    first ??= { namespace, index };
    if (namespace === first.namespace) return;
    violations.push({
      field: `manifests[${index}].metadata.namespace`,
      description: `found ${JSON.stringify(namespace)}, but manifests[${first.index}] is in ${JSON.stringify(first.namespace)}; one application lives in one namespace`,
    });
  });
  return typeof first?.namespace === 'string' ? first.namespace : 'default';
}

/** As it came, without what the server writes and without its namespace, which is the environment's. */
function carried(object: KubernetesObject, namespace: string): JsonObject {
  const metadata = without(object.metadata, 'namespace', ...serverOwned);
  const kept = { ...without(object, 'status'), metadata };
  if (object.kind !== 'RoleBinding' || !Array.isArray(object.subjects)) return kept;
  const subjects = object.subjects.map((subject) =>
    isJsonObject(subject) && subject.kind === 'ServiceAccount' && subject.namespace === namespace
      ? without(subject, 'namespace')
      : subject,
  );
  return { ...kept, subjects };
}

function linkTo(from: Component, to: Component): void {
  if (from !== to && !from.links.includes(to.name)) from.links.push(to.name);
}

/** Every text of a workload that may name a Service: variables, commands, arguments, and the ConfigMaps it uses. */
function textsOf(workload: ImportedWorkload, attached: readonly KubernetesObject[]): string[] {
  const containers = [...objectsAt(workload.podSpec, 'containers'), ...objectsAt(workload.podSpec, 'initContainers')];
  const own = containers.flatMap((each) => [
    ...objectsAt(each, 'env').flatMap((env) => textsIn(env.value ?? null)),
    ...textsIn(each.command ?? null),
    ...textsIn(each.args ?? null),
  ]);
  const configured = attached
    .filter((object) => object.kind === 'ConfigMap' && usesConfigMap(workload, object.metadata.name))
    .flatMap((object) => textsIn(objectAt(object, 'data') ?? null));
  return [...own, ...configured];
}

function inferLinks(file: SortedFile, holders: ReadonlyMap<KubernetesObject, ImportedWorkload[]>, namespace: string) {
  const services = new Map(
    file.attached
      .filter((object) => object.kind === 'Service')
      .map((object): [string, ImportedWorkload[]] => [object.metadata.name, holders.get(object) ?? []]),
  );
  const names = new Set(services.keys());
  for (const workload of file.workloads)
    for (const text of textsOf(workload, file.attached))
      for (const name of servicesNamedIn(text, names, namespace))
        for (const behind of services.get(name) ?? []) linkTo(workload.component, behind.component);
}

/**
 * Manifests as an application: each workload becomes a component, everything else stands beside the component that it
 * belongs to. What the model has no word for is carried verbatim, so that rendering gives the manifests back with
 * Berth's labels and the environment's namespace. Components that name each other's Services, or share an object, are linked.
 *
 * @throws InvalidRequest naming each wrong field by its manifest (`manifests[3].spec.template`).
 * @throws NotBuilt when a Secret, or a reference to one, is among them.
 */
export function importManifests(objects: readonly KubernetesObject[]): ApplicationSpec {
  refuseSecretsIn(objects);
  const violations: FieldViolation[] = [];
  const file = sortOut(objects, violations);
  const namespace = namespaceOf(objects, violations);
  if (violations.length === 0 && file.workloads.length === 0)
    violations.push({
      field: 'manifests',
      description: `found no workload; at least one is needed: ${allowedWorkloads}`,
    });
  if (violations.length > 0) throw new InvalidRequest(violations);

  const holders = new Map(file.attached.map((object) => [object, holdersOf(object, file.workloads, file.attached)]));
  inferLinks(file, holders, namespace);
  for (const [object, [owner, ...others]] of holders) {
    owner?.component.objects.push(carried(object, namespace));
    for (const other of others) if (owner !== undefined) linkTo(other.component, owner.component);
  }
  const spec = { components: file.workloads.map(({ component }) => component), placement: anywhere };
  const checked = applicationSpecSchema.safeParse(spec);
  if (!checked.success) throw new InvalidRequest(violationsOf(checked.error, file.workloads));
  return checked.data;
}
