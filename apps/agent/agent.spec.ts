import { describe, expect, it } from 'vitest';
import { berthAnnotations, berthLabels, clockAt, defaultObjectPolicy, type WorkItem } from '#domain';
import {
  ClusterUnreachable,
  type MemberCluster,
  type OwnedObject,
  type OwnedWatch,
  type PodView,
  type Timing,
} from '#kube';
import { silentLogger } from '#platform/light';
import { Agent } from './agent.js';
import { statusOf } from './status/work-view.js';

const workId = '00000000-0000-4000-8000-000000000001';
const leftOver: OwnedObject = {
  ...{ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'web', uid: 'u', resourceVersion: '1' },
  ...{ workId, component: 'web', generation: '1', digest: 'd', deleting: false, adopted: false },
  readiness: { state: 'ready', replicas: undefined, reason: '', message: '', summary: '' },
};
const emptied = {
  kind: 'work',
  work: {
    ...{ id: workId, cluster: 'c', sequence: 4n, generation: 2n, namespace: 'n' },
    ...{ environment: 'production', application: 'a', component: 'web', objects: [] },
    policy: defaultObjectPolicy,
  },
} satisfies WorkItem;

const filled = {
  kind: 'work',
  work: {
    ...emptied.work,
    ...{ sequence: 3n, generation: 1n },
    objects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'web', namespace: 'n' } }],
  },
} satisfies WorkItem;
const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'web' };
const namespaceRef = { apiVersion: 'v1', kind: 'Namespace', namespace: '', name: 'n' };
const made = { resourceVersion: '1', created: true };
const liveObject = {
  ...{ isApplied: true, managedBy: berthLabels.managedByValue, appliers: [], yielded: [], lost: [] },
  ...{ adopted: false, replicas: undefined, hasReplicas: false },
};
const tombstone = {
  id: workId,
  cluster: 'c',
  sequence: 2n,
  generation: 2n,
  object: ref,
  uid: 'u',
  mode: 'delete',
} as const;
/** Whatever is under way and waits for nothing has come to its end. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

interface Showing {
  listed: boolean;
  synced: Promise<void>;
  objects?: readonly OwnedObject[];
  pods?: readonly PodView[];
  /** Without it no pause ends. */
  sleep?: Timing['sleep'];
}

/** A member that answers nothing but as told, and a watch that shows its objects once it has listed them. */
function anAgentBefore(sync: Showing, answers: Partial<MemberCluster> = {}) {
  const unanswered = () => new Promise<never>(() => undefined);
  const { objects = [leftOver], pods = [], sleep = unanswered } = sync;
  const member: MemberCluster = {
    serverVersion: unanswered,
    clusterUid: unanswered,
    applyObject: unanswered,
    lookAt: unanswered,
    isCreatable: unanswered,
    shareReplicas: unanswered,
    takeReplicas: unanswered,
    releaseReplicas: unanswered,
    letGo: unanswered,
    markAdopted: unanswered,
    established: unanswered,
    ensureNamespace: unanswered,
    deleteObject: unanswered,
    watchOwned: () => watch,
    inventory: unanswered,
    schema: unanswered,
    close: async () => undefined,
    ...answers,
  };
  const watch: OwnedWatch = {
    synced: sync.synced,
    done: unanswered(),
    works: () => (sync.listed ? [workId] : []),
    objectsOf: (id) => (sync.listed && id === workId ? [...objects] : []),
    podsOf: () => [...pods],
    eventsOf: () => [],
    setRules: () => undefined,
    compare: () => undefined,
    watchKind: async () => undefined,
  };
  const timing: Timing = { clock: clockAt('2030-01-01T00:00:00Z'), chance: () => 0.5, sleep };
  const signal = new AbortController().signal;
  const agent = new Agent({ member, watch, timing, log: silentLogger(), signal }, () => undefined);
  return Object.assign(agent, { watch });
}

/** An agent that has applied one object, and has no answer yet. */
async function anApplyUnderWay() {
  const applies: { digest: string; answer(): void }[] = [];
  const applyObject: MemberCluster['applyObject'] = async (_, { annotations } = {}) => {
    const digest = annotations?.[berthAnnotations.digest] ?? '';
    await new Promise<void>((answer) => applies.push({ digest, answer }));
    return { ...ref, uid: 'u', ...made };
  };
  const ensureNamespace: MemberCluster['ensureNamespace'] = async () => ({ ...namespaceRef, ...made, uid: 'ns' });
  const ends: (() => void)[] = [];
  const sleep = () => new Promise<void>((end) => ends.push(end));
  const objects: OwnedObject[] = [];
  const showing = { listed: true, synced: Promise.resolve(), objects, sleep };
  const agent = anAgentBefore(showing, { applyObject, ensureNamespace });
  const shows = (digest: string) => {
    objects.splice(0, 1, { ...leftOver, digest });
    agent.changed(workId);
  };
  const pauses = {
    end: async () => {
      for (const end of ends.splice(0)) end();
      await settled();
    },
  };
  agent.beginSession({}, { incarnation: 'i', headSequence: 3n, fromBeginning: true });
  await settled();
  agent.take([filled], 3n);
  await settled();
  return { agent, applies, pauses, shows };
}

