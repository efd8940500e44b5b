import { isJsonObject, type JsonObject, type JsonValue, type ObjectRef } from '#domain';

/** A group-version and kind, as manifests write them: `apps/v1`, `Deployment`. */
export interface KindRef {
  apiVersion: string;
  kind: string;
}

/** What every stored object carries; the rest stays raw JSON, so that no field is lost on the way. */
export interface ObjectIdentity extends ObjectRef {
  uid: string;
  resourceVersion: string;
}

/** `apps/v1/Deployment`: the key of a kind in discovery, inventory and schema. */
export const kindKey = ({ apiVersion, kind }: KindRef): string => `${apiVersion}/${kind}`;

/** The value at a path of field names, or undefined when one of them is missing. */
export function at(value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  let current = value;
  for (const field of path) {
    if (!isJsonObject(current)) return undefined;
    current = current[field];
  }
  return current;
}

export const textAt = (value: JsonValue | undefined, ...path: readonly string[]): string => {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : '';
};

export const numberAt = (value: JsonValue | undefined, ...path: readonly string[]): number | undefined => {
  const found = at(value, ...path);
  return typeof found === 'number' ? found : undefined;
};

export const countAt = (value: JsonValue | undefined, ...path: readonly string[]): number =>
  numberAt(value, ...path) ?? 0;

export const listAt = (value: JsonValue | undefined, ...path: readonly string[]): JsonObject[] => {
  const found = at(value, ...path);
  return Array.isArray(found) ? found.filter(isJsonObject) : [];
};

/** A map of strings, as labels and annotations are; anything else in it is left out. */
export function textsAt(value: JsonValue | undefined, ...path: readonly string[]): Record<string, string> {
  const found = at(value, ...path);
  if (!isJsonObject(found)) return {};
  const texts = Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts);
}

/** Reads an object's identity. A kind handed in wins: list items carry none, and metadata-only items a wrong one. */
export const identityOf = (object: JsonObject, kind?: KindRef): ObjectIdentity => ({
  apiVersion: kind?.apiVersion ?? textAt(object, 'apiVersion'),
  kind: kind?.kind ?? textAt(object, 'kind'),
  namespace: textAt(object, 'metadata', 'namespace'),
  name: textAt(object, 'metadata', 'name'),
  uid: textAt(object, 'metadata', 'uid'),
  resourceVersion: textAt(object, 'metadata', 'resourceVersion'),
});
