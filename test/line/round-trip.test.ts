import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '#domain';
import type { HollowCluster } from '#hollow';
import { connectCluster, type KubeClient, ObjectNotFound } from '#kube';
import { memoryKeeper } from '../../apps/agent/index.js';
import { configMap, deployment, eventually, type LineHarness, namespace, startLineHarness } from './harness.js';

let line: LineHarness;
beforeAll(async () => {
  line = await startLineHarness();
});
afterAll(() => line.close());

interface StatusRow {
  phase: string;
  generation: string;
  ready: number;
  epoch: string;
  sequence: string;
  reasons: { reason: string }[];
  objects: { kind: string; name: string; uid: string }[];
}

const statusOf = async (workId: string): Promise<StatusRow | undefined> =>
  (
    await line.database.query<StatusRow>(
      `SELECT phase, generation, ready, epoch, sequence, reasons, objects FROM work_status WHERE work_id = $1`,
      [workId],
    )
  )[0];
const isReady = (generation: bigint) => (found: StatusRow | undefined) =>
  found?.phase === 'ready' && found.generation === generation.toString();
const agentRow = async (cluster: string) =>
  (
    await line.database.query<{ epoch: string; full_report_at: Date | null; applied_work_sequence: string }>(
      `SELECT epoch, full_report_at, applied_work_sequence FROM cluster_agents WHERE cluster_id = $1`,
      [cluster],
    )
  )[0];
const outcomeOf = async (tombstone: string) =>
  (
    await line.database.query<{ outcome: string | null }>(`SELECT outcome FROM tombstones WHERE id = $1`, [tombstone])
  )[0]?.outcome ?? undefined;

/** What Berth itself has asked the member to change. */
const mutations = (hollow: HollowCluster, verb: 'apply' | 'delete') =>
  hollow.audit.filter((entry) => entry.verb === verb && entry.userAgent.startsWith('berth-agent'));

const clientOf = (hollow: HollowCluster): Promise<KubeClient> =>
  connectCluster({ kind: 'token', url: hollow.url, token: hollow.token }, { userAgent: 'somebody-else' });
const ref = (kind: string, name: string) => ({
  apiVersion: kind === 'Deployment' ? 'apps/v1' : 'v1',
  kind,
  namespace: kind === 'Namespace' ? '' : namespace,
  name,
});
const uidOf = async (client: KubeClient, kind: string, name: string): Promise<string | undefined> => {
  try {
    const { metadata } = (await client.get(ref(kind, name))) as JsonObject & { metadata: { uid: string } };
    return metadata.uid;
  } catch (error) {
    if (error instanceof ObjectNotFound) return undefined;
    throw error;
  }
};

const web =
  (replicas = 2) =>
  (id: string) => [configMap('web', { a: '1' }), deployment('web', id, replicas)];

/** A cluster with an agent and one ready work. */
async function aRunningWork(cluster: string) {
  const hollow = await line.hollow(cluster);
  const identity = memoryKeeper();
  const agent = await line.agent({ member: hollow, token: await line.register(cluster), identity });
  const work = await line.putWork({ cluster, component: 'web', manifests: web() });
  await eventually(() => statusOf(work.id), isReady(1n));
  return { hollow, identity, agent, work, client: await clientOf(hollow) };
}

