import type { KubeObject, LabelSelector, Node, Pod, PodTemplate } from '../objects.js';
import { resourceNamed } from '../resources.js';
import {
  type ControllerContext,
  createUnlessRefused,
  reconcileEach,
  remove,
  withoutZeros,
  writeStatus,
} from './context.js';
import { admitsNode } from './node-fit.js';
import { isEnded, isReady, podFrom, templateHash } from './pods.js';
import { countAvailable, followPods } from './replicaset.js';
import { share } from './rollout.js';

interface DaemonSet extends KubeObject {
  spec: {
    minReadySeconds?: number;
    selector: LabelSelector;
    template: PodTemplate;
    updateStrategy?: { type?: string; rollingUpdate?: { maxUnavailable?: number | string } };
  };
}

const daemonSets = resourceNamed('daemonsets');
const nodes = resourceNamed('nodes');
const pods = resourceNamed('pods');
const revisionLabel = 'controller-revision-hash';

/** One pod on every node that its taints and selectors allow. Surge is not pretended: a pod goes before the next comes. */
export function startDaemonSets(context: ControllerContext): void {
  const enqueue = reconcileEach<DaemonSet>(context, daemonSets, (set) => reconcile(context, set, () => enqueue(set)));
  followPods(context, 'DaemonSet', enqueue);
  context.store.listen(nodes, ({ object, previous }) => {
    if (previous?.spec === object.spec && previous?.metadata.labels === object.metadata.labels) return;
    for (const set of context.store.objects(daemonSets)) enqueue(set);
  });
}

/** Daemon pods stand what other pods do not: nodes that are not ready or cordoned. */
const standing = ['not-ready', 'unreachable', 'disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'].map(
  (what) => ({
    key: `node.kubernetes.io/${what}`,
    operator: 'Exists',
    effect: what === 'not-ready' || what === 'unreachable' ? 'NoExecute' : 'NoSchedule',
  }),
);
const tolerations = [...standing, { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoSchedule' }];

function specFor(set: DaemonSet, node: Node) {
  const { affinity, tolerations: given = [] } = set.spec.template.spec;
  const byName = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [node.metadata.name] }] };
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [byName] } };
  return { affinity: { ...affinity, nodeAffinity }, tolerations: [...given, ...tolerations] };
}

const isWanted = (set: DaemonSet, node: Node): boolean => {
  const spec = {
    ...set.spec.template.spec,
    tolerations: [...(set.spec.template.spec.tolerations ?? []), ...tolerations],
  };
  return admitsNode({ ...set, spec } as Pod, node) === undefined;
};

function nodeOf(pod: Pod): string {
  const affinity = JSON.stringify(pod.spec.affinity ?? {});
  return pod.spec.nodeName ?? /"metadata\.name","operator":"In","values":\["([^"]+)"\]/.exec(affinity)?.[1] ?? '';
}

function reconcile(context: ControllerContext, set: DaemonSet, again: () => void): void {
  const wanted = ([...context.store.objects(nodes)] as Node[]).filter((node) => isWanted(set, node));
  const revision = templateHash(set.spec.template);
  const owned = () => context.owners.controlled<Pod>(set.metadata.uid, 'Pod');
  if (set.metadata.deletionTimestamp === undefined) step(context, set, wanted, revision);
  const live = owned().filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const available = countAvailable(context, live, set.spec.minReadySeconds ?? 0, again);
  const counts = withoutZeros({
    observedGeneration: set.metadata.generation ?? 0,
    numberAvailable: available,
    numberUnavailable: Math.max(0, wanted.length - available),
    updatedNumberScheduled: live.filter((pod) => pod.metadata.labels?.[revisionLabel] === revision).length,
  });
  writeStatus(context, set, {
    ...counts,
    currentNumberScheduled: live.length,
    desiredNumberScheduled: wanted.length,
    numberMisscheduled: live.filter((pod) => !wanted.some((node) => node.metadata.name === nodeOf(pod))).length,
    numberReady: live.filter(isReady).length,
  });
}

function step(context: ControllerContext, set: DaemonSet, wanted: readonly Node[], revision: string): void {
  const byNode = new Map(context.owners.controlled<Pod>(set.metadata.uid, 'Pod').map((pod) => [nodeOf(pod), pod]));
  const names = new Set(wanted.map((node) => node.metadata.name));
  for (const [node, pod] of byNode) if (!names.has(node) || isEnded(pod)) remove(context, pod);
  for (const node of wanted)
    if (!byNode.has(node.metadata.name)) {
      const identity = { labels: { [revisionLabel]: revision }, spec: specFor(set, node) };
      createUnlessRefused(context, pods, set.metadata.namespace ?? '', podFrom(set, set.spec.template, identity));
    }
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  if (type === 'OnDelete') return;
  const notReady = wanted.filter((node) => !isReadyPod(byNode.get(node.metadata.name))).length;
  let room = Math.max(1, share(rollingUpdate?.maxUnavailable ?? 1, wanted.length, Math.ceil)) - notReady;
  for (const pod of byNode.values()) {
    if (pod.metadata.labels?.[revisionLabel] === revision || pod.metadata.deletionTimestamp !== undefined) continue;
    if (isReady(pod) && room <= 0) continue;
    if (isReady(pod)) room -= 1;
    remove(context, pod);
  }
}

const isReadyPod = (pod: Pod | undefined): boolean => pod !== undefined && isReady(pod);
