import { controllerOf, type KubeObject } from '../objects.js';
import type { ObjectStore, StoreEvent } from '../store.js';

/** Who owns whom, by uid, kept current from the store. */
export class Owners {
  private readonly childrenOf = new Map<string, Map<string, KubeObject>>();
  private readonly byUid = new Map<string, KubeObject>();

  constructor(store: ObjectStore) {
    store.listen('all', (event) => this.follow(event));
  }

  object(uid: string): KubeObject | undefined {
    return this.byUid.get(uid);
  }

  /** Everything that names `uid` among its owners. */
  children(uid: string): KubeObject[] {
    return [...(this.childrenOf.get(uid)?.values() ?? [])];
  }

  /** What `uid` controls, of one kind. */
  controlled<T extends KubeObject>(uid: string, kind: string): T[] {
    return this.children(uid).filter((child) => child.kind === kind && controllerOf(child)?.uid === uid) as T[];
  }

  private follow({ type, object, previous }: StoreEvent): void {
    const { uid } = object.metadata;
    if (type === 'DELETED') this.byUid.delete(uid);
    else this.byUid.set(uid, object);
    if (previous !== undefined && previous.metadata.ownerReferences !== object.metadata.ownerReferences)
      this.unlink(previous);
    if (type === 'DELETED') this.unlink(object);
    else this.link(object);
  }

  private link(object: KubeObject): void {
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const children = this.childrenOf.get(uid) ?? new Map<string, KubeObject>();
      children.set(object.metadata.uid, object);
      this.childrenOf.set(uid, children);
    }
  }

  private unlink(object: KubeObject): void {
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const children = this.childrenOf.get(uid);
      children?.delete(object.metadata.uid);
      if (children?.size === 0) this.childrenOf.delete(uid);
    }
  }
}
