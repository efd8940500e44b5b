import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryKeeper } from '../../apps/agent/index.js';
import { configMap, deployment, eventually, type LineHarness, namespace, startLineHarness } from './harness.js';

let line: LineHarness;
beforeAll(async () => {
  line = await startLineHarness();
});
afterAll(() => line.close());

const statusOf = async (workId: string) => {
  const [row] = await line.database.query<{
    phase: string;
    generation: string;
    ready: number;
    epoch: string;
    objects: { kind: string; name: string; uid: string }[];
  }>(`SELECT phase, generation, ready, epoch, objects FROM work_status WHERE work_id = $1`, [workId]);
  return row;
};
const phaseOf = async (cluster: string) =>
  (await line.database.query<{ phase: string }>(`SELECT phase FROM clusters WHERE id = $1`, [cluster]))[0]?.phase;

describe('the line', () => {
  it('brings a work into the cluster and its status back', async () => {
    const hollow = await line.hollow('alpha');
    const token = await line.register('alpha');
    const agent = await line.agent({ hollow, token });
    expect(agent.cluster).toBe('alpha');
    const work = await line.putWork({
      cluster: 'alpha',
      component: 'web',
      manifests: (id) => [configMap('web', { a: '1' }), deployment('web', id)],
    });
    const status = await eventually(
      () => statusOf(work.id),
      (found) => found?.phase === 'ready',
    );
    expect(status).toMatchObject({ phase: 'ready', generation: '1', ready: 2 });
    expect(status?.objects.map((object) => object.kind).sort()).toEqual(['ConfigMap', 'Deployment', 'Namespace']);
    await eventually(
      () => phaseOf('alpha'),
      (phase) => phase === 'ready',
    );
    const capacity = await eventually(
      async () => (await line.database.query(`SELECT * FROM cluster_capacity WHERE cluster_id = 'alpha'`))[0],
      (row) => row?.allocatable_mcpu === '8000' && row.reflected_work_sequence === '1',
    );
    expect(capacity).toMatchObject({ nodes: 2, ready_nodes: 2, berth_mcpu: '200', berth_pods: '2' });
    await eventually(
      () => line.database.query(`SELECT digest FROM cluster_schemas WHERE digest = $1`, [capacity?.schema_digest]),
      (rows) => rows.length === 1,
    );
  });
});
