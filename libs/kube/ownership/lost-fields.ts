import { isJsonObject, type JsonObject, type JsonValue } from '#domain';
import { at } from '../client/objects.js';
import { type FieldPath, isItem, keyDefaults } from './field-path.js';

/** What no manager owns, and what only the server writes. */
const unowned: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'status']);
const unownedMetadata: ReadonlySet<string> = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'uid',
  'generation',
  'resourceVersion',
  'managedFields',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
]);

/** Some servers note an empty list or map as owned, and some don't. */
const isEmpty = (value: JsonValue): boolean =>
  value === null || (typeof value === 'object' && Object.keys(value).length === 0);

/**
 * The fields that a manifest orders and a `fieldsV1` set does not cover, the topmost of each branch. An update by somebody
 * else that changes or removes a field takes it out of the set of whoever had applied it, so these are what was changed
 * since. Needs no schema: the set itself says which lists are keyed, which are sets, and what is one piece. Where it could
 * be either (a map of which only the map itself is left, in kinds without schema), the sets of others tell.
 */
export function lostFields(manifest: JsonObject, owned: JsonObject, others: readonly JsonObject[] = []): FieldPath[] {
  const search: Search = { lost: [], others };
  for (const [name, value] of Object.entries(manifest)) {
    if (unowned.has(name)) continue;
    if (name !== 'metadata') compare(value, owned[`f:${name}`], [`f:${name}`], search);
    else if (isJsonObject(value)) {
      const below = isJsonObject(owned['f:metadata']) ? owned['f:metadata'] : {};
      for (const [key, inner] of Object.entries(value))
        if (!unownedMetadata.has(key)) compare(inner, below[`f:${key}`], ['f:metadata', `f:${key}`], search);
    }
  }
  return search.lost;
}

interface Search {
  lost: FieldPath[];
  others: readonly JsonObject[];
}

function compare(value: JsonValue, owned: JsonValue | undefined, path: FieldPath, search: Search): void {
  if (isEmpty(value)) return;
  if (!isJsonObject(owned)) {
    if (isJsonObject(value) && isDivided(value, path, search.others)) compareFields(value, {}, path, search);
    else search.lost.push(path);
    return;
  }
  const isWhole = Object.keys(owned).length === 0 && !isDivided(value, path, search.others);
  if (isWhole) return; // one piece, with all that is below
  if (Array.isArray(value)) compareItems(value, owned, path, search);
  else if (isJsonObject(value)) compareFields(value, owned, path, search);
}

function compareFields(value: JsonObject, owned: JsonObject, path: FieldPath, search: Search): void {
  for (const [name, inner] of Object.entries(value)) compare(inner, owned[`f:${name}`], [...path, `f:${name}`], search);
}

/** An item of a keyed list is never one piece; a map is not when others have parts of it. */
function isDivided(value: JsonValue, path: FieldPath, others: readonly JsonObject[]): boolean {
  if (Array.isArray(value)) return false;
  if (path.at(-1)?.startsWith('k:') === true) return true;
  return others.some((fields) => {
    const theirs = at(fields, ...path);
    return isJsonObject(theirs) && Object.keys(theirs).some((segment) => segment !== '.');
  });
}

function compareItems(list: readonly JsonValue[], owned: JsonObject, path: FieldPath, search: Search): void {
  const segments = Object.keys(owned).filter((segment) => segment !== '.');
  if (segments.length === 0) {
    search.lost.push(path);
    return;
  }
  const left = new Set(segments);
  list.forEach((item, index) => {
    const segment = [...left].find((each) => isItem(each, item, index));
    if (segment === undefined) {
      search.lost.push([...path, segmentLike(segments[0] ?? '', item, index)]);
      return;
    }
    left.delete(segment);
    if (segment.startsWith('k:') && isJsonObject(item)) compareKeyed(item, owned[segment], [...path, segment], search);
  });
}

/** The keys themselves may be noted or not: an item that is there has them. */
function compareKeyed(item: JsonObject, owned: JsonValue | undefined, path: FieldPath, search: Search): void {
  const keys: unknown = JSON.parse(path.at(-1)?.slice(2) ?? '{}');
  const rest = Object.fromEntries(Object.entries(item).filter(([name]) => !isJsonObject(keys) || !(name in keys)));
  compare(rest, owned, path, search);
}

/** How an item is named in a list whose other items are named like this. */
function segmentLike(other: string, item: JsonValue, index: number): string {
  if (other.startsWith('v:')) return `v:${JSON.stringify(item)}`;
  if (!other.startsWith('k:') || !isJsonObject(item)) return `i:${index}`;
  const names = Object.keys(JSON.parse(other.slice(2)));
  const keys = names.flatMap((name): [string, JsonValue][] => {
    const value = item[name] ?? keyDefaults[name];
    return value === undefined ? [] : [[name, value]];
  });
  return `k:${JSON.stringify(Object.fromEntries(keys))}`;
}
