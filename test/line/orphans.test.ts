import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject, type JsonObject } from '#domain';
import type { HollowCluster } from '#hollow';
import { connectCluster, type KubeClient } from '#kube';
import { memoryKeeper } from '../../apps/agent/index.js';
import { configMap, eventually, type LineHarness, namespace, startLineHarness } from './harness.js';

const unknown = '00000000-0000-4000-8000-0000000000aa';

describe('objects of no work', () => {
  let harness: LineHarness;
  let cluster: HollowCluster;
  let hand: KubeClient;
  beforeAll(async () => {
    harness = await startLineHarness();
    cluster = await harness.hollow('alpha');
    hand = await connectCluster({ kind: 'token', url: cluster.url, token: cluster.token }, { userAgent: 'kubectl/1' });
  });
  afterAll(async () => {
    await harness?.close();
    await hand?.close();
  });

  const stray = (name: string): JsonObject => {
    const object = configMap(name, { a: '1' });
    const metadata = isJsonObject(object.metadata) ? object.metadata : {};
    const labels = { 'app.kubernetes.io/managed-by': 'berth', 'berth.dev/work': unknown };
    return { ...object, metadata: { ...metadata, labels } };
  };
  const orphans = async () =>
    (
      await harness.database.query<{ name: string }>(
        `SELECT name FROM cluster_orphans WHERE cluster_id = 'alpha' ORDER BY name`,
      )
    ).map(({ name }) => name);

  it('are listed while they are there, over a restart of the agent, and never deleted', async () => {
    const identity = memoryKeeper();
    const token = await harness.register('alpha');
    const first = await harness.agent({ member: cluster, token, identity });
    const work = await harness.putWork({ cluster: 'alpha', component: 'web', manifests: () => [configMap('web', {})] });
    await eventually(
      () => harness.database.query('SELECT FROM work_status WHERE work_id = $1 AND phase = $2', [work.id, 'ready']),
      (rows) => rows.length === 1,
    );
    const one = await hand.apply(stray('one'), { fieldManager: 'somebody' });
    await hand.apply(stray('two'), { fieldManager: 'somebody' });
    await eventually(orphans, (names) => names.join() === 'one,two');

    await first.close();
    const metadata = isJsonObject(one.object.metadata) ? one.object.metadata : {};
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'one' };
    await hand.delete(ref, { uid: `${metadata.uid}`, propagation: 'Background' });
    expect(await orphans()).toEqual(['one', 'two']);
    await harness.agent({ member: cluster, identity });
    await eventually(orphans, (names) => names.join() === 'two');
    expect((await hand.get({ ...ref, name: 'two' })).data).toEqual({ a: '1' });
  }, 60_000);
});
