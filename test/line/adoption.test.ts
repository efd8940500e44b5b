import { afterAll, beforeAll, expect, it } from 'vitest';
import { isJsonObject, type JsonObject, type ObjectPolicy, type StatusReason } from '#domain';
import { connectCluster, type KubeClient, type RenderContext, renderComponent } from '#kube';
import { aComponent, aContainer, noExtra } from '../../libs/kube/model/component.suite.js';
import { describeMembers, type TestMembers } from '../kubernetes/members.js';
import { configMap, eventually, type LineHarness, namespace, startLineHarness } from './harness.js';

interface StatusRow {
  phase: string;
  generation: string;
  reasons: StatusReason[];
  ready: number;
  objects: { kind: string; name: string; uid: string; adopted: boolean }[];
}

type Kind = 'Deployment' | 'Service' | 'StatefulSet' | 'CronJob';
const versions = { Deployment: 'apps/v1', StatefulSet: 'apps/v1', Service: 'v1', CronJob: 'batch/v1' } as const;

const container = {
  name: 'main',
  image: 'example.test/app:1',
  resources: { requests: { cpu: '100m', memory: '64Mi' } },
};

/** As somebody wrote it who knows nothing of Berth. */
const theirs = (name: string, template: JsonObject = {}): JsonObject => ({
  ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [container] }, ...template },
  },
});