describe('the line', () => {
  it('brings a work into the cluster and its status back', async () => {
    const { work, agent } = await aRunningWork('alpha');
    expect(agent.cluster).toBe('alpha');
    const status = await statusOf(work.id);
    expect(status).toMatchObject({ phase: 'ready', generation: '1', ready: 2 });
    expect(status?.objects.map((object) => object.kind).sort()).toEqual(['ConfigMap', 'Deployment', 'Namespace']);
    const capacity = await eventually(
      async () => (await line.database.query(`SELECT * FROM cluster_capacity WHERE cluster_id = 'alpha'`))[0],
      (row) => row?.allocatable_mcpu === '8000' && row.reflected_work_sequence === '1' && row.berth_pods === '2',
    );
    expect(capacity).toMatchObject({ nodes: 2, ready_nodes: 2, berth_mcpu: '200' });
    await eventually(
      () => line.database.query(`SELECT digest FROM cluster_schemas WHERE digest = $1`, [capacity?.schema_digest]),
      (rows) => rows.length === 1,
    );
    await agent.close();
  });

  it('goes on after a hub restart: a new epoch, a full report, and nothing applied again', async () => {
    const { hollow, work, agent } = await aRunningWork('resuming');
    await eventually(
      () => agentRow('resuming'),
      (row) => row?.full_report_at !== null,
    );
    const applies = mutations(hollow, 'apply').length;
    await line.restartHub();
    await eventually(
      () => agentRow('resuming'),
      (row) => row?.epoch === '2' && row.full_report_at !== null,
    );
    expect(await statusOf(work.id)).toMatchObject({ epoch: '2', phase: 'ready' });
    expect(mutations(hollow, 'apply')).toHaveLength(applies);
    const next = await line.putWork({ cluster: 'resuming', component: 'web', id: work.id, manifests: web(3) });
    await eventually(() => statusOf(work.id), isReady(next.generation));
    expect((await statusOf(work.id))?.ready).toBe(3);
    // the ConfigMap is as it was: one more apply, of the Deployment
    expect(mutations(hollow, 'apply')).toHaveLength(applies + 1);
    await agent.close();
  });

  it('works that came while the hub was away arrive once it is back', async () => {
    const { agent } = await aRunningWork('patient');
    await line.stopHub();
    const missed = await line.putWork({
      cluster: 'patient',
      component: 'late',
      manifests: () => [configMap('late', {})],
    });
    await line.restartHub();
    await eventually(() => statusOf(missed.id), isReady(1n));
    await agent.close();
  });
});

describe('an agent that starts again', () => {
  it('applies and deletes nothing when nothing has drifted', async () => {
    const { hollow, identity, work, agent } = await aRunningWork('restarted');
    await agent.close();
    const before = mutations(hollow, 'apply').length;
    const again = await line.agent({ member: hollow, identity });
    await eventually(
      () => agentRow('restarted'),
      (row) => row?.epoch === '2' && row.full_report_at !== null,
    );
    expect(await statusOf(work.id)).toMatchObject({ epoch: '2', phase: 'ready', generation: '1' });
    expect(mutations(hollow, 'apply')).toHaveLength(before);
    expect(mutations(hollow, 'delete')).toHaveLength(0);
    await again.close();
  });
});

describe('absence', () => {
  it('from a work, an empty work and a restart delete nothing', async () => {
    const { hollow, identity, work, agent, client } = await aRunningWork('absent');
    const smaller = await line.putWork({
      cluster: 'absent',
      component: 'web',
      id: work.id,
      manifests: () => [configMap('web', { a: '2' })],
    });
    await eventually(() => statusOf(work.id), isReady(smaller.generation));
    expect((await statusOf(work.id))?.objects.map((object) => object.kind)).toContain('Deployment');
    const empty = await line.putWork({ cluster: 'absent', component: 'web', id: work.id, manifests: () => [] });
    await eventually(
      () => statusOf(work.id),
      (found) => found?.generation === empty.generation.toString(),
    );
    await agent.close();
    const again = await line.agent({ member: hollow, identity });
    await eventually(
      () => agentRow('absent'),
      (row) => row?.epoch === '2' && row.full_report_at !== null,
    );
    expect(await uidOf(client, 'Deployment', 'web')).toBeDefined();
    expect(await uidOf(client, 'ConfigMap', 'web')).toBeDefined();
    expect((await statusOf(work.id))?.objects.map((object) => object.kind).sort()).toEqual([
      'ConfigMap',
      'Deployment',
      'Namespace',
      'Pod',
      'Pod',
    ]);
    expect(mutations(hollow, 'delete')).toHaveLength(0);
    await again.close();
  });
});

