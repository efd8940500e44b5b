import type { KubeObject } from '../objects.js';
import { type ControllerContext, controllerManager, current, refOf, remove } from './context.js';

/** Deletes what lost all its owners, and carries foreground and orphaning deletions through. */
export function startGarbageCollection(context: ControllerContext): void {
  context.store.listen('all', ({ type, object }) => {
    const { uid, ownerReferences = [], finalizers = [], deletionTimestamp } = object.metadata;
    if (type === 'DELETED') {
      for (const child of context.owners.children(uid)) collectLater(context, child);
      for (const owner of ownerReferences) finishLater(context, context.owners.object(owner.uid));
    } else if (ownerReferences.length > 0 && type === 'ADDED') collectLater(context, object);
    if (deletionTimestamp !== undefined && finalizers.length > 0) finishLater(context, object);
  });
}

function collectLater(context: ControllerContext, object: KubeObject): void {
  context.loop.enqueue(`garbage ${object.metadata.uid}`, () => {
    const live = current(context, object);
    if (live === undefined || live.metadata.deletionTimestamp !== undefined) return;
    const owners = live.metadata.ownerReferences ?? [];
    if (owners.length > 0 && owners.every(({ uid }) => context.owners.object(uid) === undefined))
      remove(context, live, { propagationPolicy: 'Background' });
  });
}

function finishLater(context: ControllerContext, object: KubeObject | undefined): void {
  if (object === undefined || object.metadata.deletionTimestamp === undefined) return;
  context.loop.enqueue(`finalize ${object.metadata.uid}`, () => {
    const live = current(context, object);
    if (live?.metadata.finalizers?.includes('orphan')) orphanChildren(context, live);
    else if (live?.metadata.finalizers?.includes('foregroundDeletion')) deleteChildrenFirst(context, live);
  });
}

function deleteChildrenFirst(context: ControllerContext, owner: KubeObject): void {
  const children = context.owners.children(owner.metadata.uid);
  for (const child of children)
    if (child.metadata.deletionTimestamp === undefined) remove(context, child, { propagationPolicy: 'Foreground' });
  const blocking = context.owners
    .children(owner.metadata.uid)
    .some(({ metadata }) =>
      metadata.ownerReferences?.some(({ uid, blockOwnerDeletion }) => uid === owner.metadata.uid && blockOwnerDeletion),
    );
  if (!blocking) dropFinalizer(context, owner, 'foregroundDeletion');
}

function orphanChildren(context: ControllerContext, owner: KubeObject): void {
  for (const child of context.owners.children(owner.metadata.uid)) {
    const ownerReferences = child.metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid) ?? [];
    const { ownerReferences: _, ...metadata } = child.metadata;
    const next = { ...child, metadata: ownerReferences.length === 0 ? metadata : { ...metadata, ownerReferences } };
    context.api.update(refOf(context, child), next, { manager: controllerManager });
  }
  dropFinalizer(context, owner, 'orphan');
}

export function dropFinalizer(context: ControllerContext, owner: KubeObject, name: string): void {
  const live = current(context, owner);
  if (live === undefined) return;
  const { finalizers = [], ...metadata } = live.metadata;
  const left = finalizers.filter((finalizer) => finalizer !== name);
  const next = { ...live, metadata: left.length === 0 ? metadata : { ...metadata, finalizers: left } };
  context.api.update(refOf(context, live), next, { manager: controllerManager });
}
