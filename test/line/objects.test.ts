import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Findings, isJsonObject, type JsonObject, type ObjectPolicy, type StatusReason } from '#domain';
import { connectCluster, type KubeClient, ObjectNotFound } from '#kube';
import { type IdentityKeeper, memoryKeeper, type RunningAgent } from '../../apps/agent/index.js';
import { describeMembers, type TestMember, type TestMembers } from '../kubernetes/members.js';
import { configMap, deployment, eventually, type LineHarness, namespace, startLineHarness } from './harness.js';

interface StatusRow {
  phase: string;
  generation: string;
  reasons: StatusReason[];
  objects: { kind: string; name: string; uid: string; adopted: boolean }[];
  findings: Findings | null;
}

/** What becomes of objects that others write too, the same story on every sort of cluster. */
describeMembers('objects that others write too', (flavour) => {
  let harness: LineHarness;
  let members: TestMembers;
  let member: TestMember;
  let hand: KubeClient;
  let agent: RunningAgent;
  const identity: IdentityKeeper = memoryKeeper();
  beforeAll(async () => {
    harness = await startLineHarness();
    members = await flavour.start(['shared'], { count: 2, cpu: '8', memory: '8Gi' });
    const [first] = members.members;
    if (first === undefined) throw new Error('no member was started');
    member = first;
    hand = await connectCluster(member.access, { userAgent: 'kubectl-edit/1' });
    const token = await harness.register('shared');
    agent = await harness.agent({ member: member.access, token, identity });
    await applied('home', [configMap('home', {})]);
  });
  afterAll(async () => {
    await harness?.close();
    await hand?.close();
    await members?.close();
  });

  const refOf = (kind: 'ConfigMap' | 'Deployment' | 'Job', name: string) => ({
    apiVersion: { ConfigMap: 'v1', Deployment: 'apps/v1', Job: 'batch/v1' }[kind],
    ...{ kind, namespace, name },
  });
  const find = async (kind: 'ConfigMap' | 'Deployment' | 'Job', name: string): Promise<JsonObject | undefined> => {
    try {
      return await hand.get(refOf(kind, name));
    } catch (error) {
      if (error instanceof ObjectNotFound) return undefined;
      throw error;
    }
  };
  const uidOf = (object: JsonObject | undefined) => (isJsonObject(object?.metadata) ? object.metadata.uid : undefined);
  const annotationsOf = (object: JsonObject | undefined) =>
    isJsonObject(object?.metadata) ? object.metadata.annotations : undefined;
  const dataOf = async (name: string) => (await find('ConfigMap', name))?.data;
  const replicasOf = (object: JsonObject | undefined) =>
    isJsonObject(object?.spec) ? object.spec.replicas : undefined;
  const statusOf = async (workId: string): Promise<StatusRow | undefined> =>
    (
      await harness.database.query<StatusRow>(
        'SELECT phase, generation, reasons, objects, findings FROM work_status WHERE work_id = $1',
        [workId],
      )
    )[0];
  const until = (workId: string, holds: (row: StatusRow) => boolean) =>
    eventually(
      () => statusOf(workId),
      (row) => row !== undefined && holds(row),
      20_000,
    );
  const put = async (component: string, manifests: JsonObject[], policy: Partial<ObjectPolicy> = {}, id?: string) => {
    const order = { cluster: 'shared', component, manifests: () => manifests, policy };
    return harness.putWork(id === undefined ? order : { ...order, id });
  };
  const applied = async (
    component: string,
    manifests: JsonObject[],
    policy: Partial<ObjectPolicy> = {},
    id?: string,
  ) => {
    const work = await put(component, manifests, policy, id);
    await until(work.id, (row) => row.generation === work.generation.toString());
    return work;
  };
  const edit = (kind: 'ConfigMap' | 'Deployment', name: string, patch: JsonObject) =>
    hand.patchMerge(refOf(kind, name), patch);

  it('puts back what was edited by hand, and tells what it was, by whom and when', async () => {
    const work = await applied('drift', [configMap('drift', { a: '1', b: '1' })]);
    await edit('ConfigMap', 'drift', { data: { a: 'edited', c: 'theirs' } });
    const { findings } = (await until(work.id, (row) => (row.findings?.drifts.length ?? 0) > 0)) ?? {};
    expect(findings?.drifts).toMatchObject([
      {
        path: 'data.a',
        ordered: '"1"',
        found: '"edited"',
        manager: 'kubectl-edit',
        outcome: 'put-back',
        object: { name: 'drift' },
      },
    ]);
    expect(findings?.drifts[0]?.changedAt).toBeGreaterThan(0);
    await eventually(
      () => dataOf('drift'),
      (data) => isJsonObject(data) && data.a === '1',
    );
    expect(await dataOf('drift')).toEqual({ a: '1', b: '1', c: 'theirs' });
    const told = await until(work.id, (row) => (row.findings?.events.length ?? 0) > 0);
    expect(told?.findings?.events[0]).toMatchObject({ reason: 'DriftRepaired' });
  }, 60_000);

  it('puts back what was removed by hand, its own labels too', async () => {
    const work = await applied('removed', [configMap('removed', { a: '1', b: '1' })]);
    await edit('ConfigMap', 'removed', { data: { b: null } });
    await eventually(
      () => dataOf('removed'),
      (data) => isJsonObject(data) && data.b === '1',
    );
    await edit('ConfigMap', 'removed', { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } });
    await eventually(
      () => find('ConfigMap', 'removed'),
      (object) => JSON.stringify(object?.metadata).includes('"app.kubernetes.io/managed-by":"berth"'),
    );
    expect((await statusOf(work.id))?.reasons).toEqual([]);
  }, 60_000);

  it('leaves what somebody fights over after three repairs, and says with whom', async () => {
    const work = await applied('fought', [configMap('fought', { a: '1' })]);
    for (let round = 1; round <= 4; round++) {
      await edit('ConfigMap', 'fought', { data: { a: `insists ${round}` } });
      if (round < 4)
        await eventually(
          () => dataOf('fought'),
          (data) => isJsonObject(data) && data.a === '1',
        );
    }
    const row = await until(work.id, ({ reasons }) => reasons.some(({ reason }) => reason === 'FieldFoughtOver'));
    expect(row?.reasons[0]?.message).toContain('kubectl-edit');
    expect(await dataOf('fought')).toEqual({ a: 'insists 4' });
  }, 60_000);

  it('only tells of drift when that is the policy, until the next release', async () => {
    const work = await applied('told', [configMap('told', { a: '1' })], { drift: 'report' });
    await edit('ConfigMap', 'told', { data: { a: 'edited' } });
    await until(
      work.id,
      (row) => row.findings?.drifts[0]?.path === 'data.a' && row.findings.drifts[0].outcome === 'reported',
    );
    expect(await dataOf('told')).toEqual({ a: 'edited' });
    await applied('told', [configMap('told', { a: '2' })], { drift: 'report' }, work.id);
    expect(await dataOf('told')).toEqual({ a: '2' });
    await until(work.id, (row) => (row.findings?.drifts.length ?? 0) === 0);
  }, 60_000);

  it('leaves a field to whoever changed it when that is the policy, over releases and restarts', async () => {
    const work = await applied('left', [configMap('left', { a: '1', b: '1' })], { drift: 'adopt' });
    await edit('ConfigMap', 'left', { data: { a: 'edited' } });
    await until(work.id, (row) => row.findings?.events[0]?.reason === 'FieldAdopted');
    await agent.close();
    agent = await harness.agent({ member: member.access, identity });
    await applied('left', [configMap('left', { a: '2', b: '2' })], { drift: 'adopt' }, work.id);
    expect(await dataOf('left')).toEqual({ a: 'edited', b: '2' });
  }, 60_000);

  it.each(['the same content', 'another content'])(
    'takes a field back that it had left to others once the policy says so, with %s',
    async (how) => {
      const name = how.replaceAll(' ', '-');
      const work = await applied(name, [configMap(name, { a: '1', b: '1' })], { drift: 'adopt' });
      await edit('ConfigMap', name, { data: { a: 'edited' } });
      await eventually(
        () => find('ConfigMap', name),
        (object) => JSON.stringify(annotationsOf(object)).includes('berth.dev/yielded'),
      );
      const b = how === 'the same content' ? '1' : '2';
      await applied(name, [configMap(name, { a: '1', b })], { drift: 'repair' }, work.id);
      await eventually(
        () => dataOf(name),
        (data) => isJsonObject(data) && data.a === '1' && data.b === b,
      );
      expect(JSON.stringify(annotationsOf(await find('ConfigMap', name)))).not.toContain('berth.dev/yielded');
      await edit('ConfigMap', name, { data: { a: 'edited again' } });
      await eventually(
        () => dataOf(name),
        (data) => isJsonObject(data) && data.a === '1',
      );
    },
    60_000,
  );

  it('tells of a field that it had left to who applies it as a conflict once the policy says so', async () => {
    const work = await applied('regained', [configMap('regained', { a: '1' })], { drift: 'adopt' });
    await hand.apply(configMap('regained', { a: 'theirs' }), { fieldManager: 'argocd', force: true });
    await until(work.id, (row) => row.findings?.events[0]?.reason === 'FieldAdopted');
    await applied('regained', [configMap('regained', { a: '1' })], { drift: 'repair' }, work.id);
    const row = await until(work.id, ({ findings }) => (findings?.conflicts.length ?? 0) > 0);
    expect(row?.findings?.conflicts).toMatchObject([{ path: 'data.a', manager: 'argocd' }]);
    expect(await dataOf('regained')).toEqual({ a: 'theirs' });
  }, 60_000);

  it('writes no field that another manager applies, and names both', async () => {
    const work = await applied('conflict', [configMap('conflict', { a: '1', b: '1' })]);
    await hand.apply(configMap('conflict', { a: 'theirs' }), { fieldManager: 'argocd', force: true });
    const theirs = { path: 'data.a', manager: 'argocd', object: { name: 'conflict' } };
    const row = await until(work.id, ({ findings }) => (findings?.conflicts.length ?? 0) > 0);
    expect(row?.findings?.conflicts).toMatchObject([theirs]);
    expect(await dataOf('conflict')).toEqual({ a: 'theirs', b: '1' });
    await put('conflict', [configMap('conflict', { a: '2', b: '2' })], {}, work.id);
    const refused = await until(work.id, ({ reasons }) => reasons[0]?.reason === 'FieldManagerConflict');
    expect(refused?.findings?.conflicts).toMatchObject([theirs]);
    expect(await dataOf('conflict')).toEqual({ a: 'theirs', b: '1' });
  }, 60_000);

  it('puts the rest of an object back while another manager applies one field of it, and leaves that as it is', async () => {
    const work = await applied('partly', [configMap('partly', { a: '1', b: '1', c: '1' })]);
    await hand.apply(configMap('partly', { a: 'theirs' }), { fieldManager: 'argocd', force: true });
    const isContested = ({ findings, reasons }: StatusRow) =>
      findings?.conflicts.length === 1 && reasons.some(({ reason }) => reason === 'FieldConflict');
    await until(work.id, isContested);
    await edit('ConfigMap', 'partly', { data: { b: 'edited', c: null } });
    await eventually(
      () => dataOf('partly'),
      (data) => isJsonObject(data) && data.b === '1' && data.c === '1',
    );
    expect(await dataOf('partly')).toEqual({ a: 'theirs', b: '1', c: '1' });
    const row = await until(work.id, (each) => isContested(each) && each.findings?.drifts.length === 3);
    const outcomes = row?.findings?.drifts.map(({ path, outcome }) => `${path} ${outcome}`).sort();
    expect(outcomes).toEqual(['data.a conflict', 'data.b put-back', 'data.c put-back']);

    const running = await applied('run-partly', [deployment('run-partly', 'w', 2)]);
    const { spec } = deployment('run-partly', 'w', 2);
    const template = isJsonObject(spec) && isJsonObject(spec.template) ? spec.template : {};
    const image = 'example.test/app:theirs';
    const theirs = {
      ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'run-partly', namespace } },
      spec: {
        selector: isJsonObject(spec) ? (spec.selector ?? {}) : {},
        template: { metadata: template.metadata ?? {}, spec: { containers: [{ name: 'main', image }] } },
      },
    };
    await hand.apply(theirs, { fieldManager: 'argocd', force: true });
    await until(running.id, isContested);
    await edit('Deployment', 'run-partly', { spec: { replicas: 3 } });
    await eventually(
      () => find('Deployment', 'run-partly'),
      (object) => replicasOf(object) === 2,
    );
    const left = JSON.stringify((await find('Deployment', 'run-partly'))?.spec);
    expect(left).toContain(image);
    expect(left).toContain('"cpu":"100m"');
  }, 60_000);

  it('brings back what was deleted by hand', async () => {
    await applied('back', [configMap('back', { a: '1' })]);
    const before = await find('ConfigMap', 'back');
    await hand.delete(refOf('ConfigMap', 'back'), { uid: `${uidOf(before)}`, propagation: 'Background' });
    const after = await eventually(
      () => find('ConfigMap', 'back'),
      (object) => object !== undefined,
    );
    expect(uidOf(after)).not.toBe(uidOf(before));
  }, 60_000);

  it('writes nothing over an object that is not its own, and says so', async () => {
    await hand.apply(configMap('foreign', { a: 'theirs' }), { fieldManager: 'somebody' });
    const before = await find('ConfigMap', 'foreign');
    const work = await put('foreign', [configMap('foreign', { b: 'ours' })]);
    await until(work.id, ({ phase, reasons }) => phase === 'failed' && reasons[0]?.reason === 'ObjectNotOurs');
    expect(await find('ConfigMap', 'foreign')).toEqual(before);
    await applied('foreign', [], {}, work.id);
    expect(await find('ConfigMap', 'foreign')).toEqual(before);
  }, 60_000);

  it('takes an object over when it is asked to, and hands it back as it is', async () => {
    await hand.apply(configMap('taken', { a: 'theirs' }), { fieldManager: 'somebody' });
    await edit('ConfigMap', 'taken', { metadata: { annotations: { 'their.own/note': 'kept' } } });
    const before = await find('ConfigMap', 'taken');
    const work = await applied('taken', [configMap('taken', { a: 'theirs', b: 'ours' })], { adoption: 'existing' });
    const row = await until(work.id, ({ objects }) => objects.some(({ name }) => name === 'taken'));
    expect(row?.objects.find(({ name }) => name === 'taken')).toMatchObject({ adopted: true, uid: uidOf(before) });
    const held = await find('ConfigMap', 'taken');
    expect(annotationsOf(held)).toMatchObject({ 'berth.dev/adopted': 'true', 'their.own/note': 'kept' });

    await applied('taken', [], {}, work.id);
    const id = await harness.putTombstone({
      ...{ cluster: 'shared', workId: work.id, object: refOf('ConfigMap', 'taken') },
      ...{ uid: `${uidOf(before)}`, mode: 'let-go' },
    });
    await eventually(
      () => harness.database.query<{ outcome: string }>('SELECT outcome FROM tombstones WHERE id = $1', [id]),
      ([found]) => found?.outcome === 'let-go',
    );
    const after = await find('ConfigMap', 'taken');
    expect(uidOf(after)).toBe(uidOf(before));
    expect(after?.data).toEqual({ a: 'theirs', b: 'ours' });
    expect(annotationsOf(after)).toEqual({ 'their.own/note': 'kept' });
    await until(work.id, ({ objects }) => !objects.some(({ name }) => name === 'taken'));
  }, 60_000);

  it('leaves no mark on an object that it was asked to take over and could not', async () => {
    await hand.apply(configMap('disputed', { a: 'theirs' }), { fieldManager: 'somebody' });
    const before = await find('ConfigMap', 'disputed');
    const work = await put('disputed', [configMap('disputed', { a: 'ours' })], { adoption: 'existing' });
    await until(work.id, ({ phase }) => phase === 'failed');
    const versionOf = (found: JsonObject | undefined) =>
      isJsonObject(found?.metadata) ? found.metadata.resourceVersion : '';
    const left = await eventually(
      () => find('ConfigMap', 'disputed'),
      (found) => Object.keys(annotationsOf(found) ?? {}).length === 0,
    );
    // it is tried again and again meanwhile, and not written into
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(versionOf(await find('ConfigMap', 'disputed'))).toBe(versionOf(left));
    await applied('disputed', [], {}, work.id);
    const after = await eventually(
      () => find('ConfigMap', 'disputed'),
      (found) => Object.keys(annotationsOf(found) ?? {}).length === 0,
    );
    expect(uidOf(after)).toBe(uidOf(before));
    expect(after?.data).toEqual({ a: 'theirs' });
  }, 60_000);

  const job = (image: string): JsonObject => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'once', namespace, labels: { 'app.kubernetes.io/managed-by': 'berth' } },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image }] } } },
  });

  it('refuses a change that can not be made, with the field, and makes the object anew when that is declared', async () => {
    const work = await applied('once', [job('example.test/app:1')]);
    const before = await find('Job', 'once');
    await put('once', [job('example.test/app:2')], {}, work.id);
    const refused = await until(work.id, ({ reasons }) => reasons[0]?.reason === 'ImmutableField');
    expect(refused?.reasons[0]?.message).toContain('spec.template');
    expect(uidOf(await find('Job', 'once'))).toBe(uidOf(before));
    await applied('once', [job('example.test/app:2')], { immutable: 'recreate' }, work.id);
    expect(uidOf(await find('Job', 'once'))).not.toBe(uidOf(before));
    const row = await until(work.id, ({ findings }) =>
      (findings?.events ?? []).some(({ reason }) => reason === 'Recreated'),
    );
    expect(row?.reasons.filter(({ reason }) => reason === 'ImmutableField')).toEqual([]);
  }, 60_000);

  it('hands the number of replicas to an autoscaler and takes it back, and it is never reset', async () => {
    const seen = new Set<unknown>();
    const watching = new AbortController();
    const work = await applied('scaled', [deployment('scaled', 'w', 5)]);
    const watched = (async () => {
      while (!watching.signal.aborted) {
        seen.add(replicasOf(await find('Deployment', 'scaled')));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    const autoscaled = { replicasOwner: 'autoscaler' } as const;
    await applied('scaled', [deployment('scaled', 'w', 5)], autoscaled, work.id);
    await hand.patchMerge(refOf('Deployment', 'scaled'), { spec: { replicas: 7 } }, { subresource: 'scale' });
    await applied('scaled', [deployment('scaled', 'w', 6)], autoscaled, work.id);
    expect(replicasOf(await find('Deployment', 'scaled'))).toBe(7);
    await applied('scaled', [deployment('scaled', 'w', 4)], {}, work.id);
    expect(replicasOf(await find('Deployment', 'scaled'))).toBe(4);
    watching.abort();
    await watched;
    expect([...seen].sort()).toEqual([4, 5, 7]);
    expect((await statusOf(work.id))?.findings?.conflicts ?? []).toEqual([]);
  }, 60_000);

  const definition: JsonObject = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'databases.example.org' },
    spec: {
      group: 'example.org',
      scope: 'Namespaced',
      names: { plural: 'databases', singular: 'database', kind: 'Database' },
      versions: [
        {
          ...{ name: 'v1', served: true, storage: true },
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: { type: 'object', properties: { size: { type: 'integer' }, note: { type: 'string' } } },
              },
            },
          },
        },
      ],
    },
  };
  const database: JsonObject = {
    apiVersion: 'example.org/v1',
    kind: 'Database',
    metadata: { name: 'main', namespace },
    spec: { size: 1, note: 'ours' },
  };

  it('applies a definition and, once it is served, an object of its kind', async () => {
    const work = await applied('custom', [database, definition]);
    const row = await until(work.id, ({ phase }) => phase === 'ready');
    expect(row?.objects.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['CustomResourceDefinition', 'Database']),
    );
    const ref = { apiVersion: 'example.org/v1', kind: 'Database', namespace, name: 'main' };
    await hand.patchMerge(ref, { spec: { size: 5 } });
    await eventually(
      async () => (await hand.get(ref)).spec,
      (spec) => isJsonObject(spec) && spec.size === 1,
    );
  }, 60_000);

  it('goes on where somebody has labelled an object with what is no work', async () => {
    const stray = configMap('stray', {});
    const metadata = isJsonObject(stray.metadata) ? stray.metadata : {};
    const labels = { 'app.kubernetes.io/managed-by': 'berth', 'berth.dev/work': 'none-of-yours' };
    await hand.apply({ ...stray, metadata: { ...metadata, labels } }, { fieldManager: 'somebody' });
    await applied('undisturbed', [configMap('undisturbed', { a: '1' })]);
    expect(await find('ConfigMap', 'stray')).toBeDefined();
  }, 60_000);

  it('begins with the broker’s number where an autoscaler has it, and keeps off from then on', async () => {
    const work = await applied('begun', [deployment('begun', 'w', 3)], { replicasOwner: 'autoscaler' });
    expect(replicasOf(await find('Deployment', 'begun'))).toBe(3);
    const owners = (object: JsonObject | undefined) =>
      JSON.stringify(isJsonObject(object?.metadata) ? object.metadata.managedFields : []);
    await eventually(
      () => find('Deployment', 'begun'),
      (object) => owners(object).includes('berth-handover'),
    );
    await hand.patchMerge(refOf('Deployment', 'begun'), { spec: { replicas: 6 } }, { subresource: 'scale' });
    await applied('begun', [deployment('begun', 'w', 2)], { replicasOwner: 'autoscaler' }, work.id);
    expect(replicasOf(await find('Deployment', 'begun'))).toBe(6);
    expect((await statusOf(work.id))?.findings).toBeNull();
  }, 60_000);
});
