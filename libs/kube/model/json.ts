import { canonicalJson, isJsonObject, type JsonObject, type JsonValue } from '#domain';

/** The object under `key`, or undefined when there is none or something else. */
export function objectAt(from: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = from?.[key];
  return isJsonObject(value) ? value : undefined;
}

/** The objects in the list under `key`; anything else in it is left out. */
export function objectsAt(from: JsonObject | undefined, key: string): JsonObject[] {
  const value = from?.[key];
  return Array.isArray(value) ? value.filter((each) => isJsonObject(each)) : [];
}

export function textAt(from: JsonObject | undefined, key: string): string | undefined {
  const value = from?.[key];
  return typeof value === 'string' ? value : undefined;
}

export const without = (from: JsonObject, ...keys: string[]): JsonObject =>
  Object.fromEntries(Object.entries(from).filter(([key]) => !keys.includes(key)));

export const isEmpty = (value: JsonObject): boolean => Object.keys(value).length === 0;

export const sameJson = (a: JsonValue, b: JsonValue): boolean => canonicalJson(a) === canonicalJson(b);

/** What was found, in few words: for violations. */
export function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isJsonObject(value)) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
