import { type Fields, isFields, sameJson } from '../objects.js';
import { fieldType, type TypeRef } from '../schema/schema.js';
import { badRequest } from '../status.js';

/** RFC 7386. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const out: Fields = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete out[name];
    else out[name] = mergePatch(out[name], value);
  }
  return out;
}

/** Kubernetes' strategic merge: keyed lists merge by their first key, `$patch: delete|replace` directs. */
export function strategicMergePatch(type: TypeRef, target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  if (patch.$patch === 'replace') return withoutDirectives(patch);
  const out: Fields = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) continue;
    const innerType = fieldType(type, name) ?? { kind: 'scalar', scalar: 'any' };
    if (value === null) delete out[name];
    else if (innerType.kind === 'list' && innerType.merge.by !== 'atomic' && Array.isArray(value))
      out[name] = mergeKeyed(innerType, Array.isArray(out[name]) ? (out[name] as unknown[]) : [], value);
    else out[name] = strategicMergePatch(innerType, out[name], value);
  }
  return out;
}

function withoutDirectives(patch: Fields): Fields {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith('$')));
}

function mergeKeyed(
  type: TypeRef & { kind: 'list' },
  target: readonly unknown[],
  patch: readonly unknown[],
): unknown[] {
  if (type.merge.by !== 'keys') return [...target, ...patch.filter((item) => !target.includes(item))];
  const key = type.merge.keys[0] ?? 'name';
  let out = [...target];
  for (const item of patch) {
    if (!isFields(item)) continue;
    if (item.$patch === 'replace' && item[key] === undefined) {
      out = [];
      continue;
    }
    const index = out.findIndex((other) => isFields(other) && other[key] === item[key]);
    if (item.$patch === 'delete') out = out.filter((_, at) => at !== index);
    else if (index < 0) out.push(withoutDirectives(item));
    else out[index] = strategicMergePatch(type.of, out[index], item);
  }
  return out;
}

/** RFC 6902: add, replace, remove, test. */
export function jsonPatch(target: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw badRequest('a JSON patch is a list of operations');
  return operations.filter(isFields).reduce<unknown>((document, operation) => {
    const path = String(operation.path ?? '')
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    return operateAt(document, path, operation);
  }, target);
}

function operateAt(document: unknown, path: readonly string[], operation: Fields): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return replaced(document, operation);
  if (Array.isArray(document)) {
    const index = name === '-' ? document.length : Number(name);
    const copy = [...document];
    if (rest.length > 0) copy[index] = operateAt(document[index], rest, operation);
    else if (operation.op === 'add') copy.splice(index, 0, operation.value);
    else if (operation.op === 'remove') copy.splice(index, 1);
    else copy[index] = replaced(document[index], operation);
    return copy;
  }
  if (!isFields(document)) throw badRequest(`the server cannot apply the patch: no ${name} to go into`);
  const copy = { ...document };
  if (rest.length > 0) copy[name] = operateAt(document[name], rest, operation);
  else if (operation.op === 'remove') delete copy[name];
  else copy[name] = replaced(document[name], operation);
  return copy;
}

function replaced(current: unknown, { op, value }: Fields): unknown {
  if (op === 'test') {
    if (!sameJson(current, value)) throw badRequest('the server rejected our request: testing value failed');
    return current;
  }
  if (op === 'add' || op === 'replace') return value;
  throw badRequest(`the server cannot apply the patch: operation ${String(op)}`);
}
