import { type Fields, fieldsAt, isFields } from '../objects.js';
import { deduced, type ListMerge, type Scalar, structRef, type TypeRef } from './schema.js';

/**
 * What a CustomResourceDefinition's `openAPIV3Schema` means for pruning and server-side apply: the same types as those
 * of the table, but written out, so that they go when their definition does.
 */

const scalarOf: Record<string, Scalar> = { string: 'string', integer: 'int64', number: 'number', boolean: 'boolean' };

const frame: readonly [string, TypeRef][] = [
  ['apiVersion', { kind: 'scalar', scalar: 'string' }],
  ['kind', { kind: 'scalar', scalar: 'string' }],
  ['metadata', structRef('meta.ObjectMeta')],
];

/** A whole object of a custom kind. */
export function typeOfKind(schema: Fields): TypeRef & { kind: 'struct' } {
  return structOf(schema, true);
}

function typeOf(schema: Fields): TypeRef {
  if (schema['x-kubernetes-int-or-string'] === true) return { kind: 'scalar', scalar: 'intOrString' };
  if (schema.type === 'array') return { kind: 'list', of: typeOf(fieldsAt(schema, 'items')), merge: mergeOf(schema) };
  if (schema.type === 'object') return objectOf(schema);
  const scalar = scalarOf[String(schema.type)];
  return scalar === undefined ? deduced : { kind: 'scalar', scalar };
}

const isAtomicMap = (schema: Fields): boolean => schema['x-kubernetes-map-type'] === 'atomic';
const preserves = (schema: Fields): boolean => schema['x-kubernetes-preserve-unknown-fields'] === true;

function objectOf(schema: Fields): TypeRef {
  const { additionalProperties, properties } = schema;
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  if (isFields(additionalProperties))
    return { kind: 'map', of: typeOf(additionalProperties), atomic: isAtomicMap(schema) };
  const isFree = additionalProperties === true || (preserves(schema) && properties === undefined);
  return isFree && !isEmbedded
    ? { kind: 'map', of: deduced, atomic: isAtomicMap(schema) }
    : structOf(schema, isEmbedded);
}

function structOf(schema: Fields, isFramed: boolean): TypeRef & { kind: 'struct' } {
  const fields = new Map<string, TypeRef>();
  for (const [name, inner] of Object.entries(fieldsAt(schema, 'properties')))
    if (isFields(inner)) fields.set(name, typeOf(inner));
  for (const [name, type] of isFramed ? frame : []) fields.set(name, type);
  const struct = { name: '', atomic: isAtomicMap(schema), fields, required: [], open: preserves(schema) };
  return { kind: 'struct', struct };
}

function mergeOf(schema: Fields): ListMerge {
  const listType = schema['x-kubernetes-list-type'];
  if (listType === 'set') return { by: 'set' };
  const keys = schema['x-kubernetes-list-map-keys'];
  if (listType !== 'map' || !Array.isArray(keys)) return { by: 'atomic' };
  const defaults: Record<string, unknown> = {};
  for (const key of keys) {
    const value = fieldsAt(schema, 'items', 'properties', String(key)).default;
    if (value !== undefined) defaults[String(key)] = value;
  }
  return { by: 'keys', keys: keys.map(String), defaults };
}
