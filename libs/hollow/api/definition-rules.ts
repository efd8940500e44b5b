import { versionsOf } from '../custom-kind.js';
import { type Fields, fieldsAt, isFields, type KubeObject } from '../objects.js';
import type { FieldError } from '../status.js';

const required = (field: string, why: string): FieldError => ({
  field,
  reason: 'FieldValueRequired',
  message: `Required value: ${why}`,
});

const wrong = (field: string, value: unknown, why: string): FieldError => ({
  field,
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});

/** What is wrong with a CustomResourceDefinition that the fields of its type do not tell. */
export function definitionErrors(definition: KubeObject): FieldError[] {
  const { group, names, scope } = fieldsAt(definition, 'spec');
  const { plural } = fieldsAt({ names }, 'names');
  const { name } = definition.metadata;
  const versions = versionsOf(definition);
  const errors: FieldError[] = [];
  if (name !== `${plural}.${group}`)
    errors.push(wrong('metadata.name', name, 'must be spec.names.plural+"."+spec.group'));
  if (scope !== 'Namespaced' && scope !== 'Cluster')
    errors.push({
      field: 'spec.scope',
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${JSON.stringify(scope)}: supported values: "Cluster", "Namespaced"`,
    });
  if (versions.filter(({ storage }) => storage === true).length !== 1)
    errors.push(wrong('spec.versions', names, 'must have exactly one version marked as storage version'));
  return [...errors, ...versions.flatMap((version, index) => schemaErrors(version, `spec.versions[${index}]`))];
}

function schemaErrors(version: Fields, path: string): FieldError[] {
  const { openAPIV3Schema: schema } = fieldsAt(version, 'schema');
  const at = `${path}.schema.openAPIV3Schema`;
  if (!isFields(schema)) return [required(at, 'schemas are required')];
  if (schema.type !== 'object') return [wrong(`${at}.type`, schema.type ?? '', 'must be object at the root')];
  return structureErrors(schema, at);
}

/** A schema is structural when each of its fields tells its type, and each keyed list its keys. */
function structureErrors(schema: Fields, path: string): FieldError[] {
  const isTyped =
    schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.type === undefined && !isTyped)
    return [required(`${path}.type`, 'must not be empty for specified object fields')];
  const errors: FieldError[] = [];
  if (schema['x-kubernetes-list-type'] === 'map' && !Array.isArray(schema['x-kubernetes-list-map-keys']))
    errors.push(required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'));
  for (const [name, inner] of Object.entries(fieldsAt(schema, 'properties')))
    if (isFields(inner)) errors.push(...structureErrors(inner, `${path}.properties[${name}]`));
  for (const name of ['items', 'additionalProperties']) {
    const inner = schema[name];
    if (isFields(inner)) errors.push(...structureErrors(inner, `${path}.${name}`));
  }
  return errors;
}
