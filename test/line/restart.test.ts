import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '#domain';
import { startHollowCluster } from '#hollow';
import { type ClusterAccess, connectCluster, type KubeClient } from '#kube';
import { memoryKeeper } from '../../apps/agent/index.js';
import { kubebuilderAssets } from '../kubernetes/assets.js';
import { startControlPlane } from '../kubernetes/control-plane.js';
import { configMap, eventually, type LineHarness, namespace, startLineHarness } from './harness.js';

/** A cluster that counts the applies it was asked for. */
interface CountingCluster {
  access: ClusterAccess & { kind: 'token' };
  applies(): Promise<number>;
  close(): Promise<void>;
}

/** `npm test -- test/line/restart` tries 2,000 objects; the full size by BERTH_RESTART_OBJECTS=10000. */
const objects = Number(process.env.BERTH_RESTART_OBJECTS ?? 2_000);
const drifted = objects / 100;
const perWork = 100;

async function hollow(): Promise<CountingCluster> {
  const cluster = await startHollowCluster({ name: 'restart', nodes: { count: 1, cpu: '4', memory: '8Gi' } });
  return {
    access: { kind: 'token', url: cluster.url, token: cluster.token },
    applies: async () => cluster.audit.filter(({ verb }) => verb === 'apply').length,
    close: () => cluster.close(),
  };
}

function textOf(url: string, { token, ca }: { token: string; ca: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(url, { ca, headers: { authorization: `Bearer ${token}` } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve(text));
      answer.on('error', reject);
    });
    call.on('error', reject);
    call.end();
  });
}

/** By the server's own count of requests: whatever asked for them. */
const real = (assets: string) => async (): Promise<CountingCluster> => {
  const control = await startControlPlane({ assets, names: ['restart'], controllers: false });
  const [plane] = control.planes;
  if (plane === undefined) throw new Error('no API server was started');
  const { url, token, ca } = plane;
  return {
    access: { kind: 'token', url, token, ca },
    applies: async () => {
      const lines = (await textOf(`${url}/metrics`, { token, ca })).split('\n');
      return lines
        .filter((line) => line.startsWith('apiserver_request_total{') && line.includes('verb="APPLY"'))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    },
    close: () => control.close(),
  };
};

function describeRestart(title: string, start: () => Promise<CountingCluster>): void {
  describe(`an agent that restarts [${title}]`, () => {
    let harness: LineHarness;
    let cluster: CountingCluster;
    let hand: KubeClient;
    beforeAll(async () => {
      harness = await startLineHarness();
      cluster = await start();
      hand = await connectCluster(cluster.access, { userAgent: 'kubectl-edit/1' });
    }, 60_000);
    afterAll(async () => {
      await harness?.close();
      await hand?.close();
      await cluster?.close();
    });

    const nameOf = (n: number) => `setting-${n}`;
    const manifestsOf = (work: number): JsonObject[] =>
      Array.from({ length: perWork }, (_, index) => configMap(nameOf(work * perWork + index), { a: '1', b: '2' }));
    const confirmed = async () =>
      (
        await harness.database.query<{ works: number }>(
          `SELECT count(*)::int AS works FROM work_status WHERE phase = 'ready' AND generation = 1`,
        )
      )[0]?.works ?? 0;
    const fullEpochs = async () =>
      (
        await harness.database.query<{ epoch: string }>(
          'SELECT epoch FROM cluster_agents WHERE full_report_at IS NOT NULL',
        )
      )[0]?.epoch;
    const refOf = (n: number) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: nameOf(n) });

    it(`applies what drifted, and nothing else: ${drifted} of ${objects} objects`, async () => {
      const identity = memoryKeeper();
      const first = await harness.agent({ member: cluster.access, token: await harness.register('restart'), identity });
      const beforeAny = await cluster.applies();
      for (let work = 0; work < objects / perWork; work++)
        await harness.putWork({ cluster: 'restart', component: `c${work}`, manifests: () => manifestsOf(work) });
      await eventually(confirmed, (works) => works === objects / perWork, 300_000);
      // one for each object, and one for the namespace that they share
      expect((await cluster.applies()) - beforeAny).toBe(objects + 1);
      await first.close();

      const edited = Array.from({ length: drifted }, (_, index) => index * 100 + 7);
      for (const n of edited) await hand.patchMerge(refOf(n), { data: { a: 'edited' } });
      const before = await cluster.applies();
      const began = performance.now();
      await harness.agent({ member: cluster.access, identity });
      await eventually(fullEpochs, (epoch) => epoch === '2', 120_000);
      for (const n of edited)
        await eventually(
          async () => (await hand.get(refOf(n))).data,
          (data) => JSON.stringify(data) === '{"a":"1","b":"2"}',
        );
      console.info(
        `${title}: ${drifted} of ${objects} put back ${Math.round(performance.now() - began)} ms after the start`,
      );
      expect((await cluster.applies()) - before).toBe(drifted);
    }, 600_000);
  });
}

describeRestart('hollow', hollow);
const assets = kubebuilderAssets();
if (assets === undefined) it.skip('an agent that restarts [kube-apiserver]');
else describeRestart('kube-apiserver', real(assets));
