import {
  berthAnnotations,
  berthLabels,
  type Component,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type ObjectRef,
} from '#domain';
import { containerManifest } from './container.js';
import { podSpecDefaults, serviceSpecDefaults } from './defaults.js';
import { objectAt } from './json.js';
import { rankOf, workloadForms } from './kinds.js';

/** Whose component it is, and which work of which cluster it is rendered for. */
export interface RenderContext {
  component: Component;
  /** This cluster's allotment: what `spec.replicas` becomes, and how many pods a job runs at once. Daemons have none. */
  replicas: number;
  namespace: string;
  tenant: string;
  environment: string;
  application: string;
  workId: string;
  generation: bigint;
  digest?: string;
}

function labelsOf(context: RenderContext): JsonObject {
  return {
    [berthLabels.work]: context.workId,
    [berthLabels.tenant]: context.tenant,
    [berthLabels.environment]: context.environment,
    [berthLabels.application]: context.application,
    [berthLabels.component]: context.component.name,
  };
}

function annotationsOf({ generation, digest }: RenderContext): JsonObject {
  return {
    [berthAnnotations.generation]: String(generation),
    ...(digest === undefined ? {} : { [berthAnnotations.digest]: digest }),
  };
}

const managed: JsonObject = { [berthLabels.managedBy]: berthLabels.managedByValue };

/** Metadata with Berth's marks: theirs win over what a manifest says. */
function marked(metadata: JsonObject, name: JsonValue, context: RenderContext): JsonObject {
  return {
    ...metadata,
    name,
    namespace: context.namespace,
    labels: { ...objectAt(metadata, 'labels'), ...managed, ...labelsOf(context) },
    annotations: { ...objectAt(metadata, 'annotations'), ...annotationsOf(context) },
  };
}

/**
 * Pods carry no annotation of Berth's: a new generation alone must not restart them. Their own `managed-by` stays,
 * since selectors may ask for it.
 */
const podLabels = (metadata: JsonObject, context: RenderContext): JsonObject => ({
  ...managed,
  ...objectAt(metadata, 'labels'),
  ...labelsOf(context),
});

/** Never changes for a component: Kubernetes lets no selector be changed. */
const ownSelector = ({ application, component }: RenderContext): JsonObject => ({
  [berthLabels.application]: application,
  [berthLabels.component]: component.name,
});

function podTemplate(context: RenderContext): JsonObject {
  const { kind, containers, initContainers, workloadExtra } = context.component;
  const { podMetadata, podSpec } = workloadExtra;
  // Always, the default, is not allowed in a job.
  const restart: JsonObject =
    (kind === 'job' || kind === 'cron-job') && podSpec.restartPolicy === undefined
      ? { restartPolicy: 'OnFailure' }
      : {};
  return {
    metadata: { ...podMetadata, labels: podLabels(podMetadata, context) },
    spec: podSpecDefaults({
      ...podSpec,
      ...restart,
      ...(initContainers.length === 0 ? {} : { initContainers: initContainers.map(containerManifest) }),
      containers: containers.map(containerManifest),
    }),
  };
}

function putAt(into: JsonObject, path: readonly string[], value: JsonObject): JsonObject {
  const [key = '', ...deeper] = path;
  return { ...into, [key]: deeper.length === 0 ? value : putAt(objectAt(into, key) ?? {}, deeper, value) };
}

const countAt = (from: JsonObject, key: string): number | undefined => {
  const value = from[key];
  return typeof value === 'number' ? value : undefined;
};

/**
 * A job runs as many pods at once as this cluster was allotted, and its share of the completions, rounded up. One that
 * is whole in this cluster keeps what it says; where it says nothing, each replica is to run to its end once.
 */
function jobCounts(jobSpec: JsonObject, { component, replicas }: RenderContext): JsonObject {
  const [parallelism, completions] = [countAt(jobSpec, 'parallelism'), countAt(jobSpec, 'completions')];
  if (replicas === component.replicas) {
    const said = jobSpec.parallelism !== undefined || jobSpec.completions !== undefined;
    return said || replicas === 1 ? {} : { parallelism: replicas, completions: replicas };
  }
  if (parallelism === undefined && completions === undefined) return { parallelism: replicas, completions: replicas };
  const share = Math.ceil(((completions ?? 0) * replicas) / Math.max(1, component.replicas));
  return { parallelism: replicas, ...(completions === undefined ? {} : { completions: share }) };
}

