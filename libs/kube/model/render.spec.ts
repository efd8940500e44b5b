import { describe, expect, it } from 'vitest';
import { isJsonObject, type JsonObject } from '#domain';
import { aComponent, aContainer, noExtra, rendered } from './component.suite.js';
import { objectRefsOf, renderNamespace } from './render.js';

const specIn = (objects: JsonObject[], kind: string): JsonObject => {
  const spec = objects.find((object) => object.kind === kind)?.spec;
  return isJsonObject(spec) ? spec : {};
};

describe('renderComponent', () => {
  it('writes a component of Berth as a Deployment with a Service, marked and in order', () => {
    const component = aComponent({
      containers: [
        aContainer({
          ports: [{ name: 'http', port: 8080 }],
          requests: { mcpu: 1500 },
          limits: { memoryBytes: 2 ** 26 },
        }),
      ],
      servicePorts: [{ port: 80, targetPort: 'http' }],
      objects: [{ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name: 'web' } }],
    });
    const mine = { 'berth.dev/application': 'shop', 'berth.dev/component': 'web' };
    const marks = {
      'app.kubernetes.io/managed-by': 'berth',
      'berth.dev/work': 'w1',
      'berth.dev/tenant': 'acme',
      'berth.dev/environment': 'test',
      ...mine,
    };
    const metadata = {
      name: 'web',
      namespace: 'berth-x1',
      labels: marks,
      annotations: { 'berth.dev/generation': '4', 'berth.dev/digest': 'd' },
    };
    expect(rendered(component, { replicas: 2, digest: 'd' })).toEqual([
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { selector: mine, ports: [{ port: 80, targetPort: 'http', protocol: 'TCP' }] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: {
          replicas: 2,
          selector: { matchLabels: mine },
          template: {
            metadata: { labels: marks },
            spec: {
              containers: [
                {
                  name: 'main',
                  image: 'example.org/app:1',
                  ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
                  resources: { requests: { cpu: '1500m' }, limits: { memory: '64Mi' } },
                },
              ],
            },
          },
        },
      },
      { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata },
    ]);
  });

  it('changes neither pods nor selectors when only the generation does', () => {
    const [before, after] = [1n, 2n].map((generation) => specIn(rendered(aComponent(), { generation }), 'Deployment'));
    expect(after).toEqual(before);
  });

  it.each([
    ['a job of one', { replicas: 1 }, 1, {}],
    ['a job of four, whole in one cluster', { replicas: 4 }, 4, { parallelism: 4, completions: 4 }],
    ['its share of a job of four', { replicas: 4 }, 3, { parallelism: 3, completions: 3 }],
    [
      'what an imported job says',
      { replicas: 4, workloadExtra: { ...noExtra, spec: { parallelism: 4, completions: 10 } } },
      4,
      { parallelism: 4, completions: 10 },
    ],
    [
      'its share of an imported job, rounded up',
      { replicas: 4, workloadExtra: { ...noExtra, spec: { parallelism: 4, completions: 10 } } },
      3,
      { parallelism: 3, completions: 8 },
    ],
  ])('runs %s', (_, set, replicas, counts) => {
    const { template, ...rest } = specIn(rendered(aComponent({ kind: 'job', ...set }), { replicas }), 'Job');
    expect(rest).toEqual(counts);
    expect(template).toMatchObject({ spec: { restartPolicy: 'OnFailure' } });
  });

  it('writes the schedule of a cron job and names several ports', () => {
    const component = aComponent({
      kind: 'cron-job',
      replicas: 1,
      schedule: '@daily',
      servicePorts: [{ port: 1 }, { port: 2 }],
    });
    expect(specIn(rendered(component), 'CronJob')).toMatchObject({
      schedule: '@daily',
      jobTemplate: { spec: { template: {} } },
    });
    expect(specIn(rendered(component), 'Service').ports).toMatchObject([{ name: 'port-1' }, { name: 'port-2' }]);
  });

  it('gives a daemon no replicas, and subjects of a role the namespace of the environment', () => {
    const subjects = [
      { kind: 'ServiceAccount', name: 'a' },
      { kind: 'User', name: 'b' },
    ];
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'a' },
      subjects,
    };
    const objects = rendered(aComponent({ kind: 'daemon', objects: [binding] }));
    expect(specIn(objects, 'DaemonSet')).not.toHaveProperty('replicas');
    expect(objects[0]?.subjects).toEqual([
      { kind: 'ServiceAccount', name: 'a', namespace: 'berth-x1' },
      { kind: 'User', name: 'b' },
    ]);
  });

  it('owns the objects that it names beforehand', () => {
    const component = aComponent({
      servicePorts: [{ port: 1 }],
      objects: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }],
    });
    const keys = rendered(component).map(({ apiVersion, kind, metadata }) => ({
      apiVersion,
      kind,
      namespace: 'berth-x1',
      name: isJsonObject(metadata) ? metadata.name : '',
    }));
    expect(objectRefsOf(component, 'berth-x1')).toEqual(keys);
  });

  it('writes a namespace that says whose it is', () => {
    expect(renderNamespace({ name: 'berth-x1', tenant: 'acme', environment: 'test' })).toMatchObject({
      kind: 'Namespace',
      metadata: { name: 'berth-x1', labels: { 'berth.dev/tenant': 'acme', 'berth.dev/environment': 'test' } },
    });
  });
});
