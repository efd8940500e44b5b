import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { wire } from '#contract';
import { type Clients, type GatewayHarness, refusalOf, specOf, startGatewayHarness } from './harness.js';
import { rowsUnchangedBy } from './rows.js';

const project = 'tenants/default/projects/default';
const name = `${project}/applications/wrong`;
type Spec = MessageInitShape<typeof wire.ApplicationSpecSchema>;
type Component = MessageInitShape<typeof wire.ComponentSchema>;
type Container = MessageInitShape<typeof wire.ContainerSchema>;

const component = (of: object): { components: Component[] } => ({
  components: [{ name: 'web', containers: [{ image: 'nginx:1.27' }], ...of } satisfies Component],
});
const container = (of: object): Spec => component({ containers: [{ image: 'nginx:1.27', ...of } satisfies Container] });

describe('what the gateway refuses', () => {
  let harness: GatewayHarness;
  let owner: Clients;
  let operator: Clients;
  beforeAll(async () => {
    harness = await startGatewayHarness();
    owner = harness.as(harness.ownerKey);
    operator = harness.as(harness.operatorKey);
    await operator.clusters.registerCluster({ clusterId: 'north', cluster: { region: 'eu' } });
  });
  afterAll(() => harness.close());

  const three: Spec = {
    components: [specOf(1, 'a'), specOf(1, 'b'), specOf(-1, 'c')].flatMap((each) => each.components),
  };
  const wrongSpecs: [what: string, spec: Spec, field: string, says: RegExp][] = [
    ['no component', {}, 'spec.components', /at least one component/],
    ['negative replicas', three, 'spec.components[2].replicas', /found -1; must be 0 to 10000/],
    [
      'an image with spaces',
      container({ image: 'my image' }),
      'spec.components[0].containers[0].image',
      /found "my image"/,
    ],
    ['a name that is no label', component({ name: 'Web_1' }), 'spec.components[0].name', /found "Web_1"/],
    [
      'a quantity that is none',
      container({ requests: { cpu: 'lots' } }),
      'spec.components[0].containers[0].requests.cpu',
      /"lots" is not a quantity/,
    ],
    [
      'an unknown protocol',
      container({ ports: [{ port: 80, protocol: 'QUIC' }] }),
      'spec.components[0].containers[0].ports[0].protocol',
      /found "QUIC"/,
    ],
    [
      'a port out of range',
      component({ servicePorts: [{ port: 70000 }] }),
      'spec.components[0].service_ports[0].port',
      /65535/,
    ],
    ['a link to nowhere', component({ links: ['db'] }), 'spec.components[0].links[0]', /"db" is no component/],
    [
      'a probe without a check',
      container({ readiness: {} }),
      'spec.components[0].containers[0].readiness',
      /one of http, tcp, grpc, exec/,
    ],
    [
      'a probe’s wrong port',
      container({ readiness: { check: { case: 'tcp', value: { port: { port: { case: 'number', value: 0 } } } } } }),
      'spec.components[0].containers[0].readiness.tcp.port',
      /./,
    ],
    [
      'an unknown cluster',
      { ...component({}), placement: { clusters: ['south'] } },
      'spec.placement.clusters[0]',
      /no cluster "south"; there are north/,
    ],
    [
      'more clusters at least than at most',
      { ...component({}), placement: { minClusters: 3, maxClusters: 2 } },
      'spec.placement.max_clusters',
      /is 2, below/,
    ],
    [
      'a spread over more domains at least than at most',
      { ...component({}), placement: { spread: [{ by: 'zone', minDomains: 3, maxDomains: 2 }] } },
      'spec.placement.spread[0].max_domains',
      /is 2, below minDomains \(3\)/,
    ],
    [
      'seconds of a toleration that ends nothing',
      {
        ...component({}),
        placement: { tolerations: [{ key: 'full', effect: 'NoSchedule', tolerationSeconds: 60n }] },
      },
      'spec.placement.tolerations[0].toleration_seconds',
      /found 60 with the effect "NoSchedule"; allowed is it with NoExecute/,
    ],
    [
      'less than no seconds of a toleration',
      {
        ...component({}),
        placement: { tolerations: [{ key: 'full', effect: 'NoExecute', tolerationSeconds: -1n }] },
      },
      'spec.placement.tolerations[0].toleration_seconds',
      /found -1; must not be negative/,
    ],
    ['an unknown kind', component({ kind: 99 }), 'spec.components[0].kind', /found 99/],
    [
      'verbatim fields that the model has',
      component({ kubernetes: { podSpec: { containers: [] } } }),
      'spec.components[0].kubernetes.pod_spec.containers',
      /field of its own/,
    ],
    [
      'a status rule that is no expression',
      component({
        objectPolicy: {
          statusRules: [
            { apiVersion: 'example.org/v1', kind: 'Database', ready: 'true' },
            { apiVersion: 'example.org/v1', kind: 'Cache', ready: 'objekt.status.ok' },
          ],
        },
      }),
      'spec.components[0].object_policy.status_rules[1].ready',
      /found "objekt.status.ok": the name "objekt" is not known; allowed is an expression in CEL over object/,
    ],
    [
      'a status rule that gives no truth',
      component({
        objectPolicy: { statusRules: [{ apiVersion: 'v1', kind: 'ConfigMap', ready: 'true', failed: '"no"' }] },
      }),
      'spec.components[0].object_policy.status_rules[0].failed',
      /found "\\"no\\"": it gives a text; .* it must give true or false/,
    ],
  ];
  it('names every wrong status rule in one answer, beside what else is wrong', async () => {
    const rule = { apiVersion: 'example.org/v1', kind: 'Database' };
    const statusRules = [
      { ...rule, ready: '' },
      { ...rule, ready: 'object.status ==', failed: '"no"' },
      { ...rule, ready: `object.a${' '.repeat(1100)}==` },
    ];
    const value = component({ links: ['db'], objectPolicy: { statusRules } });
    const refusal = await refusalOf(owner.applications.applyApplication({ name, source: { case: 'spec', value } }));
    expect(refusal.details.badRequest?.fieldViolations.map(({ field }) => field).toSorted()).toEqual([
      'spec.components[0].links[0]',
      'spec.components[0].object_policy.status_rules[0].ready',
      'spec.components[0].object_policy.status_rules[1].failed',
      'spec.components[0].object_policy.status_rules[1].ready',
      'spec.components[0].object_policy.status_rules[2].ready',
    ]);
  });

  it.each(wrongSpecs)('refuses %s by its field, and changes nothing', async (_, value, field, says) => {
    await rowsUnchangedBy(harness.db, async () => {
      const refusal = await refusalOf(owner.applications.applyApplication({ name, source: { case: 'spec', value } }));
      expect(refusal.code).toBe('INVALID_ARGUMENT');
      const violation = refusal.details.badRequest?.fieldViolations.find((each) => each.field === field);
      expect(violation, JSON.stringify(refusal.details.badRequest?.fieldViolations)).toBeDefined();
      expect(violation?.description).toMatch(says);
    });
  });

  it('names every wrong field at once', async () => {
    const value = component({ name: 'X', replicas: 20_000, containers: [{ image: 'a b', requests: { memory: '?' } }] });
    const refusal = await refusalOf(owner.applications.applyApplication({ name, source: { case: 'spec', value } }));
    expect(refusal.details.badRequest?.fieldViolations.map(({ field }) => field)).toEqual(
      expect.arrayContaining([
        'spec.components[0].name',
        'spec.components[0].replicas',
        'spec.components[0].containers[0].image',
        'spec.components[0].containers[0].requests.memory',
      ]),
    );
  });

  const manifests: [what: string, content: string, code: string, says: RegExp][] = [
    ['what is no YAML', 'a: [', 'INVALID_ARGUMENT', /manifests/],
    ['what is no object', '- 1', 'INVALID_ARGUMENT', /manifests\[0\]/],
    ['a Secret', 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}', 'UNIMPLEMENTED', /Secret/],
    ['a cluster-wide kind', 'apiVersion: v1\nkind: Namespace\nmetadata: {name: n}', 'INVALID_ARGUMENT', /Namespace/],
  ];
  it.each(manifests)('refuses manifests with %s', async (_, content, code, says) => {
    await rowsUnchangedBy(harness.db, async () => {
      const source = { case: 'manifests', value: { content } } as const;
      const refusal = await refusalOf(owner.applications.applyApplication({ name, source }));
      expect(refusal.code).toBe(code);
      expect(refusal.message).toMatch(says);
    });
  });

  it('refuses secret fields as not built, so that none enters a revision', async () => {
    const value = component({ kubernetes: { podSpec: { imagePullSecrets: [{ name: 'registry' }] } } });
    const refusal = await refusalOf(owner.applications.applyApplication({ name, source: { case: 'spec', value } }));
    expect(refusal.code).toBe('UNIMPLEMENTED');
    expect(refusal.details.badRequest?.fieldViolations[0]?.field).toBe(
      'spec.components[0].kubernetes.pod_spec.imagePullSecrets',
    );
  });

  it('refuses a request of 10 MiB', async () => {
    await rowsUnchangedBy(harness.db, async () => {
      const source = { case: 'manifests', value: { content: 'x'.repeat(10 * 2 ** 20) } } as const;
      const refusal = await refusalOf(owner.applications.applyApplication({ name, source }));
      expect(refusal.code).toBe('RESOURCE_EXHAUSTED');
    });
  });

  it('refuses names that are no names, with the pattern that is allowed', async () => {
    for (const wrong of ['', 'web', `${project}/applications/`, `${project}/applications/UPPER`]) {
      const refusal = await refusalOf(owner.applications.getApplication({ name: wrong }));
      expect(refusal.code).toBe('INVALID_ARGUMENT');
      expect(refusal.message).toContain('tenants/{tenant}/projects/{project}/applications/{application}');
    }
  });

  it('refuses a project or environment that is not there', async () => {
    const source = { case: 'spec', value: specOf() } as const;
    const elsewhere = 'tenants/default/projects/none/applications/web';
    expect((await refusalOf(owner.applications.applyApplication({ name: elsewhere, source }))).code).toBe('NOT_FOUND');
    const refusal = await refusalOf(owner.applications.applyApplication({ name, source, environment: 'moon' }));
    expect(refusal).toMatchObject({ code: 'NOT_FOUND' });
    expect(refusal.message).toContain('environments/moon');
  });

  it('answers JSON callers the same, from the same handlers', async () => {
    const call = (key: string | undefined, body: unknown) =>
      fetch(`http://${harness.gateway.httpAddress}/berth.v1.ApplicationService/ApplyApplication`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        },
        body: JSON.stringify(body),
      });
    const right = { name: `${project}/applications/json`, spec: specOf(1, 'json') };
    expect((await call(undefined, right)).status).toBe(401);
    const wrong = await call(harness.ownerKey, { ...right, spec: specOf(-1, 'json') });
    expect(wrong.status).toBe(400);
    expect(await wrong.json()).toMatchObject({ code: 'invalid_argument' });
    const answer = await call(harness.ownerKey, right);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ changed: true, application: { name: right.name } });
  });
});