function withJobCounts(spec: JsonObject, context: RenderContext): JsonObject {
  if (context.component.kind === 'job') return { ...spec, ...jobCounts(spec, context) };
  if (context.component.kind !== 'cron-job') return spec;
  const jobTemplate = objectAt(spec, 'jobTemplate') ?? {};
  const jobSpec = objectAt(jobTemplate, 'spec') ?? {};
  return { ...spec, jobTemplate: { ...jobTemplate, spec: { ...jobSpec, ...jobCounts(jobSpec, context) } } };
}

function workloadManifest(context: RenderContext): JsonObject {
  const { component } = context;
  const form = workloadForms[component.kind];
  const { metadata, spec: extra } = component.workloadExtra;
  const selector =
    form.selected && !isJsonObject(extra.selector) ? { selector: { matchLabels: ownSelector(context) } } : {};
  const serviceName =
    component.kind === 'stateful-service' && extra.serviceName === undefined ? { serviceName: component.name } : {};
  const spec: JsonObject = {
    ...extra,
    ...(form.scaled ? { replicas: context.replicas } : {}),
    ...selector,
    ...serviceName,
    ...(component.schedule === undefined ? {} : { schedule: component.schedule }),
  };
  return {
    apiVersion: form.apiVersion,
    kind: form.kind,
    metadata: marked(metadata, component.name, context),
    spec: putAt(withJobCounts(spec, context), form.template, podTemplate(context)),
  };
}

/** What a workload's own selector asks of labels, its pods have; those that were there before Berth have no others. */
function serviceSelector(context: RenderContext): JsonObject {
  const { selector } = context.component.workloadExtra.spec;
  const labels = isJsonObject(selector) ? (objectAt(selector, 'matchLabels') ?? {}) : {};
  return Object.keys(labels).length === 0 ? ownSelector(context) : labels;
}

/** The Service under whose name other components reach this one. */
function ownService(context: RenderContext): JsonObject {
  const { component } = context;
  const many = component.servicePorts.length > 1;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: marked({}, component.name, context),
    spec: serviceSpecDefaults({
      selector: serviceSelector(context),
      ports: component.servicePorts.map(({ name, port, targetPort, protocol }) => ({
        // Kubernetes wants names where there are several.
        ...(name === undefined ? (many ? { name: `port-${port}` } : {}) : { name }),
        port,
        ...(targetPort === undefined ? {} : { targetPort }),
        ...(protocol === undefined ? {} : { protocol }),
      })),
    }),
  };
}

function inNamespace(subjects: JsonValue | undefined, namespace: string): JsonObject {
  if (!Array.isArray(subjects)) return {};
  return {
    subjects: subjects.map((subject) =>
      isJsonObject(subject) && subject.kind === 'ServiceAccount' && subject.namespace === undefined
        ? { ...subject, namespace }
        : subject,
    ),
  };
}

function attachedManifest(object: JsonObject, context: RenderContext): JsonObject {
  const metadata = objectAt(object, 'metadata') ?? {};
  const spec = objectAt(object, 'spec');
  return {
    ...object,
    metadata: marked(metadata, metadata.name ?? '', context),
    ...(object.kind === 'Service' && spec !== undefined ? { spec: serviceSpecDefaults(spec) } : {}),
    ...(object.kind === 'RoleBinding' ? inNamespace(object.subjects, context.namespace) : {}),
  };
}

const hasOwnService = ({ servicePorts }: Component): boolean => servicePorts.length > 0;

/** The manifests of one component for one cluster, in the order in which they are applied. */
export function renderComponent(context: RenderContext): JsonObject[] {
  const { component } = context;
  const objects = [
    ...component.objects.map((object) => attachedManifest(object, context)),
    ...(hasOwnService(component) ? [ownService(context)] : []),
    workloadManifest(context),
  ];
  return objects.sort((a, b) => rankOf(a) - rankOf(b));
}

/** The namespace of one environment in one cluster. */
export function renderNamespace(of: { name: string; tenant: string; environment: string }): JsonObject {
  const labels = { ...managed, [berthLabels.tenant]: of.tenant, [berthLabels.environment]: of.environment };
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: of.name, labels } };
}

/** Which objects a component owns wherever it is placed: the names it claims in its environment. */
export function objectRefsOf(component: Component, namespace: string): ObjectRef[] {
  const { apiVersion, kind } = workloadForms[component.kind];
  const service = { apiVersion: 'v1', kind: 'Service', namespace, name: component.name };
  return [
    ...component.objects.map((object) => ({
      apiVersion: String(object.apiVersion),
      kind: String(object.kind),
      namespace,
      name: String(objectAt(object, 'metadata')?.name ?? ''),
    })),
    ...(hasOwnService(component) ? [service] : []),
    { apiVersion, kind, namespace, name: component.name },
  ];
}
