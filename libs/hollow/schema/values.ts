import { type Fields, fieldsAt, isFields, sameJson } from '../objects.js';
import type { FieldError } from '../status.js';

/** Values against a structural schema, worded as the API server words it (go-openapi/validate). */

const shown = (value: unknown): string => JSON.stringify(value) ?? 'null';

function wrong(field: string, value: unknown, why: string): FieldError {
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${shown(value)}: ${why}` };
}

function typeNameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function fitsType(schema: Fields, value: unknown): boolean {
  const actual = typeNameOf(value);
  if (schema['x-kubernetes-int-or-string'] === true) return actual === 'integer' || actual === 'string';
  return schema.type === undefined || schema.type === actual || (schema.type === 'number' && actual === 'integer');
}

/** What of `value` the schema does not allow; undeclared fields are none of it, they are pruned. */
export function valueErrors(schema: Fields, value: unknown, path = ''): FieldError[] {
  if (value === undefined || (value === null && schema.nullable === true)) return [];
  const at = path === '' ? '<nil>' : path;
  if (!fitsType(schema, value)) {
    const actual = typeNameOf(value);
    return [wrong(at, actual, `${path} in body must be of type ${String(schema.type)}: "${actual}"`)];
  }
  return [
    ...enumErrors(schema, value, at),
    ...boundErrors(schema, value, at),
    ...requiredErrors(schema, value, path),
    ...innerErrors(schema, value, path),
    ...combinationErrors(schema, value, path),
  ];
}

function enumErrors(schema: Fields, value: unknown, path: string): FieldError[] {
  const { enum: allowed } = schema;
  if (!Array.isArray(allowed) || allowed.some((each) => sameJson(each, value))) return [];
  const message = `Unsupported value: ${shown(value)}: supported values: ${allowed.map(shown).join(', ')}`;
  return [{ field: path, reason: 'FieldValueNotSupported', message }];
}

/** Each limit that a schema may set, and what it says of a value beyond it. */
function boundErrors(schema: Fields, value: unknown, path: string): FieldError[] {
  const broken: string[] = [];
  const hold = (name: string, holds: (limit: number) => boolean, why: (limit: number) => string) => {
    const limit = schema[name];
    if (typeof limit === 'number' && !holds(limit)) broken.push(why(limit));
  };
  if (typeof value === 'number') {
    const [over, under] = [schema.exclusiveMinimum === true, schema.exclusiveMaximum === true];
    const least = over ? 'greater than' : 'greater than or equal to';
    hold(
      'minimum',
      (limit) => (over ? value > limit : value >= limit),
      (limit) => `should be ${least} ${limit}`,
    );
    const most = under ? 'less than' : 'less than or equal to';
    hold(
      'maximum',
      (limit) => (under ? value < limit : value <= limit),
      (limit) => `should be ${most} ${limit}`,
    );
    hold(
      'multipleOf',
      (limit) => Number.isInteger(value / limit),
      (limit) => `should be a multiple of ${limit}`,
    );
  } else if (typeof value === 'string') {
    const { length } = [...value];
    hold(
      'minLength',
      (limit) => length >= limit,
      (limit) => `should be at least ${limit} chars long`,
    );
    hold(
      'maxLength',
      (limit) => length <= limit,
      (limit) => `should be at most ${limit} chars long`,
    );
    const { pattern } = schema;
    if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value)) broken.push(`should match '${pattern}'`);
  } else if (Array.isArray(value)) {
    hold(
      'minItems',
      (limit) => value.length >= limit,
      (limit) => `should have at least ${limit} items`,
    );
    hold(
      'maxItems',
      (limit) => value.length <= limit,
      (limit) => `should have at most ${limit} items`,
    );
  } else if (isFields(value)) {
    const { length } = Object.keys(value);
    hold(
      'minProperties',
      (limit) => length >= limit,
      (limit) => `should have at least ${limit} properties`,
    );
    hold(
      'maxProperties',
      (limit) => length <= limit,
      (limit) => `should have at most ${limit} properties`,
    );
  }
  return broken.map((why) => wrong(path, value, `${path} in body ${why}`));
}

function requiredErrors(schema: Fields, value: unknown, path: string): FieldError[] {
  if (!isFields(value) || !Array.isArray(schema.required)) return [];
  return schema.required
    .filter((name) => value[String(name)] === undefined)
    .map((name) => ({ field: below(path, String(name)), reason: 'FieldValueRequired', message: 'Required value' }));
}

const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

function innerErrors(schema: Fields, value: unknown, path: string): FieldError[] {
  if (Array.isArray(value)) {
    const errors = value.flatMap((item, index) => valueErrors(fieldsAt(schema, 'items'), item, `${path}[${index}]`));
    return [...errors, ...duplicateErrors(schema, value, path)];
  }
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const declared = fieldsAt(schema, 'properties')[name] ?? schema.additionalProperties;
    return isFields(declared) ? valueErrors(declared, inner, below(path, name)) : [];
  });
}

/** An item of a set, or the keys of an item of a keyed list, may be there once. */
function duplicateErrors(schema: Fields, items: readonly unknown[], path: string): FieldError[] {
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== 'set' && listType !== 'map') return [];
  const keys = schema['x-kubernetes-list-map-keys'];
  const identity = (item: unknown): unknown =>
    listType === 'map' && Array.isArray(keys) && isFields(item)
      ? Object.fromEntries(keys.map((key) => [key, item[String(key)]]))
      : item;
  const seen = new Set<string>();
  return items.flatMap((item, index): FieldError[] => {
    const text = shown(identity(item));
    if (!seen.has(text)) {
      seen.add(text);
      return [];
    }
    return [{ field: `${path}[${index}]`, reason: 'FieldValueDuplicate', message: `Duplicate value: ${text}` }];
  });
}

function combinationErrors(schema: Fields, value: unknown, path: string): FieldError[] {
  const schemas = (name: string): Fields[] => {
    const given = schema[name];
    return Array.isArray(given) ? given.filter(isFields) : [];
  };
  const fitting = (all: readonly Fields[]) => all.filter((each) => valueErrors(each, value, path).length === 0).length;
  const errors = schemas('allOf').flatMap((each) => valueErrors(each, value, path));
  const refuse = (why: string) => errors.push(wrong(path, value, `${path} in body ${why}`));
  const [anyOf, oneOf] = [schemas('anyOf'), schemas('oneOf')];
  if (anyOf.length > 0 && fitting(anyOf) === 0) refuse('must validate at least one schema (anyOf)');
  if (oneOf.length > 0 && fitting(oneOf) !== 1) refuse('must validate one and only one schema (oneOf)');
  if (isFields(schema.not) && fitting([schema.not]) === 1) refuse('must not validate the schema (not)');
  return errors;
}

/** `value` with the defaults that the schema gives; shares whatever needs none. */
export function withSchemaDefaults(schema: Fields, value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => withSchemaDefaults(fieldsAt(schema, 'items'), item));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isFields(value)) return value;
  const changed: Fields = {};
  const properties = fieldsAt(schema, 'properties');
  for (const [name, inner] of Object.entries(properties)) {
    if (value[name] === undefined && isFields(inner) && inner.default !== undefined) changed[name] = inner.default;
  }
  for (const [name, inner] of Object.entries({ ...value, ...changed })) {
    const declared = properties[name] ?? schema.additionalProperties;
    const next = isFields(declared) ? withSchemaDefaults(declared, inner) : inner;
    if (next !== value[name]) changed[name] = next;
  }
  return Object.keys(changed).length === 0 ? value : { ...value, ...changed };
}
