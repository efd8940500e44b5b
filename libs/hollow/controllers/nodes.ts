import { conditionIs, type KubeObject, type Node, type Pod } from '../objects.js';
import { resourceNamed } from '../resources.js';
import { type ControllerContext, current, remove } from './context.js';
import { isEnded } from './pods.js';

const nodes = resourceNamed('nodes');
const pods = resourceNamed('pods');

/** What every pod tolerates unless it says otherwise (DefaultTolerationSeconds). */
const defaultTolerationSeconds = 300;

/** Evicts pods from nodes that stay away, and forgets the pods of nodes that are deleted. */
export function startNodeLifecycle(context: ControllerContext): void {
  context.store.listen(nodes, ({ type, object, previous }) => {
    if (type === 'DELETED') forgetPods(context, object);
    else if (isAway(object as Node) && !isAway(previous as Node | undefined)) evictLater(context, object as Node);
  });
}

const isAway = (node: Node | undefined): boolean =>
  node !== undefined && !conditionIs(node.status?.conditions, 'Ready') && node.status?.conditions !== undefined;

function podsOn(context: ControllerContext, node: KubeObject): Pod[] {
  return ([...context.store.objects(pods)] as Pod[]).filter((pod) => pod.spec.nodeName === node.metadata.name);
}

function forgetPods(context: ControllerContext, node: KubeObject): void {
  context.loop.enqueue(`forget pods of ${node.metadata.uid}`, () => {
    if (context.store.get(nodes, '', node.metadata.name) !== undefined) return;
    for (const pod of podsOn(context, node)) remove(context, pod, { gracePeriodSeconds: 0 });
  });
}

/** Pods of a daemon stay: they tolerate a node that is not ready without end. */
function evictLater(context: ControllerContext, node: Node): void {
  for (const pod of podsOn(context, node)) {
    const toleration = pod.spec.tolerations?.find(({ key }) => key === 'node.kubernetes.io/not-ready');
    const seconds = toleration === undefined ? defaultTolerationSeconds : toleration.tolerationSeconds;
    if (seconds === undefined || isEnded(pod)) continue;
    context.alarms.after(seconds * 1000, () => {
      const live = current(context, node);
      if (live !== undefined && isAway(live)) remove(context, pod);
    });
  }
}
