import {
  type Fields,
  fieldsAt,
  isFields,
  type KubeObject,
  type LabelSelector,
  type Pod,
  type PodTemplate,
} from '../objects.js';
import { resourceNamed } from '../resources.js';
import {
  type ControllerContext,
  createUnlessRefused,
  reconcileEach,
  remove,
  withoutZeros,
  writeStatus,
} from './context.js';
import { isEnded, isReady, podFrom, templateHash } from './pods.js';
import { countAvailable, followPods } from './replicaset.js';

interface StatefulSet extends KubeObject {
  spec: {
    replicas: number;
    minReadySeconds?: number;
    selector: LabelSelector;
    template: PodTemplate;
    podManagementPolicy?: string;
    ordinals?: { start?: number };
    updateStrategy?: { type?: string; rollingUpdate?: { partition?: number } };
    volumeClaimTemplates?: readonly Fields[];
  };
  status?: Fields;
}

const statefulSets = resourceNamed('statefulsets');
const pods = resourceNamed('pods');
const claims = resourceNamed('persistentvolumeclaims');
const revisionLabel = 'controller-revision-hash';

/** Pods in order of their ordinals: one is made when all before it are ready, one is taken when it is the last. */
export function startStatefulSets(context: ControllerContext): void {
  const enqueue = reconcileEach<StatefulSet>(context, statefulSets, (set) =>
    reconcile(context, set, () => enqueue(set)),
  );
  followPods(context, 'StatefulSet', enqueue);
}

const ordinalOf = ({ metadata }: KubeObject): number => Number(metadata.name.slice(metadata.name.lastIndexOf('-') + 1));
const revisionOf = ({ metadata }: KubeObject): string => metadata.labels?.[revisionLabel] ?? '';

function reconcile(context: ControllerContext, set: StatefulSet, again: () => void): void {
  const revision = `${set.metadata.name}-${templateHash(set.spec.template)}`;
  if (set.metadata.deletionTimestamp === undefined) step(context, set, revision);
  const owned = podsOf(context, set);
  const live = owned.filter((pod) => pod.metadata.deletionTimestamp === undefined && !isEnded(pod));
  const updated = live.filter((pod) => revisionOf(pod) === revision).length;
  const done = updated === live.length && live.length === set.spec.replicas;
  const currentRevision = done ? revision : String(fieldsAt(set, 'status').currentRevision ?? revision);
  const counts = withoutZeros({
    observedGeneration: set.metadata.generation ?? 0,
    readyReplicas: live.filter(isReady).length,
    currentReplicas: live.filter((pod) => revisionOf(pod) === currentRevision).length,
    updatedReplicas: updated,
  });
  const availableReplicas = countAvailable(context, live, set.spec.minReadySeconds ?? 0, again);
  writeStatus(context, set, {
    ...counts,
    replicas: live.length,
    availableReplicas,
    currentRevision,
    updateRevision: revision,
    collisionCount: 0,
  });
}

function podsOf(context: ControllerContext, set: StatefulSet): Pod[] {
  const owned = context.owners.controlled<Pod>(set.metadata.uid, 'Pod');
  return owned.sort((a, b) => ordinalOf(a) - ordinalOf(b));
}

/** One round: missing pods, surplus pods, then pods of an older template. */
function step(context: ControllerContext, set: StatefulSet, revision: string): void {
  const start = set.spec.ordinals?.start ?? 0;
  const end = start + set.spec.replicas;
  const parallel = set.spec.podManagementPolicy === 'Parallel';
  const byOrdinal = new Map(podsOf(context, set).map((pod) => [ordinalOf(pod), pod]));
  for (let ordinal = start; ordinal < end; ordinal += 1) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) createPod(context, set, ordinal, revision);
    else if (isEnded(pod)) remove(context, pod);
    if ((pod === undefined || !isReady(pod)) && !parallel) return;
  }
  const surplus = [...byOrdinal.values()].filter((pod) => ordinalOf(pod) >= end || ordinalOf(pod) < start).reverse();
  for (const pod of surplus) {
    remove(context, pod);
    if (!parallel) return;
  }
  update(context, set, [...byOrdinal.values()], revision);
}

function update(context: ControllerContext, set: StatefulSet, all: readonly Pod[], revision: string): void {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type === 'OnDelete' || !all.every(isReady)) return;
  const outdated = all.filter(
    (pod) => revisionOf(pod) !== revision && ordinalOf(pod) >= (rollingUpdate?.partition ?? 0),
  );
  const last = outdated.at(-1);
  if (last !== undefined) remove(context, last);
}

function createPod(context: ControllerContext, set: StatefulSet, ordinal: number, revision: string): void {
  const { namespace = '' } = set.metadata;
  const name = `${set.metadata.name}-${ordinal}`;
  const volumes = (set.spec.volumeClaimTemplates ?? []).map((template) =>
    claimVolume(context, namespace, name, template),
  );
  const given = fieldsAt(set.spec.template, 'spec').volumes;
  const templateVolumes = Array.isArray(given) ? given.filter(isFields) : [];
  const others = templateVolumes.filter((volume) => !volumes.some((claim) => claim.name === volume.name));
  const labels = {
    [revisionLabel]: revision,
    'statefulset.kubernetes.io/pod-name': name,
    'apps.kubernetes.io/pod-index': String(ordinal),
  };
  const spec = { hostname: name, ...(volumes.length === 0 ? {} : { volumes: [...others, ...volumes] }) };
  createUnlessRefused(context, pods, namespace, podFrom(set, set.spec.template, { name, labels, spec }));
}

/** The claim of one pod from a template; it outlives the pod. */
function claimVolume(context: ControllerContext, namespace: string, pod: string, template: Fields) {
  const { name, labels } = fieldsAt(template, 'metadata');
  const claimName = `${String(name)}-${pod}`;
  if (context.store.get(claims, namespace, claimName) === undefined)
    createUnlessRefused(context, claims, namespace, {
      metadata: { name: claimName, ...(isFields(labels) ? { labels } : {}) },
      spec: template.spec,
    });
  return { name: String(name), persistentVolumeClaim: { claimName } };
}
