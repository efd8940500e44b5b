import { berthAnnotations, berthLabels } from '#domain';
import type { OwnedObject, OwnedWatch, OwnedWatchOptions } from '#kube';
import { type Change, isOwned, keyOf, type MemberModel, type MemberObject, workOf } from './member-model.js';
import type { SeededRandom } from './random.js';
import type { Life, VirtualTime } from './virtual-time.js';

interface WatchParts {
  member: MemberModel;
  time: VirtualTime;
  random: SeededRandom;
  life: Life;
  /** From now on the watch shows the member as it was at this moment of its. */
  onShown(moment: number): void;
}

/** The watch of one agent process: behind by chance, in order; not at all while the API server is down, then a relist. */
export function watchOf(parts: WatchParts, { onChange, signal }: OwnedWatchOptions): OwnedWatch {
  const { member, life } = parts;
  const view = new Map<string, OwnedObject>();
  const isLive = () => !life.isOver && !signal.aborted;
  const take = (change: Change, moment: number): void => {
    parts.onShown(moment);
    const key = keyOf(change.object);
    const before = view.get(key);
    if (change.kind === 'gone') view.delete(key);
    else view.set(key, shown(change.object));
    for (const workId of new Set([before?.workId, view.get(key)?.workId])) if (workId !== undefined) onChange(workId);
  };
  const list = (): void => {
    const { moment } = member;
    parts.onShown(moment);
    const there = [...member.objects.values()].filter(isOwned);
    const keys = new Set(there.map(keyOf));
    for (const [key, object] of [...view]) {
      if (keys.has(key)) continue;
      view.delete(key);
      onChange(object.workId);
    }
    for (const object of there)
      if (view.get(keyOf(object))?.resourceVersion !== `${object.resourceVersion}`)
        take({ kind: 'set', object }, moment);
  };
  const synced = follow(parts, { list, take, isLive });
  return {
    synced,
    done: new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
    works: () => [...new Set([...view.values()].map((object) => object.workId))].filter((workId) => workId !== ''),
    objectsOf: (workId) => [...view.values()].filter((object) => object.workId === workId),
    podsOf: () => [],
    eventsOf: () => [],
    setRules: () => undefined,
    compare: () => undefined,
    watchKind: () => synced,
  };
}

/** Resolves with the first list; from then on changes come in their order. */
function follow(
  { member, time, random, life }: WatchParts,
  view: { list(): void; take(change: Change, moment: number): void; isLive(): boolean },
): Promise<void> {
  let lastAt = 0;
  /** Changes since the connection broke are not sent again: a list tells. */
  let missed = true;
  /** What an earlier connection had on its way comes no more. */
  let connection = 0;
  const unfollow = member.follow((change) => {
    if (!isOwned(change.object) || missed) return;
    if (member.isDown) {
      missed = true;
      connection += 1;
      return;
    }
    lastAt = Math.max(lastAt, time.now() + random.delay(1, 1_500));
    const own = connection;
    const { moment } = member;
    time.after(lastAt - time.now(), () => {
      if (view.isLive() && own === connection) view.take(change, moment);
    });
  });
  life.onKill(() => unfollow());
  return new Promise((resolve) => {
    const look = (): void => {
      if (!view.isLive()) {
        unfollow();
        return;
      }
      if (missed && !member.isDown) {
        missed = false;
        lastAt = time.now();
        view.list();
        resolve();
      }
      time.after(random.between(100, 2_000), look);
    };
    time.after(random.delay(5, 3_000), look);
  });
}

function shown(object: MemberObject): OwnedObject {
  const { apiVersion, kind, namespace, name, uid } = object;
  const counts = kind === 'Deployment' ? { desired: 1, updated: 1, ready: object.ready ? 1 : 0 } : undefined;
  const state = object.ready && !object.deleting ? 'ready' : 'progressing';
  return {
    ...{ apiVersion, kind, namespace, name, uid, resourceVersion: `${object.resourceVersion}` },
    workId: workOf(object),
    component: object.labels[berthLabels.component] ?? '',
    generation: object.annotations[berthAnnotations.generation] ?? '',
    digest: object.annotations[berthAnnotations.digest] ?? '',
    deleting: object.deleting,
    adopted: false,
    readiness: { state, replicas: counts, reason: '', message: '', summary: '' },
  };
}