describe('Agent', () => {
  it('says nothing about the cluster before the watch has shown it, however late it is', async () => {
    let resolve: () => void = () => undefined;
    const sync = {
      listed: false,
      synced: new Promise<void>((done) => {
        resolve = done;
      }),
    };
    const agent = anAgentBefore(sync);
    agent.beginSession({}, { incarnation: 'i', headSequence: 4n, fromBeginning: true });
    agent.take([emptied], 4n);
    agent.openFullReport({ isLate: true });
    expect(agent.nextReport()).toBeUndefined();
    expect(agent.held.appliedUpTo).toBe(3n);

    sync.listed = true;
    resolve();
    await sync.synced;
    await Promise.resolve();
    agent.openFullReport({ isLate: false });
    const report = agent.nextReport();
    expect(report).toMatchObject({ bracket: 'whole', works: [{ workId, generation: 2n }] });
    expect(report?.works[0]?.objects.map((object) => object.uid)).toEqual(['u']);
  });

  it('resumes from the last work that it holds, and from the beginning in another incarnation', async () => {
    const agent = anAgentBefore({ listed: true, synced: Promise.resolve() });
    expect(agent.resumePoint).toBeUndefined();
    agent.beginSession({}, { incarnation: 'i', headSequence: 4n, fromBeginning: true });
    agent.take([emptied], 4n);
    expect(agent.resumePoint).toEqual({ incarnation: 'i', sequence: 4n });
    agent.beginSession({}, { incarnation: 'i', headSequence: 4n, fromBeginning: false });
    expect(agent.resumePoint).toEqual({ incarnation: 'i', sequence: 4n });
    agent.beginSession({}, { incarnation: 'j', headSequence: 1n, fromBeginning: true });
    expect(agent.resumePoint).toEqual({ incarnation: 'j', sequence: 0n });
  });

  it('does not confirm a drop while an apply is under way, and then names what that apply made', async () => {
    let answer: (uid: string) => void = () => undefined;
    const applied = new Promise<string>((resolve) => {
      answer = resolve;
    });
    const applyObject: MemberCluster['applyObject'] = async () => ({ ...ref, uid: await applied, ...made });
    const ensureNamespace: MemberCluster['ensureNamespace'] = async () => ({ ...namespaceRef, ...made, uid: 'ns' });
    // the watch lags: it shows nothing of what is applied
    const agent = anAgentBefore(
      { listed: true, synced: Promise.resolve(), objects: [] },
      { applyObject, ensureNamespace },
    );
    agent.beginSession({}, { incarnation: 'i', headSequence: 4n, fromBeginning: true });
    await settled();
    agent.take([filled], 3n);
    await settled();
    agent.take([emptied], 4n);
    agent.openFullReport({ isLate: true });
    expect(agent.nextReport()?.works).toMatchObject([{ workId, generation: 0n }]);

    answer('late');
    await settled();
    expect(agent.nextReport()?.works).toMatchObject([{ workId, generation: 2n }]);
    agent.acknowledged(2n);
    const uids = statusOf(workId, agent.held.get(workId), agent.watch).objects.map((object) => object.uid);
    expect(uids.sort()).toEqual(['late', 'ns']);
  });

  it('names the pods that are left of what was dropped: they still take their room', async () => {
    const pod = {
      namespace: 'n',
      name: 'web-1',
      uid: 'p1',
      workId,
      state: 'ready',
      restarts: 0,
      reasons: [],
      isBound: true,
      requests: { mcpu: 250, memoryBytes: 2 ** 28, pods: 1 },
    } as const;
    const pods: PodView[] = [
      { ...pod, deleting: true },
      { ...pod, name: 'web-2', uid: 'p2', state: 'ended', deleting: true },
    ];
    const agent = anAgentBefore({ listed: true, synced: Promise.resolve(), objects: [], pods });
    agent.beginSession({}, { incarnation: 'i', headSequence: 4n, fromBeginning: true });
    await settled();
    agent.take([emptied], 4n);
    agent.openFullReport({ isLate: false });
    const [work] = agent.nextReport()?.works ?? [];
    expect(work?.objects).toMatchObject([{ kind: 'Pod', name: 'web-1', uid: 'p1' }]);
  });

  it('counts pods that nobody deletes as foreign, once nothing that they belong to is left, and says so', async () => {
    const requests = { mcpu: 250, memoryBytes: 2 ** 28, pods: 1 };
    const pod: PodView = {
      ...{ namespace: 'n', name: 'web-1', uid: 'p1', workId, state: 'ready', restarts: 0, reasons: [], isBound: true },
      ...{ deleting: false, requests },
    };
    const pods = [pod];
    const ends: (() => void)[] = [];
    const sleep = () => new Promise<void>((end) => ends.push(end));
    const agent = anAgentBefore({ listed: true, synced: Promise.resolve(), objects: [], pods, sleep });
    agent.beginSession({}, { incarnation: 'i', headSequence: 4n, fromBeginning: true });
    await settled();
    agent.take([emptied], 4n);
    agent.openFullReport({ isLate: false });
    const [before] = agent.nextReport()?.works ?? [];
    expect(before?.objects).toMatchObject([{ kind: 'Pod', uid: 'p1' }]);
    expect(agent.handedBackRequests).toEqual({ mcpu: 0, memoryBytes: 0, pods: 0 });
    expect(agent.held.reflection(10)).toEqual({ upTo: 4n, except: [{ workId, after: emptied.work.sequence - 1n }] });
    for (const end of ends.splice(0)) end();
    await settled();
    const [after] = agent.nextReport()?.works ?? [];
    expect(after).toMatchObject({ objects: [], reasons: [{ reason: 'PodsHandedBack', count: 1 }] });
    expect(agent.handedBackRequests).toEqual(requests);
    expect(agent.held.reflection(10)).toEqual({ upTo: 4n, except: [] });
    pods.splice(0, 1, { ...pod, deleting: true });
    agent.changed(workId);
    expect(agent.handedBackRequests).toEqual({ mcpu: 0, memoryBytes: 0, pods: 0 });
  });

  it('applies again what the watch has shown, and then something else in its place, before the apply was answered', async () => {
    const { agent, applies, pauses, shows } = await anApplyUnderWay();
    const [first] = applies;
    shows(first?.digest ?? '');
    shows('of an older agent');
    first?.answer();
    await settled();
    expect(applies).toHaveLength(1); // for all that the agent knows, the watch only lags
    await pauses.end();
    expect(applies).toHaveLength(2);
    shows(first?.digest ?? '');
    applies[1]?.answer();
    await settled();
    expect(agent.held.appliedUpTo).toBe(3n);
  });

  it('does so however late the apply was answered', async () => {
    const { applies, pauses, shows } = await anApplyUnderWay();
    shows('of an older agent');
    await pauses.end();
    applies[0]?.answer();
    await settled();
    await pauses.end();
    expect(applies).toHaveLength(2);
  });

  it('does so for a newer generation that orders the same object', async () => {
    const { agent, applies, pauses, shows } = await anApplyUnderWay();
    shows('of an older agent');
    applies[0]?.answer();
    await settled();
    agent.take([{ kind: 'work', work: { ...filled.work, sequence: 4n, generation: 2n } }], 4n);
    await settled();
    expect(applies).toHaveLength(1);
    await pauses.end();
    expect(applies).toHaveLength(2);
  });

  it.each([
    ['is told of, though the watch lags behind', 'web'],
    ['that made nothing leaves nothing to tell', undefined],
  ])('an apply without an answer, of what is wanted no more, %s', async (_, found) => {
    const lost = new ClusterUnreachable({ call: 'PATCH', status: undefined }, 'the line was cut');
    const there = { ...ref, ...liveObject, uid: 'u', resourceVersion: '7', workId };
    const sleep: Timing['sleep'] = (_ms, signal) =>
      new Promise((_end, cut) => signal?.addEventListener('abort', () => cut(new Error('hurried'))));
    const looks: (() => void)[] = [];
    const agent = anAgentBefore(
      { listed: true, synced: Promise.resolve(), objects: [], sleep },
      {
        ensureNamespace: async () => ({ ...namespaceRef, ...made, uid: 'ns' }),
        applyObject: () => Promise.reject(lost),
        lookAt: () => new Promise((answer) => looks.push(() => answer(found === undefined ? undefined : there))),
      },
    );
    agent.beginSession({}, { incarnation: 'i', headSequence: 4n, fromBeginning: true });
    await settled();
    agent.take([filled], 3n);
    await settled();
    agent.take([emptied], 4n);
    await settled();
    expect(agent.held.appliedUpTo, 'nobody knows yet').toBeLessThan(4n);
    for (const answer of looks) answer();
    await settled();
    expect(agent.held.appliedUpTo).toBe(4n);
    const held = agent.held.get(workId);
    const names = statusOf(workId, held, agent.watch).objects.flatMap(({ kind, name }) =>
      kind === 'Namespace' ? [] : [name],
    );
    expect(names).toEqual(found === undefined ? [] : [found]);
  });

  it('carries out no tombstone before it knows every work that it was to know', async () => {
    const deleted: string[] = [];
    const deleteObject: MemberCluster['deleteObject'] = async ({ uid }) => {
      deleted.push(uid);
      return { outcome: 'deleted', left: [], message: '' };
    };
    const agent = anAgentBefore({ listed: true, synced: Promise.resolve() }, { deleteObject });
    agent.beginSession({}, { incarnation: 'i', headSequence: 4n, fromBeginning: true });
    await settled();
    agent.take([{ kind: 'tombstone', tombstone: { ...tombstone, sequence: 2n } }], 2n);
    await settled();
    agent.take([filled], 4n);
    await settled();
    expect(deleted).toEqual([]);
    agent.openFullReport({ isLate: true });
    agent.nextReport();
    expect(agent.nextReport()?.tombstones).toMatchObject([{ outcome: 'replaced' }]);
  });
});
