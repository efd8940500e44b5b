import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aDeployment, type Caller, deploymentPath, eventually, hollow, type Seen } from './member.suite.js';

const configs = '/api/v1/namespaces/default/configmaps';
const aConfig = (name: string, value = '1', labels = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, labels },
  data: { value },
});

describe('the hollow API', () => {
  let cluster: Caller;
  beforeAll(async () => {
    cluster = await hollow({ load: { measured: 0.25, pods: [{ count: 3, cpu: '500m', memory: '1Gi' }] } });
  });
  afterAll(() => cluster.cluster.close());

  it('turns away a caller without its token', async () => {
    const response = await fetch(`${cluster.cluster.url}/api/v1/pods`);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ kind: 'Status', reason: 'Unauthorized' });
  });

  it.each([
    ['GET', '/api/v1/secrets'],
    ['GET', '/api/v1/namespaces/default/pods/x/attach'],
    ['PUT', '/apis/apps/v1/deployments'],
    ['GET', '/apis/example.k8s.io/v1/things'],
  ])('answers %s %s with 501 and names it', async (method, path) => {
    const { code, body } = await cluster.call(method, path, method === 'PUT' ? {} : undefined);
    expect(code).toBe(501);
    expect(body).toMatchObject({ kind: 'Status', reason: 'NotImplemented' });
    expect(body.message).toContain(`${method} ${path}`);
  });

  it('tells what it serves', async () => {
    expect((await cluster.get('/version')).body.gitVersion).toBe('v1.36.0');
    expect((await cluster.get('/apis')).body.groups.map((group: { name: string }) => group.name)).toEqual(
      expect.arrayContaining(['apps', 'batch', 'policy', 'metrics.k8s.io']),
    );
    const { definitions } = (await cluster.get('/openapi/v2')).body;
    expect(definitions['io.k8s.api.core.v1.Probe']?.properties.grpc?.$ref).toBe(
      '#/definitions/io.k8s.api.core.v1.GRPCAction',
    );
    expect(
      (await cluster.get('/openapi/v3/apis/apps/v1')).body.components.schemas['io.k8s.api.apps.v1.DeploymentSpec'],
    ).toBeTruthy();
  });

  it('follows changes from a list onwards, seen through a selector', async () => {
    await cluster.call('POST', configs, aConfig('seen', '1', { watched: 'yes' }));
    const { body } = await cluster.get(`${configs}?labelSelector=watched=yes`);
    const watching = cluster.watch(
      `${configs}?watch=true&labelSelector=watched=yes&resourceVersion=${body.metadata.resourceVersion}`,
      (events) => events.length === 3,
    );
    await cluster.call('PUT', `${configs}/seen`, aConfig('seen', '2', { watched: 'yes' }));
    await cluster.call('POST', configs, aConfig('other'));
    await cluster.call('PUT', `${configs}/seen`, aConfig('seen', '3', { watched: 'no' }));
    await cluster.call('PUT', `${configs}/seen`, aConfig('seen', '4', { watched: 'yes' }));
    const events = await watching;
    expect(events.map((event) => `${event.type} ${event.object.data.value}`)).toEqual([
      'MODIFIED 2',
      'DELETED 2',
      'ADDED 4',
    ]);
    const versions = events.map((event) => Number(event.object.metadata.resourceVersion));
    expect([...versions].sort((a, b) => a - b)).toEqual(versions);
  });

  it('resumes a watch where it broke off', async () => {
    const first = await cluster.call('POST', configs, aConfig('resumed'));
    await cluster.call('PUT', `${configs}/resumed`, aConfig('resumed', '2'));
    await cluster.call('DELETE', `${configs}/resumed`);
    const { resourceVersion } = first.body.metadata;
    const events = await cluster.watch(
      `${configs}?watch=true&fieldSelector=metadata.name=resumed&resourceVersion=${resourceVersion}`,
      (seen) => seen.length === 2,
    );
    expect(events.map((event) => event.type)).toEqual(['MODIFIED', 'DELETED']);
  });

  it('tells a watch with 410 that its past is forgotten', async () => {
    const { body } = await cluster.call('POST', configs, aConfig('before'));
    await cluster.call('POST', configs, aConfig('forgotten'));
    const open = cluster.watch(`${configs}?watch=true&resourceVersion=${body.metadata.resourceVersion}`, (events) =>
      events.some((event) => event.type === 'ERROR'),
    );
    await eventually(async () => {
      cluster.cluster.expireWatches();
      return Promise.race([
        open.then(() => true),
        new Promise<undefined>((later) => setImmediate(() => later(undefined))),
      ]);
    });
    expect((await open).at(-1)?.object).toMatchObject({ kind: 'Status', code: 410, reason: 'Expired' });
    await cluster.call('POST', configs, aConfig('after'));
    const late = await cluster.watch(
      `${configs}?watch=true&resourceVersion=${body.metadata.resourceVersion}`,
      (events) => events.length > 0,
    );
    expect(late[0]).toMatchObject({ type: 'ERROR', object: { code: 410 } });
  });

  it('pages through a list', async () => {
    for (const name of ['p1', 'p2', 'p3']) await cluster.call('POST', configs, aConfig(name, '1', { paged: 'yes' }));
    const first = (await cluster.get(`${configs}?labelSelector=paged&limit=2`)).body;
    expect(first.metadata.remainingItemCount).toBe(1);
    const second = (await cluster.get(`${configs}?labelSelector=paged&limit=2&continue=${first.metadata.continue}`))
      .body;
    const names = [...first.items, ...second.items].map((item) => item.metadata.name);
    expect(names).toEqual(['p1', 'p2', 'p3']);
    expect(first.items[0]?.kind).toBeUndefined();
  });

  it('refuses an update of an old version and a delete of another uid', async () => {
    const { body } = await cluster.call('POST', configs, aConfig('guarded'));
    const stale = { ...body, metadata: { ...body.metadata, resourceVersion: '1' } };
    expect((await cluster.call('PUT', `${configs}/guarded`, stale)).body.reason).toBe('Conflict');
    const wrong = await cluster.call('DELETE', `${configs}/guarded`, { preconditions: { uid: 'another' } });
    expect(wrong).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
    expect(wrong.body.message).toContain('does not match the UID in record');
    expect((await cluster.get(`${configs}/guarded`)).code).toBe(200);
    const right = await cluster.call('DELETE', `${configs}/guarded`, { preconditions: { uid: body.metadata.uid } });
    expect(right.code).toBe(200);
    expect((await cluster.get(`${configs}/guarded`)).code).toBe(404);
    const deletes = cluster.cluster.audit.filter(({ verb, name }) => verb === 'delete' && name === 'guarded');
    expect(deletes.map(({ code, preconditions }) => [code, preconditions.uid])).toEqual([
      [409, 'another'],
      [200, body.metadata.uid],
    ]);
  });

  it('empties a namespace before it goes, and takes nothing new in meanwhile', async () => {
    await cluster.call('POST', '/api/v1/namespaces', { metadata: { name: 'leaving' } });
    await cluster.apply(deploymentPath('web', 'leaving'), aDeployment());
    await eventually(async () =>
      (await cluster.get('/api/v1/namespaces/leaving/pods')).body.items.length === 2 ? true : undefined,
    );
    const held = { ...aConfig('held'), metadata: { name: 'held', finalizers: ['example.com/hold'] } };
    await cluster.call('POST', '/api/v1/namespaces/leaving/configmaps', held);
    const { body } = await cluster.call('DELETE', '/api/v1/namespaces/leaving');
    expect(body.status.phase).toBe('Terminating');
    const refused = await cluster.apply('/api/v1/namespaces/leaving/configmaps/late', aConfig('late'));
    expect(refused).toMatchObject({ code: 403, body: { details: { causes: [{ reason: 'NamespaceTerminating' }] } } });
    await eventually(async () =>
      (await cluster.get('/api/v1/namespaces/leaving/pods')).body.items.length === 0 ? true : undefined,
    );
    expect((await cluster.get('/api/v1/namespaces/leaving')).code).toBe(200);
    await cluster.call(
      'PATCH',
      '/api/v1/namespaces/leaving/configmaps/held',
      { metadata: { finalizers: null } },
      'application/merge-patch+json',
    );
    await eventually(async () => ((await cluster.get('/api/v1/namespaces/leaving')).code === 404 ? true : undefined));
    const missing = await cluster.apply('/api/v1/namespaces/leaving/configmaps/late', aConfig('late'));
    expect(missing.body.message).toBe('namespaces "leaving" not found');
  });

  it('deletes what an owner leaves behind', async () => {
    await cluster.apply(deploymentPath('owner'), aDeployment(undefined, 'owner'));
    const mine = async (kind: string) =>
      (await cluster.get(`${kind}?labelSelector=app=owner`)).body.items.length as number;
    await eventually(async () => ((await mine('/api/v1/pods')) === 2 ? true : undefined));
    await cluster.call('DELETE', deploymentPath('owner'), { propagationPolicy: 'Foreground' });
    await eventually(async () => ((await cluster.get(deploymentPath('owner'))).code === 404 ? true : undefined));
    expect(await mine('/api/v1/pods')).toBe(0);
    expect(await mine('/apis/apps/v1/replicasets')).toBe(0);
  });

  it('measures foreign load and what runs', async () => {
    await eventually(async () =>
      (await cluster.get('/apis/metrics.k8s.io/v1beta1/pods')).body.items.length >= 3 ? true : undefined,
    );
    const { items } = (await cluster.get('/apis/metrics.k8s.io/v1beta1/nodes')).body;
    const cores = items.map((item: Seen) => Number.parseInt(item.usage.cpu, 10) / 1e9);
    expect(cores).toHaveLength(3);
    for (const used of cores) expect(used).toBeGreaterThanOrEqual(2);
    expect(cores.reduce((sum: number, used: number) => sum + used, 0)).toBeCloseTo(6 + 3 * 0.5 * 0.6, 1);
  });

  it('withholds answers while paused', async () => {
    cluster.cluster.pause();
    let answered = false;
    const asking = cluster.get('/version').then(() => {
      answered = true;
    });
    // A stranger is turned away also while paused: once three have their answers, the first caller's would be there.
    for (const path of ['/version', '/apis', '/api']) {
      const stranger = await fetch(cluster.cluster.url + path);
      expect([stranger.status, await stranger.json()]).toEqual([401, expect.anything()]);
    }
    expect(answered).toBe(false);
    cluster.cluster.resume();
    await asking;
  });
});
