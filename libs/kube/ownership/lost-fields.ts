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
function isEmpty(value: JsonValue): boolean {
  if (value === null) return true;
  if (typeof value === 'object') for (const _ in value) return false;
  return typeof value === 'object';
}

/**
 * The fields that a manifest orders and a `fieldsV1` set does not cover, the topmost of each branch. An update by somebody
 * else that changes or removes a field takes it out of the set of whoever had applied it, so these are what was changed
 * since. Needs no schema: the set itself says which lists are keyed, which are sets, and what is one piece. Where it could
 * be either (a map of which only the map itself is left, in kinds without schema), the sets of others tell.
 */
export function lostFields(manifest: JsonObject, owned: JsonObject, others: readonly JsonObject[] = []): FieldPath[] {
  const search: Search = { lost: [], others };
  for (const name in manifest) {
    const value = manifest[name] ?? null;
    if (unowned.has(name)) continue;
    if (name !== 'metadata') compare(value, owned[`f:${name}`], step(undefined, `f:${name}`), search);
    else if (isJsonObject(value)) {
      const below = isJsonObject(owned['f:metadata']) ? owned['f:metadata'] : {};
      const here = step(undefined, 'f:metadata');
      for (const key in value)
        if (!unownedMetadata.has(key)) compare(value[key] ?? null, below[`f:${key}`], step(here, `f:${key}`), search);
    }
  }
  return search.lost;
}

interface Search {
  lost: FieldPath[];
  others: readonly JsonObject[];
}

/** A path from its end: most paths are walked and never told, and cost one small object a step. */
interface Step {
  before: Step | undefined;
  segment: string;
}

const step = (before: Step | undefined, segment: string): Step => ({ before, segment });

function pathTo(last: Step): FieldPath {
  const path: string[] = [];
  for (let at: Step | undefined = last; at !== undefined; at = at.before) path.push(at.segment);
  return path.reverse();
}

function compare(value: JsonValue, owned: JsonValue | undefined, here: Step, search: Search): void {
  if (typeof value !== 'object') {
    if (owned === undefined) search.lost.push(pathTo(here));
    return;
  }
  if (isEmpty(value)) return;
  if (!isJsonObject(owned)) {
    if (isJsonObject(value) && isDivided(value, here, search.others)) compareFields(value, {}, here, search);
    else search.lost.push(pathTo(here));
    return;
  }
  if (isEmpty(owned) && !isDivided(value, here, search.others)) return; // one piece, with all that is below
  if (Array.isArray(value)) compareItems(value, owned, here, search);
  else if (isJsonObject(value)) compareFields(value, owned, here, search);
}

function compareFields(value: JsonObject, owned: JsonObject, here: Step, search: Search): void {
  for (const name in value) compare(value[name] ?? null, owned[`f:${name}`], step(here, `f:${name}`), search);
}

/** An item of a keyed list is never one piece; a map is not when others have parts of it. */
function isDivided(value: JsonValue, here: Step, others: readonly JsonObject[]): boolean {
  if (Array.isArray(value)) return false;
  if (here.segment.startsWith('k:')) return true;
  const path = pathTo(here);
  return others.some((fields) => {
    const theirs = at(fields, ...path);
    return isJsonObject(theirs) && Object.keys(theirs).some((segment) => segment !== '.');
  });
}

function compareItems(list: readonly JsonValue[], owned: JsonObject, here: Step, search: Search): void {
  const segments = Object.keys(owned).filter((segment) => segment !== '.');
  const [first] = segments;
  if (first === undefined) {
    search.lost.push(pathTo(here));
    return;
  }
  const keys = first.startsWith('k:') ? Object.keys(JSON.parse(first.slice(2))) : [];
  list.forEach((item, index) => {
    // mostly the item is there under the name that it would be given; a search tells of those with other defaults
    const named = segmentLike(first, keys, item, index);
    const segment = Object.hasOwn(owned, named) ? named : segments.find((each) => isItem(each, item, index));
    if (segment === undefined) search.lost.push([...pathTo(here), named]);
    else if (isJsonObject(item) && keys.length > 0)
      compareKeyed(item, keys, owned[segment], step(here, segment), search);
  });
}

/** The keys themselves may be noted or not: an item that is there has them. */
function compareKeyed(
  item: JsonObject,
  keys: readonly string[],
  owned: JsonValue | undefined,
  here: Step,
  search: Search,
): void {
  const fields = isJsonObject(owned) ? owned : {};
  for (const name in item)
    if (!keys.includes(name)) compare(item[name] ?? null, fields[`f:${name}`], step(here, `f:${name}`), search);
}

/** How an item is named in a list whose other items are named like this. */
function segmentLike(other: string, keys: readonly string[], item: JsonValue, index: number): string {
  if (other.startsWith('v:')) return `v:${JSON.stringify(item)}`;
  if (keys.length === 0 || !isJsonObject(item)) return `i:${index}`;
  const named: JsonObject = {};
  for (const name of keys) {
    const value = item[name] ?? keyDefaults[name];
    if (value !== undefined) named[name] = value;
  }
  return `k:${JSON.stringify(named)}`;
}
