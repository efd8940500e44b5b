import {
  type Component,
  type ComponentKind,
  type Container,
  type FieldViolation,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from '#domain';
import { type Complaints, complaintsInto, containerOf } from './container.js';
import { isEmpty, objectAt, shown, without } from './json.js';
import { type KubernetesObject, serverOwned, titleOf, workloadForms } from './kinds.js';

/** A workload's manifest taken apart: the model's component, and what is needed to find what belongs to it. */
export interface ImportedWorkload {
  index: number;
  object: KubernetesObject;
  component: Component;
  podLabels: JsonObject;
  podSpec: JsonObject;
}

const berthPrefix = 'berth.dev/';

/** Metadata without what the server writes, the name (the component's own) and the namespace (the environment's). */
const carriedMetadata = (metadata: JsonObject): JsonObject => without(metadata, 'name', 'namespace', ...serverOwned);

/** `value` with `path` cut out; the objects around it stay. */
function cutOut(value: JsonObject, path: readonly string[]): JsonObject {
  const [key = '', ...deeper] = path;
  const inner = objectAt(value, key);
  return deeper.length === 0 || inner === undefined ? without(value, key) : { ...value, [key]: cutOut(inner, deeper) };
}

function containersOf(value: JsonValue | undefined, path: string, wrong: Complaints): Container[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    wrong.add(path, `found ${shown(value)}; allowed is a list of containers`);
    return [];
  }
  return value.flatMap((each, index) => containerOf(each, `${path}[${index}]`, wrong) ?? []);
}

function wholeNumber(from: JsonObject, key: string, path: string, wrong: Complaints): number {
  const value = from[key];
  if (value === undefined || value === null) return 1;
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  wrong.add(`${path}.${key}`, `found ${shown(value)}; allowed is a whole number`);
  return 1;
}

function checkSelector(spec: JsonObject, path: string, wrong: Complaints): void {
  const labels = objectAt(objectAt(spec, 'selector'), 'matchLabels') ?? {};
  for (const label of Object.keys(labels))
    if (label.startsWith(berthPrefix))
      wrong.add(`${path}.selector.matchLabels`, `found "${label}"; labels of ${berthPrefix} are set by Berth itself`);
}

function onlyKnown(from: JsonObject, allowed: readonly string[], path: string, wrong: Complaints): void {
  for (const key of Object.keys(from))
    if (!allowed.includes(key)) wrong.add(`${path}.${key}`, `is no field here; allowed are ${allowed.join(', ')}`);
}

interface Parts {
  spec: JsonObject;
  template: JsonObject;
  podSpec: JsonObject;
  /** The paths of `spec` and of the pod's. */
  specPath: string;
  podPath: string;
}

function takeApart(object: KubernetesObject, kind: ComponentKind, path: string, wrong: Complaints): Parts | undefined {
  onlyKnown(object, ['apiVersion', 'kind', 'metadata', 'spec', 'status'], path, wrong);
  const specPath = `${path}.spec`;
  const spec = objectAt(object, 'spec');
  if (spec === undefined) {
    wrong.add(specPath, `found ${shown(object.spec)}; ${titleOf(object)} needs a spec`);
    return undefined;
  }
  let template: JsonObject | undefined = spec;
  let templatePath = specPath;
  for (const key of workloadForms[kind].template) {
    templatePath = `${templatePath}.${key}`;
    template = objectAt(template, key);
  }
  const podSpec = objectAt(template, 'spec');
  if (template === undefined || podSpec === undefined) {
    const missing = template === undefined ? templatePath : `${templatePath}.spec`;
    wrong.add(missing, `found no object here; ${titleOf(object)} needs a pod template with a spec`);
    return undefined;
  }
  onlyKnown(template, ['metadata', 'spec'], templatePath, wrong);
  return { spec, template, podSpec, specPath, podPath: `${templatePath}.spec` };
}

function specLeft(spec: JsonObject, kind: ComponentKind): JsonObject {
  const left = cutOut(spec, workloadForms[kind].template);
  if (kind === 'cron-job' && typeof spec.schedule === 'string') return without(left, 'schedule');
  return workloadForms[kind].scaled ? without(left, 'replicas') : left;
}

/** How many pods run at once in one cluster: a job counts as its parallelism, a daemon as one to a node. */
function replicasOf(parts: Parts, kind: ComponentKind, wrong: Complaints): number {
  if (workloadForms[kind].scaled) return wholeNumber(parts.spec, 'replicas', parts.specPath, wrong);
  if (kind === 'job') return wholeNumber(parts.spec, 'parallelism', parts.specPath, wrong);
  const jobSpec = objectAt(objectAt(parts.spec, 'jobTemplate'), 'spec');
  return kind === 'cron-job' && jobSpec !== undefined
    ? wholeNumber(jobSpec, 'parallelism', `${parts.specPath}.jobTemplate.spec`, wrong)
    : 1;
}

/** One workload as a component; what is wrong with it goes to `violations`. */
export function workloadOf(
  object: KubernetesObject,
  kind: ComponentKind,
  index: number,
  violations: FieldViolation[],
): ImportedWorkload | undefined {
  const wrong = complaintsInto(violations);
  const parts = takeApart(object, kind, `manifests[${index}]`, wrong);
  if (parts === undefined) return undefined;
  const { spec, template, podSpec, podPath, specPath } = parts;
  checkSelector(spec, specPath, wrong);
  const containers = containersOf(podSpec.containers, `${podPath}.containers`, wrong);
  const initContainers = containersOf(podSpec.initContainers, `${podPath}.initContainers`, wrong);
  const podMetadata = objectAt(template, 'metadata') ?? {};
  const spoken = initContainers.length === 0 ? ['containers'] : ['containers', 'initContainers'];
  const component: Component = {
    name: object.metadata.name,
    kind,
    replicas: replicasOf(parts, kind, wrong),
    ...(kind === 'cron-job' && typeof spec.schedule === 'string' ? { schedule: spec.schedule } : {}),
    containers,
    initContainers,
    servicePorts: [],
    links: [],
    workloadExtra: {
      metadata: carriedMetadata(object.metadata),
      spec: specLeft(spec, kind),
      podMetadata: without(podMetadata, 'namespace', ...serverOwned),
      podSpec: without(podSpec, ...spoken),
    },
    objects: [],
  };
  return { index, object, component, podLabels: objectAt(podMetadata, 'labels') ?? {}, podSpec };
}

/** Whether a set of labels is picked by equality; an empty selector picks nothing here. */
export const selects = (selector: JsonObject | undefined, labels: JsonObject): boolean =>
  selector !== undefined &&
  !isEmpty(selector) &&
  Object.entries(selector).every(([key, value]) => labels[key] === value);

/** Every string in a value, with the names of the fields left out. */
export function textsIn(value: JsonValue): string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isJsonObject(value) ? Object.values(value).flatMap(textsIn) : [];
}
