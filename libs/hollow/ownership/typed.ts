import { isFields, sameJson } from '../objects.js';
import { fieldType, isAtomic, type TypeRef } from '../schema/schema.js';
import { PathSet } from './path-set.js';

/**
 * Structured merge and diff over the type table, after sigs.k8s.io/structured-merge-diff (the library behind
 * server-side apply, KEP-555).
 */
export interface Changes {
  added: PathSet;
  modified: PathSet;
  removed: PathSet;
}

type ListRef = TypeRef & { kind: 'list' };

const unknownType: TypeRef = { kind: 'scalar', scalar: 'any' };
const typeBelow = (type: TypeRef, field: string): TypeRef => fieldType(type, field) ?? unknownType;
const isMapLike = (type: TypeRef): boolean => type.kind !== 'list' && type.kind !== 'scalar';

/** The fieldsV1 segment of one item of a keyed list or a set. */
function itemSegment(type: ListRef, item: unknown): string {
  if (type.merge.by !== 'keys' || !isFields(item)) return `v:${JSON.stringify(item)}`;
  const key: Record<string, unknown> = {};
  for (const name of [...type.merge.keys].sort()) {
    const value = item[name] ?? type.merge.defaults[name];
    if (value !== undefined) key[name] = value;
  }
  return `k:${JSON.stringify(key)}`;
}

/** Every field that `value` names: what an apply of it comes to own. */
export function namedFields(type: TypeRef, value: unknown, into = new PathSet()): PathSet {
  if (isAtomic(type) || value === null) {
    into.member = true;
    return into;
  }
  if (type.kind === 'list' && Array.isArray(value)) {
    for (const item of value) {
      const child = into.child(itemSegment(type, item));
      if (type.merge.by === 'keys') namedFields(type.of, item, child);
      child.member = true;
    }
    return into;
  }
  if (!isFields(value)) {
    into.member = true;
    return into;
  }
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    const child = into.child(`f:${name}`);
    namedFields(typeBelow(type, name), inner, child);
    const isDeclared = type.kind === 'struct' && type.struct.fields.has(name);
    if (!isDeclared || (isFields(inner) && Object.keys(inner).length === 0)) child.member = true;
  }
  return into;
}

/** `live` with everything that `config` says laid over it. */
export function merge(type: TypeRef, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined || isAtomic(type) || sameJson(live, config))
    return live !== undefined && sameJson(live, config) ? live : config;
  if (type.kind === 'list')
    return Array.isArray(live) && Array.isArray(config) ? mergeLists(type, live, config) : config;
  if (!isFields(live) || !isFields(config)) return config;
  const out = { ...live };
  for (const [name, inner] of Object.entries(config)) out[name] = merge(typeBelow(type, name), live[name], inner);
  return out;
}

/** Items keep the order of `config`; items that only `live` has stay where they stood among the others. */
function mergeLists(type: ListRef, live: readonly unknown[], config: readonly unknown[]): unknown[] {
  const liveByKey = new Map(live.map((item) => [itemSegment(type, item), item]));
  const configKeys = config.map((item) => itemSegment(type, item));
  const wanted = new Set(configKeys);
  const out: unknown[] = [];
  let next = 0;
  for (const item of live) {
    const key = itemSegment(type, item);
    if (!wanted.has(key)) out.push(item);
    else if (next < config.length) {
      const configKey = configKeys[next] ?? '';
      out.push(merge(type.of, liveByKey.get(configKey), config[next]));
      next += 1;
    }
  }
  for (; next < config.length; next += 1) out.push(merge(type.of, liveByKey.get(configKeys[next] ?? ''), config[next]));
  return out;
}

/** `value` without the members of `set`; a map or list that this leaves empty is dropped with them. */
export function without(type: TypeRef, value: unknown, set: PathSet): unknown {
  if (set.empty) return value;
  if (type.kind === 'list' && Array.isArray(value)) {
    const kept = value.flatMap((item) => {
      const below = set.children.get(itemSegment(type, item));
      if (below?.member === true) return [];
      return [below === undefined ? item : without(type.of, item, below)];
    });
    return kept.length === 0 ? undefined : kept;
  }
  if (!isFields(value)) return value;
  const out: Record<string, unknown> = {};
  let left = 0;
  for (const [name, inner] of Object.entries(value)) {
    const below = set.children.get(`f:${name}`);
    if (below?.member === true) continue;
    left += 1;
    const next = below === undefined ? inner : without(typeBelow(type, name), inner, below);
    if (next !== undefined) out[name] = next;
  }
  return left === 0 ? undefined : out;
}

export function compare(type: TypeRef, before: unknown, after: unknown): Changes {
  const changes: Changes = { added: new PathSet(), modified: new PathSet(), removed: new PathSet() };
  compareInto(type, before, after, [], changes);
  return changes;
}

function mark(set: PathSet, path: readonly string[]): void {
  let node = set;
  for (const segment of path) node = node.child(segment);
  node.member = true;
}

function compareInto(type: TypeRef, before: unknown, after: unknown, path: string[], changes: Changes): void {
  if (before === after) return;
  if (isAtomic(type) || !fitsContainer(type, before) || !fitsContainer(type, after)) {
    if (before === undefined) mark(changes.added, path);
    else if (after === undefined) mark(changes.removed, path);
    else if (!sameJson(before, after)) mark(changes.modified, path);
    return;
  }
  if (path.length > 0 && before === undefined) mark(changes.added, path);
  if (path.length > 0 && after === undefined) mark(changes.removed, path);
  if (type.kind === 'list') {
    compareLists(type, before, after, path, changes);
    return;
  }
  const old = isFields(before) ? before : {};
  const fresh = isFields(after) ? after : {};
  for (const name of new Set([...Object.keys(old), ...Object.keys(fresh)]))
    compareInto(typeBelow(type, name), old[name], fresh[name], [...path, `f:${name}`], changes);
}

function fitsContainer(type: TypeRef, value: unknown): boolean {
  return value === undefined || (isMapLike(type) ? isFields(value) : Array.isArray(value));
}

function compareLists(type: ListRef, before: unknown, after: unknown, path: string[], changes: Changes): void {
  const keyed = (list: unknown) =>
    new Map((Array.isArray(list) ? list : []).map((item: unknown) => [itemSegment(type, item), item]));
  const old = keyed(before);
  const fresh = keyed(after);
  for (const key of new Set([...old.keys(), ...fresh.keys()]))
    compareInto(type.of, old.get(key), fresh.get(key), [...path, key], changes);
}
