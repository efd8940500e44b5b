import { fieldsAt, type KubeObject, rfc3339 } from '../objects.js';
import type { ResourceKind } from '../resources.js';
import { preconditionFailed } from '../status.js';
import type { Api, ObjectRef } from './api.js';

/** A definition that is deleted stays until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

export interface DeleteOptions {
  uid?: string;
  resourceVersion?: string;
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  dryRun?: boolean;
}

export interface Deletion {
  object: KubeObject;
  /** False while a grace period, a finalizer or a namespace's content still holds it. */
  gone: boolean;
}

/** Deletes, or marks as being deleted. Throws 404, and 409 when a precondition names another object. */
export function deleteObject(api: Api, ref: ObjectRef, options: DeleteOptions): Deletion {
  const live = api.get(ref);
  checkPreconditions(ref, live, options);
  const marked = markDeleted(api, ref.resource, live, options);
  const gone = api.isFinished(marked);
  if (options.dryRun === true) return { object: marked, gone };
  if (gone) return { object: api.store.remove(ref.resource, marked), gone };
  return { object: marked === live ? live : api.store.put(ref.resource, marked), gone };
}

function checkPreconditions(ref: ObjectRef, { metadata }: KubeObject, { uid, resourceVersion }: DeleteOptions): void {
  if (uid !== undefined && uid !== metadata.uid)
    throw preconditionFailed(
      ref.resource,
      ref.name,
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw preconditionFailed(
      ref.resource,
      ref.name,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
}

function markDeleted(api: Api, resource: ResourceKind, live: KubeObject, options: DeleteOptions): KubeObject {
  const graceSeconds = resource.builtIn === 'Pod' ? podGraceSeconds(live, options) : 0;
  const { deletionTimestamp, deletionGracePeriodSeconds: grace = 0 } = live.metadata;
  if (deletionTimestamp !== undefined && graceSeconds >= grace) return live;
  const finalizers = [...(live.metadata.finalizers ?? [])];
  const policy = options.propagationPolicy ?? (resource.builtIn === 'Job' ? 'Orphan' : 'Background');
  const added = policy === 'Foreground' ? 'foregroundDeletion' : policy === 'Orphan' ? 'orphan' : undefined;
  if (added !== undefined && !finalizers.includes(added)) finalizers.push(added);
  if (resource.builtIn === 'CustomResourceDefinition' && deletionTimestamp === undefined)
    finalizers.push(cleanupFinalizer);
  const { generation } = live.metadata;
  const marked: KubeObject = {
    ...live,
    metadata: {
      ...live.metadata,
      ...(finalizers.length > 0 ? { finalizers } : {}),
      ...(generation === undefined || deletionTimestamp !== undefined ? {} : { generation: generation + 1 }),
      deletionTimestamp: deletionTimestamp ?? rfc3339(api.nowMs + graceSeconds * 1000),
      ...(resource.builtIn === 'Namespace' ? {} : { deletionGracePeriodSeconds: graceSeconds }),
    },
  };
  return resource.builtIn === 'Namespace'
    ? { ...marked, status: { ...fieldsAt(live, 'status'), phase: 'Terminating' } }
    : marked;
}

/** A pod that no kubelet runs, or that ended, goes at once. */
function podGraceSeconds(pod: KubeObject, options: DeleteOptions): number {
  const spec = fieldsAt(pod, 'spec');
  const phase = fieldsAt(pod, 'status').phase;
  if (spec.nodeName === undefined || phase === 'Succeeded' || phase === 'Failed') return 0;
  return options.gracePeriodSeconds ?? Number(spec.terminationGracePeriodSeconds ?? 30);
}
