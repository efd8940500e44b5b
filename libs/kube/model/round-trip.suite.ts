import {
  type ApplicationSpec,
  berthAnnotations,
  berthLabels,
  formatBytes,
  formatMcpu,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseBytes,
  parseMcpu,
} from '#domain';
import { componentKindOf, type KubernetesObject } from './kinds.js';
import { renderComponent } from './render.js';

/** What manifests must look like after import and render, said without either: for tests. */

const where = { namespace: 'berth-x1', tenant: 'acme', environment: 'test', application: 'shop', generation: 7n };
const workIdOf = (component: string): string => `work-${component}`;

const keyOf = (object: JsonObject): string =>
  `${String(object.kind)}/${String(isJsonObject(object.metadata) ? object.metadata.name : '')}`;

/** Every rendered object by kind and name. */
export const renderAll = (spec: ApplicationSpec): Record<string, JsonObject> =>
  Object.fromEntries(
    spec.components.flatMap((component) =>
      renderComponent({ ...where, component, replicas: component.replicas, workId: workIdOf(component.name) }).map(
        (object) => [keyOf(object), stripOwner(object)],
      ),
    ),
  );

/** Whose an object is, is tested by itself. */
function stripOwner(object: JsonObject): JsonObject {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const labels = { ...(isJsonObject(metadata.labels) ? metadata.labels : {}) };
  delete labels[berthLabels.component];
  delete labels[berthLabels.work];
  return { ...object, metadata: { ...metadata, labels } };
}

const objectOf = (value: JsonValue | undefined): JsonObject => (isJsonObject(value) ? value : {});

function withTcp(ports: JsonValue | undefined): JsonObject {
  if (!Array.isArray(ports)) return ports === undefined ? {} : { ports };
  return { ports: ports.map((port) => ({ protocol: 'TCP', ...objectOf(port) })) };
}

function normalAmounts(amounts: JsonValue): JsonValue {
  if (!isJsonObject(amounts)) return amounts;
  const { cpu, memory, ...others } = amounts;
  return {
    ...others,
    ...(cpu === undefined ? {} : { cpu: cpu === null ? null : formatMcpu(parseMcpu(String(cpu))) }),
    ...(memory === undefined ? {} : { memory: memory === null ? null : formatBytes(parseBytes(String(memory))) }),
  };
}

function expectedContainer(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  const { resources } = value;
  const normal = isJsonObject(resources)
    ? Object.fromEntries(
        Object.entries(resources).map(([key, each]) => [
          key,
          key === 'requests' || key === 'limits' ? normalAmounts(each) : each,
        ]),
      )
    : resources;
  return { ...value, ...(normal === undefined ? {} : { resources: normal }), ...withTcp(value.ports) };
}

function expectedPodSpec(spec: JsonObject): JsonObject {
  const lists = ['containers', 'initContainers'].flatMap((key): [string, JsonValue][] => {
    const list = spec[key];
    return Array.isArray(list) ? [[key, list.map(expectedContainer)]] : [];
  });
  return { ...spec, ...Object.fromEntries(lists) };
}

function expectedTemplate(template: JsonObject, component: string): JsonObject {
  const metadata = objectOf(template.metadata);
  const labels = {
    [berthLabels.managedBy]: berthLabels.managedByValue,
    ...objectOf(metadata.labels),
    [berthLabels.work]: workIdOf(component),
    [berthLabels.tenant]: where.tenant,
    [berthLabels.environment]: where.environment,
    [berthLabels.application]: where.application,
    [berthLabels.component]: component,
  };
  return { metadata: { ...metadata, labels }, spec: expectedPodSpec(objectOf(template.spec)) };
}

function expectedSpec(object: KubernetesObject): JsonObject {
  const spec = objectOf(object.spec);
  const name = object.metadata.name;
  if (object.kind === 'Service') return { spec: { ...spec, ...withTcp(spec.ports) } };
  if (object.kind === 'CronJob') {
    const jobTemplate = objectOf(spec.jobTemplate);
    const jobSpec = objectOf(jobTemplate.spec);
    const template = expectedTemplate(objectOf(jobSpec.template), name);
    return { spec: { ...spec, jobTemplate: { ...jobTemplate, spec: { ...jobSpec, template } } } };
  }
  if (componentKindOf(object.apiVersion, object.kind) === undefined)
    return object.spec === undefined ? {} : { spec: object.spec };
  const scaled = object.kind === 'Deployment' || object.kind === 'StatefulSet';
  return {
    spec: {
      ...spec,
      ...(scaled ? { replicas: spec.replicas ?? 1 } : {}),
      template: expectedTemplate(objectOf(spec.template), name),
    },
  };
}

export function expectedOf(objects: readonly KubernetesObject[]): Record<string, JsonObject> {
  return Object.fromEntries(
    objects.map((object) => {
      const { status: _, ...rest } = object;
      const { uid: _uid, resourceVersion: _version, creationTimestamp: _time, ...own } = object.metadata;
      const metadata = {
        ...own,
        namespace: where.namespace,
        labels: {
          ...objectOf(object.metadata.labels),
          [berthLabels.managedBy]: berthLabels.managedByValue,
          [berthLabels.tenant]: where.tenant,
          [berthLabels.environment]: where.environment,
          [berthLabels.application]: where.application,
        },
        annotations: {
          ...objectOf(object.metadata.annotations),
          [berthAnnotations.generation]: String(where.generation),
        },
      };
      return [keyOf(object), { ...rest, metadata, ...expectedSpec(object) }];
    }),
  );
}