describe('a tombstone', () => {
  it('deletes the object that it names, with its uid, and the status shows that it is gone', async () => {
    const { hollow, work, agent, client } = await aRunningWork('buried');
    const uid = (await uidOf(client, 'Deployment', 'web')) ?? '';
    await line.putWork({
      cluster: 'buried',
      component: 'web',
      id: work.id,
      manifests: () => [configMap('web', { a: '1' })],
    });
    const id = await line.putTombstone({ cluster: 'buried', workId: work.id, object: ref('Deployment', 'web'), uid });
    expect(
      await eventually(
        () => outcomeOf(id),
        (outcome) => outcome !== undefined,
      ),
    ).toBe('deleted');
    expect(await uidOf(client, 'Deployment', 'web')).toBeUndefined();
    await eventually(
      () => statusOf(work.id),
      (found) => found?.objects.every((object) => object.kind !== 'Deployment') === true,
    );
    expect(mutations(hollow, 'delete')).toMatchObject([{ resource: 'deployments', preconditions: { uid } }]);
    expect(await uidOf(client, 'ConfigMap', 'web')).toBeDefined();
    await agent.close();
  });

  it('with another uid deletes nothing', async () => {
    const { work, agent, client } = await aRunningWork('mistaken');
    const uid = await uidOf(client, 'Deployment', 'web');
    await line.putWork({ cluster: 'mistaken', component: 'web', id: work.id, manifests: () => [] });
    const wrong = '00000000-0000-4000-8000-000000000000';
    const id = await line.putTombstone({
      cluster: 'mistaken',
      workId: work.id,
      object: ref('Deployment', 'web'),
      uid: wrong,
    });
    expect(
      await eventually(
        () => outcomeOf(id),
        (outcome) => outcome !== undefined,
      ),
    ).toBe('replaced');
    expect(await uidOf(client, 'Deployment', 'web')).toBe(uid);
    await agent.close();
  });

  it('for what a work of the cluster wants deletes nothing', async () => {
    const { hollow, work, agent, client } = await aRunningWork('wanted');
    const uid = (await uidOf(client, 'Deployment', 'web')) ?? '';
    const id = await line.putTombstone({ cluster: 'wanted', workId: work.id, object: ref('Deployment', 'web'), uid });
    expect(
      await eventually(
        () => outcomeOf(id),
        (outcome) => outcome !== undefined,
      ),
    ).toBe('replaced');
    expect(mutations(hollow, 'delete')).toHaveLength(0);
    expect(await uidOf(client, 'Deployment', 'web')).toBe(uid);
    await agent.close();
  });
});

describe('what goes wrong in the member', () => {
  it('an object that somebody deletes is put back', async () => {
    const { agent, client, work } = await aRunningWork('healed');
    const uid = (await uidOf(client, 'ConfigMap', 'web')) ?? '';
    await client.delete(ref('ConfigMap', 'web'), { uid, propagation: 'Background' });
    const found = await eventually(
      () => uidOf(client, 'ConfigMap', 'web'),
      (now) => now !== undefined && now !== uid,
    );
    expect(found).not.toBe(uid);
    await eventually(() => statusOf(work.id), isReady(1n));
    await agent.close();
  });

  it('a manifest that the server refuses is a typed reason, until a better one comes', async () => {
    const { agent, work } = await aRunningWork('refused');
    const broken = { ...configMap('web', {}), nonsense: { field: true } };
    await line.putWork({ cluster: 'refused', component: 'web', id: work.id, manifests: () => [broken] });
    const failed = await eventually(
      () => statusOf(work.id),
      (found) => (found?.reasons.length ?? 0) > 0,
    );
    expect(failed).toMatchObject({ phase: 'degraded', generation: '1', reasons: [{ reason: 'SchemaMismatch' }] });
    const good = await line.putWork({ cluster: 'refused', component: 'web', id: work.id, manifests: web(1) });
    const healed = await eventually(() => statusOf(work.id), isReady(good.generation));
    expect(healed?.reasons).toEqual([]);
    await agent.close();
  });

  it('a namespace that Berth did not make is left alone, and the work says so', async () => {
    const hollow = await line.hollow('foreign');
    const client = await clientOf(hollow);
    await client.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      { fieldManager: 'somebody' },
    );
    const agent = await line.agent({ member: hollow, token: await line.register('foreign') });
    const work = await line.putWork({ cluster: 'foreign', component: 'web', manifests: web() });
    const failed = await eventually(
      () => statusOf(work.id),
      (found) => found?.phase === 'failed',
    );
    expect(failed?.reasons[0]?.reason).toBe('NamespaceNotOurs');
    expect(await uidOf(client, 'ConfigMap', 'web')).toBeUndefined();
    await agent.close();
  });
});
