import { warn } from '../events.js';
import { requestsOf } from '../metrics.js';
import { type Condition, type Node, type Pod, rfc3339 } from '../objects.js';
import { bytesOf, mcpuOf } from '../quantity.js';
import { resourceNamed } from '../resources.js';
import { type ControllerContext, current, refOf } from './context.js';
import { admitsNode } from './node-fit.js';
import { isEnded } from './pods.js';

interface Room {
  mcpu: number;
  memoryBytes: number;
  pods: number;
}

const nodes = resourceNamed('nodes');
const pods = resourceNamed('pods');

/** Binds pods as kube-scheduler does by default: filters, then the node that is least allocated afterwards. */
export function startScheduler(context: ControllerContext): void {
  const scheduler = new Scheduler(context);
  context.store.listen(pods, ({ type, object, previous }) =>
    scheduler.follow(type === 'DELETED' ? undefined : (object as Pod), previous as Pod | undefined),
  );
  context.store.listen(nodes, ({ type, previous, object }) => {
    if (type !== 'MODIFIED' || previous?.spec !== object.spec || previous?.status !== object.status)
      scheduler.retryAll();
  });
}

const holdsRoom = (pod: Pod | undefined): pod is Pod => pod?.spec.nodeName !== undefined && !isEnded(pod);

class Scheduler {
  private readonly used = new Map<string, Room>();
  private readonly waiting = new Map<string, Pod>();

  constructor(private readonly context: ControllerContext) {}

  follow(pod: Pod | undefined, previous: Pod | undefined): void {
    const held = holdsRoom(previous);
    const holds = holdsRoom(pod);
    if (held && !holds) {
      this.account(previous, -1);
      this.retryAll();
    }
    if (!held && holds) this.account(pod, 1);
    const uid = (pod ?? previous)?.metadata.uid ?? '';
    if (
      pod !== undefined &&
      pod.spec.nodeName === undefined &&
      pod.metadata.deletionTimestamp === undefined &&
      !isEnded(pod)
    ) {
      const known = this.waiting.has(uid);
      this.waiting.set(uid, pod);
      if (!known) this.tryLater(pod);
    } else this.waiting.delete(uid);
  }

  retryAll(): void {
    for (const pod of this.waiting.values()) this.tryLater(pod);
  }

  private tryLater(pod: Pod): void {
    this.context.loop.enqueue(`schedule ${pod.metadata.uid}`, () => {
      const live = current(this.context, pod);
      if (live !== undefined && live.spec.nodeName === undefined && live.metadata.deletionTimestamp === undefined)
        this.schedule(live);
    });
  }

  private schedule(pod: Pod): void {
    const { store, api } = this.context;
    const asked = requestsOf(pod);
    const refusals = new Map<string, number>();
    let best: { node: Node; score: number } | undefined;
    for (const node of store.objects(nodes) as Iterable<Node>) {
      const refusal = admitsNode(pod, node) ?? this.shortage(node, asked);
      if (refusal !== undefined) refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
      else {
        const score = this.leastAllocated(node, asked);
        if (best === undefined || score > best.score) best = { node, score };
      }
    }
    const time = rfc3339(api.nowMs);
    const scheduled = (condition: Condition): Pod => {
      const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
      return { ...pod, status: { ...pod.status, conditions: [...others, condition] } };
    };
    if (best === undefined) {
      const total = store.count(nodes);
      const why = [...refusals]
        .map(([refusal, count]) => `${count} ${refusal}`)
        .sort()
        .join(', ');
      const message = total === 0 ? 'no nodes available to schedule pods' : `0/${total} nodes are available: ${why}.`;
      if (pod.status?.conditions?.some((condition) => condition.message === message)) return;
      const condition = {
        type: 'PodScheduled',
        status: 'False',
        reason: 'Unschedulable',
        message,
        lastTransitionTime: time,
      };
      api.update(refOf(this.context, pod), scheduled(condition), { manager: 'kube-scheduler', subresource: 'status' });
      warn(this.context, { about: pod, reason: 'FailedScheduling', message, component: 'default-scheduler' });
      return;
    }
    const bound = scheduled({ type: 'PodScheduled', status: 'True', lastTransitionTime: time });
    store.put(pods, { ...bound, spec: { ...pod.spec, nodeName: best.node.metadata.name } });
  }

  private shortage({ metadata, status }: Node, asked: { mcpu: number; memoryBytes: number }): string | undefined {
    const used = this.usedOn(metadata.name);
    const allocatable = status?.allocatable ?? {};
    if (used.pods + 1 > Number(allocatable.pods ?? 110)) return 'Too many pods';
    if (asked.mcpu > 0 && used.mcpu + asked.mcpu > mcpuOf(allocatable.cpu)) return 'Insufficient cpu';
    if (asked.memoryBytes > 0 && used.memoryBytes + asked.memoryBytes > bytesOf(allocatable.memory))
      return 'Insufficient memory';
    return undefined;
  }

  /** kube-scheduler's NodeResourcesFit, LeastAllocated: the mean free share of cpu and memory, 0 to 1. Pods without requests count 100m and 200Mi. */
  private leastAllocated({ metadata, status }: Node, asked: { mcpu: number; memoryBytes: number }): number {
    const used = this.usedOn(metadata.name);
    const allocatable = status?.allocatable ?? {};
    const free = (taken: number, whole: number) => (whole > 0 ? Math.max(0, whole - taken) / whole : 0);
    const cpu = free(used.mcpu + (asked.mcpu || 100), mcpuOf(allocatable.cpu));
    const memory = free(used.memoryBytes + (asked.memoryBytes || 200 * 2 ** 20), bytesOf(allocatable.memory));
    return (cpu + memory) / 2 - used.pods * 1e-9;
  }

  private usedOn(node: string): Room {
    return this.used.get(node) ?? { mcpu: 0, memoryBytes: 0, pods: 0 };
  }

  private account(pod: Pod, sign: 1 | -1): void {
    const node = pod.spec.nodeName ?? '';
    const { mcpu, memoryBytes } = requestsOf(pod);
    const used = this.usedOn(node);
    this.used.set(node, {
      mcpu: used.mcpu + sign * mcpu,
      memoryBytes: used.memoryBytes + sign * memoryBytes,
      pods: used.pods + sign,
    });
  }
}
