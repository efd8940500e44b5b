import type { CustomKind } from '../custom-kind.js';
import { fieldsAt } from '../objects.js';
import type { ResourceRegistry } from '../registry.js';
import { apiVersionOf, type ResourceKind, resources } from '../resources.js';
import { type Scalar, type StructType, type TypeRef, types } from './schema.js';

/** The type table as the OpenAPI documents that clients look fields up in. */

const packages: Record<string, string> = {
  core: 'io.k8s.api.core.v1',
  apps: 'io.k8s.api.apps.v1',
  batch: 'io.k8s.api.batch.v1',
  networking: 'io.k8s.api.networking.v1',
  policy: 'io.k8s.api.policy.v1',
  autoscaling: 'io.k8s.api.autoscaling.v2',
  autoscalingv1: 'io.k8s.api.autoscaling.v1',
  coordination: 'io.k8s.api.coordination.v1',
  rbac: 'io.k8s.api.rbac.v1',
  storage: 'io.k8s.api.storage.v1',
  apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1',
  meta: 'io.k8s.apimachinery.pkg.apis.meta.v1',
};

const apimachinery = 'io.k8s.apimachinery.pkg';
const scalarSchemas: Record<Scalar, object> = {
  string: { type: 'string' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  number: { type: 'number', format: 'double' },
  boolean: { type: 'boolean' },
  time: { type: 'string', format: 'date-time' },
  microTime: { type: 'string', format: 'date-time' },
  bytes: { type: 'string', format: 'byte' },
  quantity: { $ref: `${apimachinery}.api.resource.Quantity` },
  intOrString: { $ref: `${apimachinery}.util.intstr.IntOrString` },
  any: { type: 'object' },
};

function definitionName(type: string): string {
  const dot = type.indexOf('.');
  return `${packages[type.slice(0, dot)]}.${type.slice(dot + 1)}`;
}

function schemaOf(type: TypeRef, prefix: string): object {
  switch (type.kind) {
    case 'struct':
      return { $ref: prefix + definitionName(type.struct.name) };
    case 'deduced':
      return { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    case 'map':
      return {
        type: 'object',
        additionalProperties: schemaOf(type.of, prefix),
        ...(type.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
      };
    case 'list':
      return { type: 'array', items: schemaOf(type.of, prefix), ...listExtensions(type) };
    case 'scalar': {
      const schema = scalarSchemas[type.scalar];
      return '$ref' in schema ? { $ref: `${prefix}${schema.$ref}` } : schema;
    }
  }
}

function listExtensions({ merge }: TypeRef & { kind: 'list' }): object {
  if (merge.by === 'atomic') return { 'x-kubernetes-list-type': 'atomic' };
  if (merge.by === 'set') return { 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' };
  return {
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': merge.keys,
    'x-kubernetes-patch-strategy': 'merge',
    'x-kubernetes-patch-merge-key': merge.keys[0],
  };
}

const resourceByType = new Map(resources.map((resource) => [resource.type.struct, resource]));

const gvkOf = ({ group, version, kind }: ResourceKind) => ({ group, version, kind });

function definition(type: StructType, prefix: string): object {
  const resource = resourceByType.get(type);
  return {
    type: 'object',
    properties: Object.fromEntries([...type.fields].map(([name, field]) => [name, schemaOf(field, prefix)])),
    ...(type.required.length === 0 ? {} : { required: type.required }),
    ...(type.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(resource === undefined ? {} : { 'x-kubernetes-group-version-kind': [gvkOf(resource)] }),
  };
}

function definitions(prefix: string): Record<string, object> {
  const out: Record<string, object> = {
    [`${apimachinery}.api.resource.Quantity`]: { type: 'string' },
    [`${apimachinery}.util.intstr.IntOrString`]: { type: 'string', format: 'int-or-string' },
  };
  for (const type of types.values()) out[definitionName(type.name)] = definition(type, prefix);
  return out;
}

const queryParameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'];

function paths(served: readonly ResourceKind[], parameter: (name: string) => object): Record<string, object> {
  return Object.fromEntries(
    served.map((resource) => {
      const root = resource.group === '' ? '/api' : '/apis';
      const scope = resource.namespaced ? '/namespaces/{namespace}' : '';
      const operation = (action: string) => ({
        'x-kubernetes-action': action,
        'x-kubernetes-group-version-kind': gvkOf(resource),
        parameters: queryParameters.map(parameter),
        responses: { 200: { description: 'OK' } },
      });
      const path = `${root}/${apiVersionOf(resource)}${scope}/${resource.plural}/{name}`;
      return [path, { get: operation('get'), put: operation('put'), patch: operation('patch') }];
    }),
  );
}

/** Documents of what all clusters serve, made once in a process however many clusters it holds. */
const memo = new Map<string, string>();

function once(key: string, make: () => object): string {
  let text = memo.get(key);
  if (text === undefined) {
    text = JSON.stringify(make());
    memo.set(key, text);
  }
  return text;
}

const queryV2 = (name: string) => ({ in: 'query', name, type: 'string', uniqueItems: true });
const queryV3 = (name: string) => ({ in: 'query', name, schema: { type: 'string', uniqueItems: true } });

/** `example.org` and `v1` become `org.example.v1.Database`, as the server names it. */
const customName = ({ group, version, kind }: ResourceKind): string =>
  [...group.split('.').reverse(), version, kind].join('.');

function customDefinition(kind: CustomKind, prefix: string): object {
  const frame = { apiVersion: { type: 'string' }, kind: { type: 'string' } };
  const metadata = { $ref: prefix + definitionName('meta.ObjectMeta') };
  const properties = { ...fieldsAt(kind.schema, 'properties'), ...frame, metadata };
  return { ...kind.schema, properties, 'x-kubernetes-group-version-kind': [gvkOf(kind)] };
}

const customDefinitions = (kinds: readonly CustomKind[], prefix: string) =>
  Object.fromEntries(kinds.map((kind) => [customName(kind), customDefinition(kind, prefix)]));

function documentV2(served: readonly ResourceKind[], custom: readonly CustomKind[], version: string): object {
  const prefix = '#/definitions/';
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version },
    paths: paths(served, queryV2),
    definitions: { ...definitions(prefix), ...customDefinitions(custom, prefix) },
  };
}

/** Swagger 2.0 for `/openapi/v2`, as JSON text. With custom kinds it is made anew each time: few clusters have them. */
export function openApiV2({ all, custom }: ResourceRegistry, version: string): string {
  if (custom.length > 0) return JSON.stringify(documentV2(all, custom, version));
  return once(`v2 ${version}`, () => documentV2(all, [], version));
}

const pathOf = (resource: ResourceKind) => `${resource.group === '' ? 'api' : 'apis'}/${apiVersionOf(resource)}`;

/** The index at `/openapi/v3`. */
export const openApiV3Index = ({ all, edition }: ResourceRegistry) => ({
  paths: Object.fromEntries(
    all.map(pathOf).map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=hollow${edition}` }]),
  ),
});

function documentV3(served: readonly ResourceKind[], version: string, schemas: object): object {
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version },
    paths: paths(served, queryV3),
    components: { schemas },
  };
}

/** One group version's OpenAPI 3.0 document as JSON text; undefined when none is served at `path`. */
export function openApiV3({ all, custom }: ResourceRegistry, path: string, version: string): string | undefined {
  const prefix = '#/components/schemas/';
  const served = all.filter((resource) => pathOf(resource) === path);
  if (served.length === 0) return undefined;
  const own = custom.filter((kind) => served.includes(kind));
  if (own.length === 0) return once(`v3 ${path} ${version}`, () => documentV3(served, version, definitions(prefix)));
  return JSON.stringify(documentV3(served, version, { ...definitions(prefix), ...customDefinitions(own, prefix) }));
}
