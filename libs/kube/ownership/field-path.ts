import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#domain';

/**
 * The way to one field in the segments of `fieldsV1` (KEP-555): `f:name` a field or map key, `k:{…}` a list item by its
 * keys, `v:…` an item of a set, `i:…` an item by its place.
 */
export type FieldPath = readonly string[];

/** `protocol` of a port is part of its key, and mostly left to its default. */
export const keyDefaults: Readonly<Record<string, JsonValue>> = { protocol: 'TCP' };

const parsed = (segment: string): JsonValue | undefined => {
  try {
    return JSON.parse(segment.slice(2));
  } catch {
    return undefined; // no segment that a server writes: it matches nothing
  }
};

/** Whether a list's item is the one that a segment names. A key that the item leaves out is what the server sets. */
export function isItem(segment: string, item: JsonValue, index: number): boolean {
  if (segment.startsWith('i:')) return parsed(segment) === index;
  if (segment.startsWith('v:')) {
    const value = parsed(segment);
    return value !== undefined && canonicalJson(value) === canonicalJson(item);
  }
  const keys = segment.startsWith('k:') ? parsed(segment) : undefined;
  if (!isJsonObject(keys) || !isJsonObject(item)) return false;
  return Object.entries(keys).every(([key, value]) => {
    const own = item[key] ?? keyDefaults[key];
    return own === undefined || canonicalJson(own) === canonicalJson(value);
  });
}

function step(value: JsonValue | undefined, segment: string): JsonValue | undefined {
  if (segment.startsWith('f:')) {
    const name = segment.slice(2);
    return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return Array.isArray(value) ? value.find((item, index) => isItem(segment, item, index)) : undefined;
}

/** What an object has at a path; undefined when it has nothing there. */
export const valueAt = (object: JsonValue, path: FieldPath): JsonValue | undefined =>
  path.reduce<JsonValue | undefined>((value, segment) => step(value, segment), object);

function withoutOne(value: JsonValue, [segment, ...deeper]: FieldPath): JsonValue | undefined {
  if (segment === undefined) return undefined;
  if (segment.startsWith('f:')) {
    const name = segment.slice(2);
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return value;
    const { [name]: inner = null, ...rest } = value;
    const left = withoutOne(inner, deeper);
    return left === undefined ? rest : { ...rest, [name]: left };
  }
  if (!Array.isArray(value)) return value;
  return value.flatMap((item, index) => {
    if (!isItem(segment, item, index)) return [item];
    const left = withoutOne(item, deeper);
    return left === undefined ? [] : [left];
  });
}

/** The manifest as if these fields had never been named in it. */
export function withoutFields(manifest: JsonObject, paths: readonly FieldPath[]): JsonObject {
  const left = paths.reduce<JsonValue>((value, path) => withoutOne(value, path) ?? value, manifest);
  return isJsonObject(left) ? left : manifest;
}

/** `.spec.containers[name="web"].image`, as the API server writes it in conflicts. */
export function pathText(path: FieldPath): string {
  return path
    .map((segment) => {
      const rest = segment.slice(2);
      if (segment.startsWith('f:')) return `.${rest}`;
      const keys = segment.startsWith('k:') ? parsed(segment) : undefined;
      if (!isJsonObject(keys)) return segment.startsWith('v:') ? `[=${rest}]` : `[${rest}]`;
      return `[${Object.entries(keys)
        .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
        .join(',')}]`;
    })
    .join('');
}