const partOf = (object: JsonObject | undefined, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((value, key) => (isJsonObject(value as never) ? (value as JsonObject)[key] : undefined), object);

/** Everything but what every write changes, and who is noted for which field. */
function asItIs(object: JsonObject): JsonObject {
  const { status: _, metadata, ...rest } = object;
  if (!isJsonObject(metadata)) throw new Error('no metadata');
  // annotations count as content of a Deployment, to the server, and so does taking them off again
  const { resourceVersion: _1, managedFields: _2, generation: _4, annotations, ...kept } = metadata;
  // what the controllers of Deployments note there
  const { 'deployment.kubernetes.io/revision': _3, ...notes } = isJsonObject(annotations) ? annotations : {};
  return { ...rest, metadata: Object.keys(notes).length === 0 ? kept : { ...kept, annotations: notes } };
}

/** A component as a tenant writes it, rendered as the broker does, over objects that were there before. */
describeMembers('adoption', (flavour) => {
  let harness: LineHarness;
  let members: TestMembers;
  let hand: KubeClient;
  beforeAll(async () => {
    harness = await startLineHarness();
    members = await flavour.start(['taken'], { count: 2, cpu: '8', memory: '8Gi' });
    const [member] = members.members;
    if (member === undefined) throw new Error('no member was started');
    hand = await connectCluster(member.access, { userAgent: 'kubectl-edit/1' });
    await harness.agent({ member: member.access, token: await harness.register('taken') });
    const work = await put('home', () => [configMap('home', {})]);
    await until(work.id, ({ generation }) => generation === '1');
  });
  afterAll(async () => {
    await harness?.close();
    await hand?.close();
    await members?.close();
  });

  const refOf = (kind: Kind, name: string) => ({ apiVersion: versions[kind], kind, namespace, name });
  const get = (kind: Kind, name: string) => hand.get(refOf(kind, name));
  const put = (
    component: string,
    manifests: (id: string) => JsonObject[],
    policy: Partial<ObjectPolicy> = {},
    id?: string,
  ) => harness.putWork({ cluster: 'taken', component, manifests, policy, ...(id === undefined ? {} : { id }) });
  const statusOf = async (workId: string) =>
    (
      await harness.database.query<StatusRow>(
        'SELECT phase, generation, reasons, ready, objects FROM work_status WHERE work_id = $1',
        [workId],
      )
    )[0];
  const until = (workId: string, holds: (row: StatusRow) => boolean) =>
    eventually(
      () => statusOf(workId),
      (row) => row !== undefined && holds(row),
      30_000,
    );
  const podsOf = async (name: string): Promise<JsonObject[]> => {
    const pods: JsonObject[] = [];
    for await (const page of hand.list({ apiVersion: 'v1', kind: 'Pod' }, { namespace, labelSelector: `app=${name}` }))
      pods.push(...page.items);
    return pods;
  };
  const podUids = async (name: string) => (await podsOf(name)).map((pod) => partOf(pod, 'metadata', 'uid')).sort();
  const isReadyPod = (pod: JsonObject) => JSON.stringify(pod.status ?? {}).includes('"type":"Ready","status":"True"');
  const created = (object: JsonObject, path: string) =>
    hand.raw({ method: 'POST', path, body: object, contentType: 'application/json' });

  const component = (name: string, set: Parameters<typeof aComponent>[0] = {}) =>
    aComponent({
      ...{ name, replicas: 2 },
      containers: [aContainer({ image: container.image, requests: { mcpu: 100, memoryBytes: 64 * 1024 ** 2 } })],
      ...set,
    });
  const rendered =
    (of: ReturnType<typeof component>, set: Partial<RenderContext> = {}) =>
    (workId: string) =>
      renderComponent({
        ...{ component: of, replicas: of.replicas, namespace, tenant: 'acme', environment: 'production' },
        ...{ application: 'store', workId, generation: 1n },
        ...set,
      });
  const selecting = (name: string) => ({
    workloadExtra: {
      ...noExtra,
      spec: { selector: { matchLabels: { app: name } } },
      podMetadata: { labels: { app: name } },
    },
  });
  const letGo = async (workId: string, kind: Kind, name: string) => {
    const uid = `${partOf(await get(kind, name), 'metadata', 'uid')}`;
    const work = await put(name, () => [], {}, workId);
    await until(workId, ({ generation }) => generation === `${work.generation}`);
    await harness.putTombstone({ cluster: 'taken', workId, object: refOf(kind, name), uid, mode: 'let-go' });
    await until(workId, ({ objects }) => !objects.some((object) => object.kind === kind));
  };

  it.each(['applied', 'created'] as const)(
    'refuses a Deployment with another selector that somebody has %s, names the field, and leaves it as it was',
    async (how) => {
      const name = `selector-${how}`;
      if (how === 'applied') await hand.apply(theirs(name), { fieldManager: 'somebody' });
      else await created(theirs(name), `/apis/apps/v1/namespaces/${namespace}/deployments`);
      await eventually(
        () => podsOf(name),
        (pods) => pods.length === 2,
      );
      const before = await get('Deployment', name);
      const work = await put(name, rendered(component(name)), { adoption: 'existing' });
      const row = await until(work.id, ({ reasons }) => reasons[0]?.refusedGeneration !== undefined);
      expect(row?.reasons[0]).toMatchObject({
        reason: how === 'applied' ? expect.stringMatching(/^(ImmutableField|FieldManagerConflict)$/) : 'ImmutableField',
        message: expect.stringContaining('spec.selector'),
        refusedGeneration: '1',
      });
      expect(row?.phase).toBe('failed');
      await eventually(
        () => get('Deployment', name),
        (object) => !JSON.stringify(object).includes('berth.dev'),
      );
      expect(asItIs(await get('Deployment', name))).toEqual(asItIs(before));
    },
    60_000,
  );

  it('takes over a Deployment whose selector the component names, without a restart, and hands it back as it was', async () => {
    const name = 'same-selector';
    await hand.apply(theirs(name), { fieldManager: 'somebody' });
    await eventually(
      () => podsOf(name),
      (pods) => pods.length === 2 && pods.every(isReadyPod),
    );
    const [before, pods] = [await get('Deployment', name), await podUids(name)];
    const work = await put(name, rendered(component(name, selecting(name))), { adoption: 'existing' });
    const row = await until(work.id, ({ phase }) => phase === 'ready');
    expect(row?.objects.find(({ kind }) => kind === 'Deployment')).toMatchObject({ adopted: true });
    expect(row?.reasons).toEqual([]);
    const held = await get('Deployment', name);
    expect(held.spec).toEqual(before.spec);
    expect(await podUids(name)).toEqual(pods);
    expect(row?.ready).toBe(2);
    await letGo(work.id, 'Deployment', name);
    expect(asItIs(await get('Deployment', name))).toEqual(asItIs(before));
    expect(await podUids(name)).toEqual(pods);
  }, 60_000);

  it('goes on with pods as they were when it scales and repairs what it has taken over', async () => {
    const name = 'grown';
    await hand.apply(theirs(name), { fieldManager: 'somebody' });
    const policy = { adoption: 'existing' } as const;
    const two = component(name, selecting(name));
    const work = await put(name, rendered(two), policy);
    await until(work.id, ({ phase, ready }) => phase === 'ready' && ready === 2);
    // from now on the number is Berth's alone
    const withoutNumber = theirs(name);
    const { replicas: _, ...spec } = isJsonObject(withoutNumber.spec) ? withoutNumber.spec : {};
    await hand.apply({ ...withoutNumber, spec }, { fieldManager: 'somebody' });
    const pods = await podUids(name);
    await put(name, rendered({ ...two, replicas: 3 }), policy, work.id);
    await until(work.id, ({ phase, ready }) => phase === 'ready' && ready === 3);
    expect(await podUids(name)).toEqual(expect.arrayContaining(pods));
    await hand.patchMerge(refOf('Deployment', name), { spec: { replicas: 1 } });
    await eventually(
      () => get('Deployment', name),
      (object) => partOf(object, 'spec', 'replicas') === 3,
    );
    expect(JSON.stringify(partOf(await get('Deployment', name), 'spec'))).not.toContain('berth.dev');
    await put(name, rendered({ ...two, replicas: 2 }), policy, work.id);
  }, 60_000);

  it('hands a CronJob back as it was, with the labels that it had and none of the template', async () => {
    const name = 'nightly';
    const served = flavour.name === 'hollow' ? 'batch/v1' : 'batch/v1beta1';
    const ref = { apiVersion: served, kind: 'CronJob', namespace, name };
    const cronJob: JsonObject = {
      ...{ apiVersion: served, kind: 'CronJob' },
      metadata: { name, namespace, labels: { mine: '1', 'app.kubernetes.io/managed-by': 'Helm' } },
      spec: {
        schedule: '0 3 * * *',
        jobTemplate: { spec: { template: { spec: { restartPolicy: 'OnFailure', containers: [container] } } } },
      },
    };
    await created(cronJob, `/apis/${served}/namespaces/${namespace}/cronjobs`);
    const before = await hand.get(ref);
    const of = component(name, { kind: 'cron-job', schedule: '0 3 * * *', replicas: 1 });
    const asServed = (workId: string) => rendered(of)(workId).map((manifest) => ({ ...manifest, apiVersion: served }));
    const work = await put(name, asServed, { adoption: 'existing' });
    await until(work.id, ({ objects }) => objects.some(({ kind, adopted }) => kind === 'CronJob' && adopted));
    expect(JSON.stringify(partOf(await hand.get(ref), 'spec'))).toContain('berth.dev/work');
    const uid = `${partOf(before, 'metadata', 'uid')}`;
    const gone = await put(name, () => [], {}, work.id);
    await until(work.id, ({ generation }) => generation === `${gone.generation}`);
    await harness.putTombstone({ cluster: 'taken', workId: work.id, object: ref, uid, mode: 'let-go' });
    await until(work.id, ({ objects }) => !objects.some(({ kind }) => kind === 'CronJob'));
    expect(asItIs(await hand.get(ref))).toEqual(asItIs(before));
  }, 60_000);
});
