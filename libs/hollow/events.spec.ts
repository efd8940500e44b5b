import { afterEach, expect, it } from 'vitest';
import { aDeployment, type Caller, deploymentPath, eventually, hollow, type Seen } from './member.suite.js';

let cluster: Caller;
afterEach(() => cluster.cluster.close());

const warnings = async (): Promise<Seen[]> =>
  (await cluster.get('/api/v1/namespaces/default/events?fieldSelector=type%3DWarning')).body.items;
const isCounted = (times: number) => (event: Seen) => 'count' in event && event.count === times;

it('warns of a pod that fits nowhere, once for each pod', async () => {
  cluster = await hollow({ nodes: [{ name: 'only', cpu: '1', memory: '1Gi' }] });
  await cluster.apply(
    deploymentPath(),
    aDeployment((spec) => {
      spec.replicas = 2;
      spec.template.spec.containers[0].resources.requests.cpu = '8';
    }),
  );
  const seen = await eventually(async () => ((await warnings()).length === 2 ? await warnings() : undefined));
  for (const event of seen)
    expect(event).toMatchObject({
      ...{ reason: 'FailedScheduling', count: 1, involvedObject: { kind: 'Pod' } },
      message: '0/1 nodes are available: 1 Insufficient cpu.',
    });
  expect(new Set(seen.map(({ metadata }) => metadata.name)).size).toBe(2);
});

it('warns of an image that cannot be pulled, and counts on', async () => {
  cluster = await hollow();
  const heal = cluster.cluster.failImage(/none/);
  await cluster.apply(
    deploymentPath(),
    aDeployment((spec) => {
      spec.replicas = 1;
      spec.template.spec.containers[0].image = 'registry.example/none:1';
    }),
  );
  const first = await eventually(async () => (await warnings())[0]);
  expect(first).toMatchObject({ reason: 'Failed', count: 1, source: { component: 'kubelet' } });
  cluster.cluster.failImage(/another/)(); // every pod is considered anew
  const again = await eventually(async () => (await warnings()).find(isCounted(2)));
  expect(again.metadata.uid).toBe(first.metadata.uid);
  heal();
});
