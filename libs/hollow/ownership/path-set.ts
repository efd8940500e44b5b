import { isFields } from '../objects.js';

/**
 * A set of field paths in the segments of `fieldsV1`: `f:name` a field or map key, `k:{…}` a list item by its keys,
 * `v:…` an item of a set. A path may be a member itself (`.` in fieldsV1) beside the paths below it.
 */
export class PathSet {
  member = false;
  readonly children = new Map<string, PathSet>();

  get empty(): boolean {
    return !this.member && this.children.size === 0;
  }

  child(segment: string): PathSet {
    let found = this.children.get(segment);
    if (found === undefined) {
      found = new PathSet();
      this.children.set(segment, found);
    }
    return found;
  }

  static parse(fieldsV1: unknown): PathSet {
    const set = new PathSet();
    if (isFields(fieldsV1)) for (const segment of Object.keys(fieldsV1)) PathSet.parseInto(set, segment, fieldsV1);
    return set;
  }

  private static parseInto(set: PathSet, segment: string, fields: Record<string, unknown>): void {
    if (segment === '.') {
      set.member = true;
      return;
    }
    const below = fields[segment];
    const child = PathSet.parse(below);
    if (child.empty) child.member = true;
    set.children.set(segment, child);
  }

  /** The `fieldsV1` form. A member with nothing below it is `{}`. */
  format(): Record<string, unknown> {
    const out: Record<string, unknown> = {};
    if (this.member && this.children.size > 0) out['.'] = {};
    for (const segment of [...this.children.keys()].sort()) out[segment] = this.children.get(segment)?.format();
    return out;
  }

  /** Every member as its list of segments. */
  *paths(prefix: readonly string[] = []): Generator<readonly string[]> {
    if (this.member && prefix.length > 0) yield prefix;
    for (const [segment, child] of this.children) yield* child.paths([...prefix, segment]);
  }
}

function build(member: boolean, children: Iterable<[string, PathSet]>): PathSet {
  const set = new PathSet();
  set.member = member;
  for (const [segment, child] of children) if (!child.empty) set.children.set(segment, child);
  return set;
}

export function union(a: PathSet, b: PathSet): PathSet {
  if (a.empty) return b;
  if (b.empty) return a;
  const children = new Map(a.children);
  for (const [segment, theirs] of b.children) {
    const ours = children.get(segment);
    children.set(segment, ours === undefined ? theirs : union(ours, theirs));
  }
  return build(a.member || b.member, children);
}

export function intersection(a: PathSet, b: PathSet): PathSet {
  const children: [string, PathSet][] = [];
  for (const [segment, ours] of a.children) {
    const theirs = b.children.get(segment);
    if (theirs !== undefined) children.push([segment, intersection(ours, theirs)]);
  }
  return build(a.member && b.member, children);
}

/** `a` without the members of `b`; what lies below a member of `b` stays. */
export function difference(a: PathSet, b: PathSet): PathSet {
  if (b.empty) return a;
  const children: [string, PathSet][] = [];
  for (const [segment, ours] of a.children) {
    const theirs = b.children.get(segment);
    children.push([segment, theirs === undefined ? ours : difference(ours, theirs)]);
  }
  return build(a.member && !b.member, children);
}

/** Members of `last` at or below which `keep` has nothing: what may go when its owner lets go. */
export function abandoned(last: PathSet, keep: PathSet | undefined): PathSet {
  const children: [string, PathSet][] = [];
  for (const [segment, child] of last.children) children.push([segment, abandoned(child, keep?.children.get(segment))]);
  return build(last.member && (keep === undefined || keep.empty), children);
}

export function sameSet(a: PathSet, b: PathSet): boolean {
  if (a.member !== b.member || a.children.size !== b.children.size) return false;
  for (const [segment, ours] of a.children) {
    const theirs = b.children.get(segment);
    if (theirs === undefined || !sameSet(ours, theirs)) return false;
  }
  return true;
}

/** `.spec.containers[name="web"].image`, as conflicts name it. */
export function pathText(segments: readonly string[]): string {
  return segments
    .map((segment) => {
      const rest = segment.slice(2);
      if (segment.startsWith('f:')) return `.${rest}`;
      if (segment.startsWith('v:')) return `[=${rest}]`;
      const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}
