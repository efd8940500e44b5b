import { afterAll, beforeAll, expect, it } from 'vitest';
import { isJsonObject } from '#domain';
import { connectCluster, type KubeClient, ObjectNotFound } from '#kube';
import { memoryKeeper } from '../../apps/agent/index.js';
import { describeMembers, type TestMember, type TestMembers } from '../kubernetes/members.js';
import { configMap, deployment, eventually, type LineHarness, namespace, startLineHarness } from './harness.js';

interface StatusRow {
  phase: string;
  generation: string;
  epoch: string;
  objects: { kind: string; name: string; uid: string; resourceVersion: string }[];
}

/** The same story on every sort of cluster: objects come, stay, and go by their tombstones alone. */
describeMembers('an agent', (flavour) => {
  let harness: LineHarness;
  let members: TestMembers;
  let member: TestMember;
  let client: KubeClient;
  beforeAll(async () => {
    harness = await startLineHarness();
    members = await flavour.start(['line'], { count: 2, cpu: '4', memory: '8Gi' });
    const [first] = members.members;
    if (first === undefined) throw new Error('no member was started');
    member = first;
    client = await connectCluster(member.access, { userAgent: 'somebody-else' });
  });
  afterAll(async () => {
    await harness.close();
    await client.close();
    await members.close();
  });

  const statusOf = async (workId: string): Promise<StatusRow | undefined> =>
    (
      await harness.database.query<StatusRow>(
        'SELECT phase, generation, epoch, objects FROM work_status WHERE work_id = $1',
        [workId],
      )
    )[0];
  const outcomeOf = async (tombstone: string) =>
    (
      await harness.database.query<{ outcome: string | null }>('SELECT outcome FROM tombstones WHERE id = $1', [
        tombstone,
      ])
    )[0]?.outcome;
  const metadataOf = async (apiVersion: string, kind: string, name: string) => {
    const inNamespace = kind === 'Namespace' ? '' : namespace;
    try {
      const { metadata } = await client.get({ apiVersion, kind, namespace: inNamespace, name });
      return isJsonObject(metadata)
        ? { uid: `${metadata.uid}`, resourceVersion: `${metadata.resourceVersion}` }
        : undefined;
    } catch (error) {
      if (error instanceof ObjectNotFound) return undefined;
      throw error;
    }
  };
  const bury = async (workId: string, apiVersion: string, kind: string, name: string, uid: string) => {
    const object = { apiVersion, kind, namespace: kind === 'Namespace' ? '' : namespace, name };
    const id = await harness.putTombstone({ cluster: 'line', workId, object, uid });
    return eventually(
      () => outcomeOf(id),
      (outcome) => outcome !== null && outcome !== undefined,
      30_000,
    );
  };

  it('applies, keeps still over a restart, and deletes by tombstone and uid alone', async () => {
    const identity = memoryKeeper();
    const token = await harness.register('line');
    const first = await harness.agent({ member: member.access, token, identity });
    const work = await harness.putWork({
      cluster: 'line',
      component: 'web',
      manifests: (id) => [configMap('web', { a: '1' }), deployment('web', id)],
    });
    const ready = await eventually(
      () => statusOf(work.id),
      (found) => found?.phase === 'ready',
      30_000,
    );
    const config = await metadataOf('v1', 'ConfigMap', 'web');
    expect(ready?.objects.find((object) => object.kind === 'ConfigMap')).toMatchObject({ uid: config?.uid ?? '' });

    await first.close();
    const second = await harness.agent({ member: member.access, identity });
    await eventually(
      () => statusOf(work.id),
      (found) => found?.epoch === '2' && found.phase === 'ready',
      30_000,
    );
    expect(await metadataOf('v1', 'ConfigMap', 'web')).toEqual(config);

    const emptied = await harness.putWork({ cluster: 'line', component: 'web', id: work.id, manifests: () => [] });
    await eventually(
      () => statusOf(work.id),
      (found) => found?.generation === emptied.generation.toString(),
      30_000,
    );
    const deployed = await metadataOf('apps/v1', 'Deployment', 'web');
    expect(deployed).toBeDefined();
    const mistaken = '00000000-0000-4000-8000-000000000000';
    expect(await bury(work.id, 'apps/v1', 'Deployment', 'web', mistaken)).toBe('replaced');
    expect((await metadataOf('apps/v1', 'Deployment', 'web'))?.uid).toBe(deployed?.uid);

    expect(await bury(work.id, 'apps/v1', 'Deployment', 'web', deployed?.uid ?? '')).toBe('deleted');
    expect(await bury(work.id, 'v1', 'ConfigMap', 'web', config?.uid ?? '')).toBe('deleted');
    expect(await metadataOf('apps/v1', 'Deployment', 'web')).toBeUndefined();
    const space = await metadataOf('v1', 'Namespace', namespace);
    expect(await bury(work.id, 'v1', 'Namespace', namespace, space?.uid ?? '')).toBe('deleted');
    expect(await metadataOf('v1', 'Namespace', namespace)).toBeUndefined();
    const gone = await eventually(
      () => statusOf(work.id),
      (found) => found?.objects.length === 0,
      30_000,
    );
    expect(gone?.phase).toBe('pending');
    await second.close();
  }, 120_000);
});
