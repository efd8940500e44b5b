import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { aDeployment, type Caller, deploymentPath, hollow, mergePatch } from './member.suite.js';

describe('server-side apply', () => {
  let cluster: Caller;
  let path: string;
  let made = 0;
  beforeAll(async () => {
    cluster = await hollow();
  });
  afterAll(() => cluster.cluster.close());
  beforeEach(() => {
    made += 1;
    path = deploymentPath(`web${made}`);
  });
  const wanted = (change?: Parameters<typeof aDeployment>[0]) => aDeployment(change, `web${made}`);
  const only = (spec: object) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `web${made}` },
    spec,
  });
  const containerOf = (body: { spec: { template: { spec: { containers: unknown[] } } } }) =>
    body.spec.template.spec.containers[0] as { image: string; env?: { name: string }[] };

  it('creates with 201, then answers 200', async () => {
    expect((await cluster.apply(path, wanted())).code).toBe(201);
    expect((await cluster.apply(path, wanted())).code).toBe(200);
  });

  it('leaves version and time alone when nothing changes', async () => {
    await cluster.apply('/api/v1/namespaces/default/configmaps/same', config({ a: '1' }, 'same'));
    const first = await cluster.get('/api/v1/namespaces/default/configmaps/same');
    await cluster.apply('/api/v1/namespaces/default/configmaps/same', config({ a: '1' }, 'same'));
    expect((await cluster.get('/api/v1/namespaces/default/configmaps/same')).body).toEqual(first.body);
  });

  it('refuses what another manager owns, naming manager and field', async () => {
    await cluster.apply(path, wanted());
    const { code, body } = await cluster.apply(path, only({ replicas: 5 }), 'other');
    expect(code).toBe(409);
    expect(body.reason).toBe('Conflict');
    expect(body.message).toBe('Apply failed with 1 conflict: conflict with "berth": .spec.replicas');
    expect(body.details.causes).toEqual([
      { reason: 'FieldManagerConflict', message: 'conflict with "berth"', field: '.spec.replicas' },
    ]);
  });

  it('names list items by their keys, and an updater by its API version', async () => {
    await cluster.apply(path, wanted());
    await cluster.call('PATCH', `${path}?fieldManager=kubectl-edit`, { spec: { replicas: 4 } }, mergePatch);
    const image = wanted((spec) => {
      spec.template.spec.containers[0].image = 'app:2';
      spec.replicas = 3;
    });
    const { body } = await cluster.apply(path, image, 'other');
    expect(body.details.causes.map((cause: { field: string }) => cause.field).sort()).toEqual([
      '.spec.replicas',
      '.spec.template.spec.containers[name="main"].image',
    ]);
    expect(body.message).toContain('conflicts with "kubectl-edit" using apps/v1:\n- .spec.replicas');
  });

  it('takes a field by force, and the loser no longer owns it', async () => {
    await cluster.apply(path, wanted());
    const { body } = await cluster.apply(path, only({ replicas: 5 }), 'other', '&force=true');
    expect(body.spec.replicas).toBe(5);
    const berth = body.metadata.managedFields.find((entry: { manager: string }) => entry.manager === 'berth');
    expect(berth?.fieldsV1['f:spec']?.['f:replicas']).toBeUndefined();
    expect(berth?.fieldsV1['f:spec']?.['f:selector']).toEqual({});
  });

  it('removes what its only owner drops, and keeps what another still applies', async () => {
    await cluster.apply(path, wanted());
    const shared = only({ template: { spec: { containers: [{ name: 'main', env: [{ name: 'B', value: '2' }] }] } } });
    expect((await cluster.apply(path, shared, 'other')).code).toBe(200);
    const { body } = await cluster.apply(
      path,
      wanted((spec) => {
        spec.template.spec.containers[0].env = undefined;
      }),
    );
    expect(containerOf(body).env).toEqual([{ name: 'B', value: '2' }]);
    const last = await cluster.apply(path, only({ template: { spec: { containers: [{ name: 'main' }] } } }), 'other');
    expect(containerOf(last.body).env).toBeUndefined();
    expect(containerOf(last.body).image).toBe('app:1');
  });

  it('goes back to the default when the only owner drops a defaulted field', async () => {
    await cluster.apply(path, wanted());
    const { body } = await cluster.apply(
      path,
      wanted((spec) => {
        spec.replicas = undefined;
      }),
    );
    expect(body.spec.replicas).toBe(1);
  });

  it('defaults what a client may leave out, and knows a port by that default', async () => {
    await cluster.apply(path, wanted());
    const { body } = await cluster.apply(
      path,
      wanted((spec) => {
        spec.template.spec.containers[0].ports = [{ containerPort: 80, protocol: 'TCP', name: 'http' }];
      }),
    );
    const [container] = body.spec.template.spec.containers;
    expect(container.ports).toEqual([{ containerPort: 80, protocol: 'TCP', name: 'http' }]);
    expect(container.imagePullPolicy).toBe('IfNotPresent');
    expect(body.spec.strategy).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' },
    });
  });

  it.each([
    [
      'an unknown field',
      (spec: { foo?: number }) => {
        spec.foo = 1;
      },
      500,
      '.spec.foo: field not declared in schema',
    ],
    [
      'a text for a number',
      (spec: { replicas: unknown }) => {
        spec.replicas = 'two';
      },
      500,
      '.spec.replicas: expected',
    ],
    [
      'negative replicas',
      (spec: { replicas: number }) => {
        spec.replicas = -1;
      },
      422,
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'labels that the selector misses',
      (spec: { template: { metadata: object } }) => {
        spec.template.metadata = { labels: { app: 'x' } };
      },
      422,
      '`selector` does not match template `labels`',
    ],
  ])('refuses %s', async (_, change, code, message) => {
    const answer = await cluster.apply(path, wanted(change as Parameters<typeof aDeployment>[0]));
    expect(answer.code).toBe(code);
    expect(answer.body.message).toContain(message);
    expect((await cluster.get(path)).code).toBe(404);
  });

  it('refuses to change a selector after creation', async () => {
    await cluster.apply(path, wanted());
    const { code, body } = await cluster.apply(
      path,
      wanted((spec) => {
        spec.selector.matchLabels = { app: 'y' };
        spec.template.metadata.labels = { app: 'y' };
      }),
    );
    expect(code).toBe(422);
    expect(body.details.causes[0]?.field).toBe('spec.selector');
    expect(body.message).toContain('field is immutable');
  });

  it('needs a field manager, and a uid or version that fits', async () => {
    const { code } = await cluster.call('PATCH', path, wanted(), 'application/apply-patch+yaml');
    expect(code).toBe(422);
    const unborn = { ...wanted(), metadata: { name: `web${made}`, uid: 'nobody' } };
    expect((await cluster.apply(path, unborn)).code).toBe(409);
    await cluster.apply(path, wanted());
    expect((await cluster.apply(path, unborn)).code).toBe(409);
    const old = { ...wanted(), metadata: { name: `web${made}`, resourceVersion: '1' } };
    expect((await cluster.apply(path, old)).body.message).toContain('the object has been modified');
  });

  it('changes nothing in a dry run', async () => {
    const { code, body } = await cluster.apply(path, wanted(), 'berth', '&dryRun=All');
    expect(code).toBe(201);
    expect(body.metadata.uid).toBeTruthy();
    expect((await cluster.get(path)).code).toBe(404);
  });

  it('counts generations of the spec alone', async () => {
    await cluster.apply(path, wanted());
    const labelled = { ...wanted(), metadata: { name: `web${made}`, labels: { tier: 'front' } } };
    expect((await cluster.apply(path, labelled)).body.metadata.generation).toBe(1);
    const scaled = await cluster.apply(path, { ...labelled, spec: { ...labelled.spec, replicas: 3 } });
    expect(scaled.body.metadata.generation).toBe(2);
  });
});

const config = (data: Record<string, string>, name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data,
});
