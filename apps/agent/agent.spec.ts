import { describe, expect, it } from 'vitest';
import { clockAt, type WorkItem } from '#domain';
import type { MemberCluster, OwnedObject, OwnedWatch, Timing } from '#kube';
import { silentLogger } from '#platform';
import { Agent } from './agent.js';

const workId = '00000000-0000-4000-8000-000000000001';
const leftOver: OwnedObject = {
  ...{ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'n', name: 'web', uid: 'u', resourceVersion: '1' },
  ...{ workId, component: 'web', generation: '1', digest: 'd', deleting: false },
  readiness: { state: 'ready', replicas: undefined, reason: '', message: '' },
};
const emptied: WorkItem = {
  kind: 'work',
  work: {
    ...{ id: workId, cluster: 'c', sequence: 4n, generation: 2n, namespace: 'n' },
    ...{ environment: 'production', application: 'a', component: 'web', objects: [] },
  },
};

/** A member that answers nothing, and a watch that shows its objects once it has listed them. */
function anAgentBefore(sync: { listed: boolean; synced: Promise<void> }) {
  const unanswered = () => new Promise<never>(() => undefined);
  const member: MemberCluster = {
    serverVersion: unanswered,
    clusterUid: unanswered,
    applyObject: unanswered,
    ensureNamespace: unanswered,
    deleteObject: unanswered,
    watchOwned: () => watch,
    inventory: unanswered,
    schema: unanswered,
    close: async () => undefined,
  };
  const watch: OwnedWatch = {
    synced: sync.synced,
    done: unanswered(),
    works: () => (sync.listed ? [workId] : []),
    objectsOf: (id) => (sync.listed && id === workId ? [leftOver] : []),
    podsOf: () => [],
    watchKind: async () => undefined,
  };
  const timing: Timing = { clock: clockAt('2030-01-01T00:00:00Z'), chance: () => 0.5, sleep: unanswered };
  const signal = new AbortController().signal;
  return new Agent({ member, watch, timing, log: silentLogger(), signal }, () => undefined);
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
});
