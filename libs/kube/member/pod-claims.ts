import { berthLabels, type JsonObject, type ObjectRef } from '#domain';
import { listAt, textAt, textsAt } from '../client/objects.js';

/** How a ReplicaSet of a Deployment is named: the Deployment's name, and the hash that its pods carry. */
const hashLabel = 'pod-template-hash';

const keyOf = ({ kind, namespace, name }: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>): string =>
  `${kind}/${namespace}/${name}`;

/** The workload that made a pod, by its controller; undefined for a pod of its own. */
function workloadOf(pod: JsonObject): string | undefined {
  const controller = listAt(pod, 'metadata', 'ownerReferences').find((owner) => owner.controller === true);
  if (controller === undefined) return undefined;
  const [kind, name, namespace] = [textAt(controller, 'kind'), textAt(controller, 'name'), namespaceOf(pod)];
  if (kind !== 'ReplicaSet') return keyOf({ kind, namespace, name });
  const suffix = `-${textsAt(pod, 'metadata', 'labels')[hashLabel] ?? ''}`;
  return name.endsWith(suffix)
    ? keyOf({ kind: 'Deployment', namespace, name: name.slice(0, -suffix.length) })
    : undefined;
}

const namespaceOf = (pod: JsonObject): string => textAt(pod, 'metadata', 'namespace');

/** Whose pods are whose: by the label that Berth's templates give them, or by the object that was taken over and makes them. */
export class PodClaims {
  readonly #works = new Map<string, string>();

  /** The pods of this workload are this work's; undefined: no longer. Answers whether that is news. */
  set(workload: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>, workId: string | undefined): boolean {
    const key = keyOf(workload);
    if (this.#works.get(key) === workId) return false;
    if (workId === undefined) this.#works.delete(key);
    else this.#works.set(key, workId);
    return true;
  }

  /** Empty for a pod that is no work's. A claim goes before a label, which may be left from an earlier work. */
  workOf(pod: JsonObject): string {
    const workload = this.#works.size === 0 ? undefined : workloadOf(pod);
    const claimed = workload === undefined ? undefined : this.#works.get(workload);
    return claimed ?? textsAt(pod, 'metadata', 'labels')[berthLabels.work] ?? '';
  }
}
