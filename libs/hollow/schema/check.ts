import { isFields } from '../objects.js';
import { canonicalQuantity } from '../quantity.js';
import { fieldType, type Scalar, type TypeRef } from './schema.js';

export interface SchemaProblem {
  /** `.spec.template.spec.containers[0].imge` or, with keys, `[name="web"]`. */
  path: string;
  kind: 'unknown' | 'type' | 'key';
  message: string;
}

function scalarFits(scalar: Scalar, value: unknown): boolean {
  switch (scalar) {
    case 'string':
    case 'time':
    case 'microTime':
    case 'bytes':
      return typeof value === 'string';
    case 'int32':
    case 'int64':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'quantity':
    case 'intOrString':
      return typeof value === 'string' || typeof value === 'number';
    case 'any':
      return true;
  }
}

/** What of `value` the schema does not allow: fields it does not declare, wrong types, list items without their keys. */
export function problemsOf(type: TypeRef, value: unknown, path = ''): SchemaProblem[] {
  if (value === null || value === undefined || type.kind === 'deduced') return [];
  if (type.kind === 'scalar') {
    if (scalarFits(type.scalar, value)) return [];
    return [{ path, kind: 'type', message: `expected ${type.scalar}, got &value.${nameOf(value)}` }];
  }
  if (type.kind === 'list') {
    if (!Array.isArray(value)) return [{ path, kind: 'type', message: `expected list, got &value.${nameOf(value)}` }];
    return value.flatMap((item, index) => itemProblems(type, item, `${path}[${index}]`, path));
  }
  if (!isFields(value)) return [{ path, kind: 'type', message: `expected map, got &value.${nameOf(value)}` }];
  return Object.entries(value).flatMap(([name, inner]) => {
    const innerType = fieldType(type, name);
    const innerPath = `${path}.${name}`;
    if (innerType !== undefined) return problemsOf(innerType, inner, innerPath);
    return [{ path: innerPath, kind: 'unknown', message: 'field not declared in schema' } satisfies SchemaProblem];
  });
}

function itemProblems(list: TypeRef & { kind: 'list' }, item: unknown, path: string, parent: string): SchemaProblem[] {
  const inner = problemsOf(list.of, item, path);
  if (list.merge.by !== 'keys' || !isFields(item)) return inner;
  const { keys, defaults } = list.merge;
  const missing = keys.filter((key) => item[key] === undefined && defaults[key] === undefined);
  const message = `element ${path.slice(parent.length + 1, -1)}: associative list with keys has an element that omits key field`;
  return [...missing.map((key) => ({ path: parent, kind: 'key' as const, message: `${message} "${key}"` })), ...inner];
}

function nameOf(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' ? 'map' : `${typeof value}`;
}

/** `value` with quantities in the server's form, without nulls and without fields that the schema does not declare; shares whatever needs no change. */
export function declaredOnly(type: TypeRef, value: unknown): unknown {
  if (type.kind === 'scalar') return type.scalar === 'quantity' ? canonicalQuantity(String(value)) : value;
  if (type.kind === 'deduced') return value;
  if (type.kind === 'list') {
    if (!Array.isArray(value)) return value;
    const items = value.map((item) => declaredOnly(type.of, item));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isFields(value)) return value;
  let changed = false;
  const kept: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    const innerType = fieldType(type, name);
    if (innerType === undefined || inner === null || inner === undefined) {
      changed = true;
      continue;
    }
    const next = declaredOnly(innerType, inner);
    if (next !== inner) changed = true;
    kept[name] = next;
  }
  return changed ? kept : value;
}

/** Required fields that are missing below `value`, as paths without a leading dot. */
export function missingRequired(type: TypeRef, value: unknown, path: string): string[] {
  if (type.kind === 'list' && Array.isArray(value))
    return value.flatMap((item, index) => missingRequired(type.of, item, `${path}[${index}]`));
  if (type.kind === 'map' && isFields(value))
    return Object.entries(value).flatMap(([key, item]) => missingRequired(type.of, item, `${path}[${key}]`));
  if (type.kind !== 'struct' || !isFields(value)) return [];
  const { struct } = type;
  const dot = path === '' ? '' : `${path}.`;
  const missing = struct.required
    .filter((field) => value[field] === undefined || value[field] === '')
    .map((field) => dot + field);
  for (const [field, inner] of Object.entries(value)) {
    const innerType = struct.fields.get(field);
    if (innerType !== undefined && innerType.kind !== 'scalar' && field !== 'metadata' && field !== 'status')
      missing.push(...missingRequired(innerType, inner, dot + field));
  }
  return missing;
}
