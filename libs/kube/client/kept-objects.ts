import type { JsonObject } from '#domain';
import { identityOf, type KindRef, type ObjectIdentity } from './objects.js';

export type ObjectChange<Kept> =
  | { type: 'added'; id: ObjectIdentity; kept: Kept }
  | { type: 'modified'; id: ObjectIdentity; kept: Kept; before: Kept }
  | { type: 'deleted'; id: ObjectIdentity; kept: Kept };

interface Entry<Kept> {
  id: ObjectIdentity;
  kept: Kept;
}

/** What a reflector knows of its objects: their identity and a projection, never the whole object. */
export class KeptObjects<Kept> {
  private readonly entries = new Map<string, Entry<Kept>>();

  constructor(
    private readonly kind: KindRef,
    private readonly keep: (object: JsonObject, id: ObjectIdentity) => Kept | undefined,
  ) {}

  values(): Kept[] {
    return [...this.entries.values()].map((entry) => entry.kept);
  }

  get(namespace: string, name: string): Kept | undefined {
    return this.entries.get(`${namespace}/${name}`)?.kept;
  }

  /** The changes that one seen object means: none when it is known already, two when its name changed owner. `anew`: kept afresh though known. */
  see(object: JsonObject, { anew = false } = {}): ObjectChange<Kept>[] {
    const id = identityOf(object, this.kind);
    const key = `${id.namespace}/${id.name}`;
    const before = this.entries.get(key);
    if (!anew && before?.id.uid === id.uid && before.id.resourceVersion === id.resourceVersion) return [];
    const kept = this.keep(object, id);
    if (kept === undefined) return this.drop(key);
    const replaced = before !== undefined && before.id.uid !== id.uid ? this.drop(key) : [];
    this.entries.set(key, { id, kept });
    if (before === undefined || replaced.length > 0) return [...replaced, { type: 'added', id, kept }];
    return [{ type: 'modified', id, kept, before: before.kept }];
  }

  /** A deletion that was heard of; one of an earlier life of the same name changes nothing. */
  forget(object: JsonObject): ObjectChange<Kept>[] {
    const id = identityOf(object, this.kind);
    const key = `${id.namespace}/${id.name}`;
    return this.entries.get(key)?.id.uid === id.uid ? this.drop(key) : [];
  }

  /** Deletions of everything that a full list did not name. */
  retainOnly(seen: ReadonlySet<string>): ObjectChange<Kept>[] {
    return [...this.entries.keys()].filter((key) => !seen.has(key)).flatMap((key) => this.drop(key));
  }

  private drop(key: string): ObjectChange<Kept>[] {
    const entry = this.entries.get(key);
    if (entry === undefined) return [];
    this.entries.delete(key);
    return [{ type: 'deleted', id: entry.id, kept: entry.kept }];
  }
}
