import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '#domain';
import { describeMembers, type TestMember } from '../../../test/kubernetes/members.js';
import { until } from '../../../test/kubernetes/until.js';
import { connectCluster, type KubeClient } from '../client/client.js';
import { systemTiming } from '../client/timing.js';
import { kubeMember } from './kube-member.js';
import type { MemberCluster } from './port.js';

const minute = 60_000;
const storageClass = (name: string, more: JsonObject): JsonObject => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner: 'volumes.example',
  ...more,
});

const definition: JsonObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.example.org' },
  spec: {
    group: 'example.org',
    scope: 'Namespaced',
    names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget', listKind: 'GadgetList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};

describeMembers('inventory', (flavour) => {
  let close: () => Promise<void>;
  let member: MemberCluster;
  let tried: TestMember;
  let client: KubeClient;
  let aheadMs = 0;
  beforeAll(async () => {
    const started = await flavour.start(['inventory'], { count: 2, cpu: '4', memory: '16Gi' });
    close = started.close;
    const [first] = started.members;
    if (first === undefined) throw new Error('no member was started');
    tried = first;
    const timing = { ...systemTiming, clock: { now: () => Date.now() + aheadMs } };
    client = await connectCluster(tried.access, { userAgent: 'berth-spec', timing });
    member = kubeMember(client);
  });
  afterAll(async () => {
    await member?.close();
    await close?.();
  });

  it('lists storage classes, and which of them is the default', async () => {
    await client.apply(storageClass('slow', { volumeBindingMode: 'WaitForFirstConsumer' }));
    aheadMs += minute;
    const { storageClasses } = await member.inventory();
    expect(storageClasses).toContainEqual({
      ...{ name: 'slow', provisioner: 'volumes.example', isDefault: false, waitsForConsumer: true },
    });
    expect(storageClasses.map(({ name }) => name)).toEqual([...storageClasses.map(({ name }) => name)].sort());
  });

  it('asks rarely for what changes rarely', async () => {
    await member.inventory();
    await client.apply(storageClass('later', {}));
    expect((await member.inventory()).storageClasses.map(({ name }) => name)).not.toContain('later');
    aheadMs += minute;
    expect((await member.inventory()).storageClasses.map(({ name }) => name)).toContain('later');
  });

  it(`${flavour.name === 'hollow' ? 'measures p95 of what is used' : 'measures nothing where no metrics are served'}`, async () => {
    const { measured, allocatable } = await member.inventory();
    if (flavour.name !== 'hollow') return expect(measured).toBeUndefined();
    expect(measured?.mcpu).toBeGreaterThanOrEqual(0);
    expect(measured?.mcpu).toBeLessThanOrEqual(allocatable.mcpu);
  });

  it('counts free devices and says what they are, less those that pods hold', async () => {
    const allocatable = { cpu: '4', memory: '16Gi', pods: '110', 'nvidia.com/gpu': '2' };
    await client.apply({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'gpu-1', labels: { 'nvidia.com/gpu.product': 'A100', 'kubernetes.io/arch': 'amd64' } },
      status: { allocatable, capacity: allocatable, conditions: [{ type: 'Ready', status: 'True' }] },
    });
    const classOf = async (gpus: number) => {
      const { classes } = await member.inventory();
      return classes.find(({ extended }) => extended?.['nvidia.com/gpu'] === gpus);
    };
    expect(await until('the node is seen', () => classOf(2))).toMatchObject({ nodes: 1, deviceModel: 'A100' });
    const resources = { requests: { 'nvidia.com/gpu': '1' }, limits: { 'nvidia.com/gpu': '1' } };
    await client.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'trains', namespace: 'default' },
      spec: { nodeName: 'gpu-1', containers: [{ name: 'main', image: 'registry.example/app:1', resources }] },
    });
    expect(await until('the pod is counted', () => classOf(1))).toMatchObject({ nodes: 1, deviceModel: 'A100' });
  });

  describe('of custom kinds', () => {
    it('shows a new kind within one refresh', async () => {
      const { kinds } = await member.inventory();
      expect(kinds).not.toContain('example.org/v1/Gadget');
      await client.apply(definition);
      await member.established('gadgets.example.org', { timeoutMs: 20_000 });
      const { schemaDigest } = await member.inventory();
      const after = await until('the kind is listed', async () => {
        aheadMs += minute;
        const found = await member.inventory();
        return found.kinds.includes('example.org/v1/Gadget') ? found : undefined;
      });
      expect(after.schemaDigest).toBe(schemaDigest);
    });
  });
});
