import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berthLabels, type JsonObject, type ObjectRef } from '#domain';
import { connectCluster, type KubeClient, kubeMember, type MemberCluster, type OwnedWatch, workStatus } from '#kube';
import { describeMembers, type TestMember, type TestMembers } from '../kubernetes/members.js';
import { until } from '../kubernetes/until.js';

const namespace = 'berth-status';
const ours = (workId: string) => ({
  labels: { [berthLabels.managedBy]: berthLabels.managedByValue, [berthLabels.work]: workId },
});

const deployment = (name: string, workId: string, container: JsonObject): JsonObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name, ...ours(workId).labels } },
      spec: { containers: [{ name: 'app', image: 'registry.example/app:1', ...container }] },
    },
  },
});

const configMap = (name: string, data: Record<string, string>): JsonObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});

const databases = { apiVersion: 'status.berth.dev/v1', kind: 'Database' };
const definition: JsonObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'databases.status.berth.dev' },
  spec: {
    group: 'status.berth.dev',
    scope: 'Namespaced',
    names: { kind: 'Database', plural: 'databases', singular: 'database' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

describeMembers('status of what runs', (flavour) => {
  let members: TestMembers;
  let member: TestMember;
  let client: KubeClient;
  let cluster: MemberCluster;
  let watch: OwnedWatch;
  const life = new AbortController();

  beforeAll(async () => {
    members = await flavour.start(['status'], { count: 2, cpu: '4', memory: '8Gi' });
    const [first] = members.members;
    if (first === undefined) throw new Error('no member was started');
    member = first;
    client = await connectCluster(member.access, { userAgent: 'berth-status' });
    cluster = kubeMember(client);
    watch = cluster.watchOwned({ onChange: () => undefined, signal: life.signal });
    await watch.synced;
    await cluster.ensureNamespace(namespace);
  });
  afterAll(async () => {
    life.abort(new Error('the test is over'));
    await cluster?.close();
    await members?.close();
  });

  const statusOf = (workId: string) => workStatus(watch.objectsOf(workId), watch.podsOf(workId));
  const summaries = (workId: string) => statusOf(workId).objects.map(({ kind, summary }) => `${kind}: ${summary}`);

  it('says in a few words how each object is', async () => {
    await cluster.applyObject(deployment('web', 'w-web', {}), ours('w-web'));
    const ports = [{ name: 'http', port: 80, protocol: 'TCP' }];
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace } };
    await cluster.applyObject({ ...service, spec: { selector: { app: 'web' }, ports } }, ours('w-web'));
    await until('the work is ready', () => statusOf('w-web').phase === 'ready' || undefined, 60_000);
    expect(summaries('w-web').sort()).toEqual([
      'Deployment: 2/2 ready',
      expect.stringMatching(/^Service: 10\.\d+\.\d+\.\d+:80$/),
    ]);
  });

  it('tells what the scheduler warns of, counted over pods', async () => {
    const greedy = { resources: { requests: { cpu: '900' } } };
    await cluster.applyObject(deployment('greedy', 'w-greedy', greedy), ours('w-greedy'));
    const event = await until(
      'the warning is told',
      () => watch.eventsOf('w-greedy').find(({ reason, count }) => reason === 'FailedScheduling' && count >= 2),
      60_000,
    );
    expect(event).toMatchObject({ object: { apiVersion: 'v1', kind: 'Pod', namespace } });
    expect(event.object.name).toMatch(/^greedy-/);
    expect(event.message).toContain('Insufficient cpu');
    expect(Math.abs((event.lastAt ?? 0) - Date.now())).toBeLessThan(120_000);
    // its own pods may have waited for a node to become ready
    expect(watch.eventsOf('w-web').filter(({ object }) => !object.name.startsWith('web'))).toEqual([]);
  });

  it('tells what the kubelet warns of', async () => {
    const heal = member.failImage(/registry\.invalid/);
    const container = { image: 'registry.invalid/none:1' };
    await cluster.applyObject(deployment('broken', 'w-broken', container), ours('w-broken'));
    const event = await until('the warning is told', () => watch.eventsOf('w-broken')[0], 60_000);
    expect(event).toMatchObject({ reason: 'Failed', message: expect.stringContaining('registry.invalid/none:1') });
    heal();
  });

  it('marks what was there before Berth took it over', async () => {
    const adopted = { ...ours('w-adopted'), annotations: { 'berth.dev/adopted': 'true' } };
    await cluster.applyObject(configMap('adopted', {}), adopted);
    await cluster.applyObject(configMap('made', {}), ours('w-adopted'));
    const objects = await until('both are seen', () => {
      const seen = statusOf('w-adopted').objects;
      return seen.length === 2 ? seen : undefined;
    });
    expect(Object.fromEntries(objects.map(({ name, adopted: taken }) => [name, taken]))).toEqual({
      adopted: true,
      made: false,
    });
  });

  it('follows a declared rule, also where metadata was enough before, and goes back when it is dropped', async () => {
    await cluster.applyObject(configMap('ruled', { phase: 'starting' }), ours('w-ruled'));
    await until('it is seen', () => statusOf('w-ruled').phase === 'ready' || undefined);
    const rule = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      ready: 'object.data.phase == "running"',
      message: '"it is " + object.data.phase',
    };
    watch.setRules('w-ruled', [rule]);
    await until('the rule is followed', () => statusOf('w-ruled').phase === 'applying' || undefined);
    expect(statusOf('w-ruled').reasons).toEqual([{ reason: 'NotReady', message: 'it is starting', count: 1 }]);
    await cluster.applyObject(configMap('ruled', { phase: 'running' }), ours('w-ruled'));
    await until('it is ready by its rule', () => statusOf('w-ruled').phase === 'ready' || undefined);
    expect(summaries('w-ruled')).toEqual(['ConfigMap: it is running']);
    watch.setRules('w-ruled', [{ ...rule, ready: 'object.data.gone == "x"' }]);
    const broken = await until('the rule fails', () =>
      statusOf('w-ruled').reasons.find(({ reason }) => reason === 'StatusRuleFailed'),
    );
    expect(broken.message).toContain('object.data.gone == "x"');
    expect(statusOf('w-ruled').phase).toBe('applying');
    watch.setRules('w-ruled', []);
    await until('no rule is followed', () => statusOf('w-ruled').phase === 'ready' || undefined);
    expect(watch.objectsOf('w-adopted')).toHaveLength(2);
  });

  describe('of custom kinds', () => {
    it('is judged by its rule as its controller writes', async () => {
      await client.apply(definition, { fieldManager: 'test' });
      const ref: ObjectRef = { ...databases, namespace, name: 'orders' };
      await until('the kind is served', async () => {
        const { kinds } = await client.discovery({ refresh: true });
        return kinds.has('status.berth.dev/v1/Database') || undefined;
      });
      const rule = {
        ...databases,
        ready: 'object.status.members == object.spec.members',
        failed: 'object.status.members < 0',
        message: 'string(object.status.members) + " of " + string(object.spec.members) + " members"',
      };
      watch.setRules('w-orders', [rule]);
      await watch.watchKind(databases);
      const orders = { ...databases, metadata: { name: 'orders', namespace }, spec: { members: 3 } };
      await cluster.applyObject(orders, ours('w-orders'));
      await until(
        'it is not judged ready before it has a status',
        () => statusOf('w-orders').reasons[0]?.reason === 'StatusRuleFailed' || undefined,
      );
      const write = (found: number) =>
        client.patchMerge(ref, { status: { members: found } }, { subresource: 'status' });
      await write(1);
      await until('it counts', () => summaries('w-orders').includes('Database: 1 of 3 members') || undefined);
      expect(statusOf('w-orders').phase).toBe('applying');
      await write(3);
      await until('it is ready', () => statusOf('w-orders').phase === 'ready' || undefined);
      await write(-1);
      await until('it has failed', () => statusOf('w-orders').phase === 'failed' || undefined);
    });
  });
});
