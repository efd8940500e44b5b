import type { Alarms } from '../alarms.js';
import type { Api, ObjectRef } from '../api/api.js';
import { type DeleteOptions, deleteObject } from '../api/deletion.js';
import type { Chance } from '../chance.js';
import { type Fields, type KubeObject, sameJson } from '../objects.js';
import type { ResourceRegistry } from '../registry.js';
import type { ResourceKind } from '../resources.js';
import { ApiError } from '../status.js';
import type { ObjectStore } from '../store.js';
import type { Loop } from './loop.js';
import type { Owners } from './owners.js';

/** What every controller works with. */
export interface ControllerContext {
  api: Api;
  store: ObjectStore;
  registry: ResourceRegistry;
  alarms: Alarms;
  chance: Chance;
  loop: Loop;
  owners: Owners;
}

export const controllerManager = 'kube-controller-manager';

export function refOf({ registry }: Pick<ControllerContext, 'registry'>, object: KubeObject): ObjectRef {
  const resource = registry.ofKind(object.apiVersion, object.kind);
  if (resource === undefined) throw new Error(`no resource for ${object.apiVersion} ${object.kind}`);
  return { resource, namespace: object.metadata.namespace ?? '', name: object.metadata.name };
}

/** The object as it is now, or undefined when it is gone or another one has its name. */
export function current<T extends KubeObject>(context: ControllerContext, object: T): T | undefined {
  const { resource, namespace, name } = refOf(context, object);
  const found = context.store.get(resource, namespace, name);
  return found?.metadata.uid === object.metadata.uid ? (found as T) : undefined;
}

export function writeStatus(context: ControllerContext, object: KubeObject, status: Fields): void {
  const live = current(context, object);
  if (live === undefined || sameJson(live.status, status)) return;
  context.api.update(refOf(context, live), { ...live, status }, { manager: controllerManager, subresource: 'status' });
}

/** Writes the main part of a changed object. */
export function write<T extends KubeObject>(context: ControllerContext, object: T): T {
  return context.api.update(refOf(context, object), object, { manager: controllerManager }) as T;
}

/** Creates an object, or gives undefined when its namespace is going away or its name is taken. */
export function createUnlessRefused(
  context: ControllerContext,
  resource: ResourceKind,
  namespace: string,
  body: unknown,
) {
  try {
    return context.api.create(resource, namespace, body, { manager: controllerManager });
  } catch (cause) {
    if (cause instanceof ApiError && [403, 404, 409].includes(cause.code)) return undefined;
    throw cause;
  }
}

/** Deletes this very object, if it is still there. */
export function remove(context: ControllerContext, object: KubeObject, options: DeleteOptions = {}): void {
  if (current(context, object) !== undefined)
    deleteObject(context.api, refOf(context, object), { uid: object.metadata.uid, ...options });
}

export function ownerReference(owner: KubeObject) {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

/** Counts as a Kubernetes status shows them: zeros are left out. */
export function withoutZeros(counts: Record<string, number>): Fields {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

/** Calls `reconcile` for every object of a kind that appears or changes, once a turn each. */
export function reconcileEach<T extends KubeObject>(
  context: ControllerContext,
  resource: ResourceKind,
  reconcile: (object: T) => void,
): (object: KubeObject) => void {
  const enqueue = (object: KubeObject) => {
    context.loop.enqueue(`${resource.plural} ${object.metadata.uid}`, () => {
      const live = current(context, object);
      if (live !== undefined) reconcile(live as T);
    });
  };
  context.store.listen(resource, (event) => {
    if (event.type !== 'DELETED') enqueue(event.object);
  });
  return enqueue;
}
