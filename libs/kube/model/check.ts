import {
  type ApplicationSpec,
  type Component,
  type Container,
  type FieldViolation,
  InvalidRequest,
  isJsonObject,
  type JsonObject,
  linkViolations,
} from '#domain';
import { statusRuleViolations } from '../rules/status-rules.js';
import { amountsOf, complaintsInto } from './container.js';
import { objectAt, shown } from './json.js';
import { allowedKinds, isAttachable } from './kinds.js';
import { objectRefsOf } from './render.js';
import { containerLists, refuseSecrets } from './secrets.js';

/**
 * Verbatim parts must not say what the model says: a field said twice would be counted by one and run by the other.
 */

type Add = (field: string, description: string) => void;

function refuseKeys(from: JsonObject, keys: readonly string[], path: string, add: Add): void {
  for (const key of keys)
    if (Object.hasOwn(from, key)) add(`${path}.${key}`, 'the model has a field of its own for this; say it there');
}

const filled = (container: Container): string[] => [
  ...(['command', 'args', 'env', 'ports'] as const).filter((list) => container[list].length > 0),
  ...(container.readiness === undefined ? [] : ['readinessProbe']),
  ...(container.liveness === undefined ? [] : ['livenessProbe']),
  ...(container.startup === undefined ? [] : ['startupProbe']),
];

function checkContainer(container: Container, path: string, add: Add): void {
  refuseKeys(container.extra, ['name', 'image', ...filled(container)], `${path}.extra`, add);
  const resources = objectAt(container.extra, 'resources');
  for (const list of ['requests', 'limits'] as const) {
    const amounts = objectAt(resources, list) ?? {};
    const said = ['cpu', 'memory'].filter((key) => amounts[key] !== null);
    refuseKeys(amounts, said, `${path}.extra.resources.${list}`, add);
  }
}

function checkObject(object: JsonObject, path: string, add: Add): void {
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || !isAttachable(apiVersion, kind))
    add(
      `${path}.kind`,
      `found ${shown(apiVersion)} ${shown(kind)}; allowed are ${allowedKinds}, workloads as components`,
    );
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  if (typeof metadata.name !== 'string' || metadata.name === '')
    add(`${path}.metadata.name`, `found ${shown(metadata.name)}; every Kubernetes object needs a text here`);
  if (metadata.namespace !== undefined)
    add(`${path}.metadata.namespace`, `found ${shown(metadata.namespace)}; the environment says the namespace`);
}

function checkComponent(component: Component, path: string, violations: FieldViolation[]): void {
  const add: Add = (field, description) => violations.push({ field, description });
  for (const [list, containers] of containerLists(component))
    containers.forEach((each, index) => {
      checkContainer(each, `${path}.${list}[${index}]`, add);
    });
  const { metadata, spec, podSpec } = component.workloadExtra;
  const extra = `${path}.kubernetes`;
  refuseKeys(metadata, ['name', 'namespace'], `${extra}.metadata`, add);
  const scaled = component.kind === 'service' || component.kind === 'stateful-service' ? ['replicas'] : [];
  const scheduled = component.schedule === undefined ? [] : ['schedule'];
  refuseKeys(spec, ['template', ...scaled, ...scheduled], `${extra}.spec`, add);
  const initial = component.initContainers.length === 0 ? [] : ['initContainers'];
  refuseKeys(podSpec, ['containers', 'ephemeralContainers', ...initial], `${extra}.pod_spec`, add);
  const wrong = complaintsInto(violations);
  amountsOf(objectAt(podSpec, 'overhead'), `${extra}.pod_spec.overhead`, wrong);
  amountsOf(objectAt(objectAt(podSpec, 'resources'), 'requests'), `${extra}.pod_spec.resources.requests`, wrong);
  violations.push(
    ...statusRuleViolations(component.objectPolicy?.statusRules ?? [], `${path}.object_policy.status_rules`),
  );
  component.objects.forEach((object, index) => {
    checkObject(object, `${extra}.objects[${index}]`, add);
  });
}

function twiceOwned(spec: ApplicationSpec): FieldViolation[] {
  const owners = new Map<string, string>();
  return spec.components.flatMap((component, index) =>
    objectRefsOf(component, '').flatMap(({ kind, name }) => {
      const owner = owners.get(`${kind} ${name}`);
      owners.set(`${kind} ${name}`, component.name);
      if (owner === undefined) return [];
      return [{ field: `spec.components[${index}]`, description: `${kind} "${name}" also belongs to "${owner}"` }];
    }),
  );
}

/**
 * What the schema of the model cannot say: no secret, nothing said twice, only kinds that may stand beside a
 * component, each object once, linked components with one placement. Every spec passes here before it is accepted.
 *
 * @throws NotBuilt naming each field through which a Secret would enter.
 * @throws InvalidRequest naming each wrong field.
 */
export function checkSpec(spec: ApplicationSpec): void {
  refuseSecrets(spec);
  const violations: FieldViolation[] = [];
  spec.components.forEach((component, index) => {
    checkComponent(component, `spec.components[${index}]`, violations);
  });
  violations.push(...twiceOwned(spec), ...linkViolations(spec));
  if (violations.length > 0) throw new InvalidRequest(violations);
}
