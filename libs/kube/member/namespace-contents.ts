import type { JsonObject, ObjectRef } from '#domain';
import type { KubeClient } from '../client/client.js';
import type { Discovery, ServedKind } from '../client/discovery.js';
import { AccessForbidden, isNotFound } from '../client/errors.js';
import { identityOf, listAt, textAt, textsAt } from '../client/objects.js';
import type { Bounds } from './port.js';

export interface NamespaceContents {
  /** Objects that would be lost with the namespace: at most `enough` of them. */
  left: ObjectRef[];
  /** API groups that did not answer, and kinds that may not be listed: what they hold is unknown, so the namespace is not known to be empty. */
  unchecked: string[];
}

/** Nobody decides on a longer list than this. */
const enough = 20;
const parallel = 6;

/** Views of other objects, served by metrics adapters: nothing that could be lost. */
const isView = (group: string): boolean => /(^|\.)metrics\.k8s\.io$/.test(group);
const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');

/** What Kubernetes itself puts into every namespace. */
const defaults: ReadonlySet<string> = new Set(['ConfigMap/kube-root-ca.crt', 'ServiceAccount/default']);
const serviceAccountName = 'kubernetes.io/service-account.name';
const endpointsTrigger = 'endpoints.kubernetes.io/last-change-trigger-time';

/** One version of each namespaced kind that can be listed and deleted; Events are a log, not content. */
function kindsToCheck({ kinds }: Discovery): ServedKind[] {
  const chosen = new Map<string, ServedKind>();
  for (const kind of kinds.values()) {
    const group = groupOf(kind.apiVersion);
    const holdsObjects = kind.namespaced && kind.verbs.has('list') && kind.verbs.has('delete');
    if (!holdsObjects || kind.kind === 'Event' || isView(group)) continue;
    const key = `${group}/${kind.plural}`;
    if (!chosen.has(key)) chosen.set(key, kind);
  }
  return [...chosen.values()];
}

/**
 * Objects that come and go with another: one with a controller is reported by its controller, if that is still there;
 * without it, it is being collected. Only a controller inside the namespace counts, others are not listed here.
 */
function isDerived(object: JsonObject, { kind, name }: ObjectRef, namespacedKinds: ReadonlySet<string>): boolean {
  if (defaults.has(`${kind}/${name}`)) return true;
  const annotations = textsAt(object, 'metadata', 'annotations');
  if (kind === 'Secret' && annotations[serviceAccountName] !== undefined) return true;
  if (kind === 'Endpoints' && annotations[endpointsTrigger] !== undefined) return true;
  return listAt(object, 'metadata', 'ownerReferences').some(
    (owner) => owner.controller === true && namespacedKinds.has(textAt(owner, 'kind')),
  );
}

/** Looks through every kind that a namespace can hold, as the namespace controller would delete it. */
export async function namespaceContents(
  client: KubeClient,
  namespace: string,
  bounds: Bounds,
): Promise<NamespaceContents> {
  const discovery = await client.discovery({ ...bounds, refresh: true });
  const kinds = kindsToCheck(discovery);
  const namespacedKinds = new Set(kinds.map((kind) => kind.kind));
  const unchecked = discovery.unavailable.filter((groupVersion) => !isView(groupOf(groupVersion)));
  const services = new Set<string>();
  const left: ObjectRef[] = [];

  const check = async (kind: ServedKind): Promise<void> => {
    for await (const { items } of client.list(kind, { ...bounds, namespace, metadataOnly: true, pageSize: 200 })) {
      for (const item of items) {
        const id = identityOf(item, kind);
        if (kind.kind === 'Service') services.add(id.name);
        if (!isDerived(item, id, namespacedKinds))
          left.push({ apiVersion: id.apiVersion, kind: id.kind, namespace: id.namespace, name: id.name });
      }
      if (left.length >= enough) return;
    }
  };
  const worker = async (): Promise<void> => {
    for (let kind = kinds.shift(); kind !== undefined && left.length < enough; kind = kinds.shift()) {
      try {
        await check(kind);
      } catch (error) {
        if (error instanceof AccessForbidden)
          unchecked.push(`${kind.apiVersion} ${kind.kind} (the agent may not list it)`);
        else if (!isNotFound(error)) throw error; // a kind that vanished since discovery holds nothing
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  // Endpoints carry a Service's name: that Service is in the list itself
  const counted = left.filter((ref) => ref.kind !== 'Endpoints' || !services.has(ref.name));
  return { left: counted.slice(0, enough), unchecked };
}
