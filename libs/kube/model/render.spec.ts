import { describe, expect, it } from 'vitest';
import {
  type ApplicationSpec,
  anywhere,
  type Component,
  type Container,
  InvalidRequest,
  isJsonObject,
  type JsonObject,
  NotBuilt,
} from '#domain';
import { checkSpec } from './check.js';
import { objectRefsOf, type RenderContext, renderComponent, renderNamespace } from './render.js';
import { podRequests } from './requests.js';
import { schemaMismatches } from './schema.js';

const aContainer = (set: Partial<Container> = {}): Container => ({
  name: 'main',
  image: 'example.org/app:1',
  command: [],
  args: [],
  env: [],
  ports: [],
  requests: {},
  limits: {},
  extra: {},
  ...set,
});
const noExtra = { metadata: {}, spec: {}, podMetadata: {}, podSpec: {} };
const aComponent = (set: Partial<Component> = {}): Component => ({
  name: 'web',
  kind: 'service',
  replicas: 3,
  containers: [aContainer()],
  initContainers: [],
  servicePorts: [],
  links: [],
  workloadExtra: noExtra,
  objects: [],
  ...set,
});
const specOf = (...components: Component[]): ApplicationSpec => ({ components, placement: anywhere });
const rendered = (component: Component, set: Partial<RenderContext> = {}): JsonObject[] =>
  renderComponent({
    component,
    replicas: component.replicas,
    namespace: 'berth-x1',
    tenant: 'acme',
    environment: 'test',
    application: 'shop',
    workId: 'w1',
    generation: 4n,
    ...set,
  });
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

describe('podRequests', () => {
  const of = (mcpu: number, set: Partial<Container> = {}) => aContainer({ requests: { mcpu }, ...set });
  const sidecar = { extra: { restartPolicy: 'Always' } };

  it.each([
    ['the sum of its containers', [of(100), of(200)], [], 300],
    ['its greatest init container if that is more', [of(100)], [of(500), of(300)], 500],
    [
      'its sidecars all the time, also beside later init containers',
      [of(100)],
      [of(500), of(50, sidecar), of(480)],
      530,
    ],
    ['its sidecars beside its containers', [of(100)], [of(50, sidecar)], 150],
    ['its limits where it requests nothing', [aContainer({ limits: { mcpu: 70 } })], [], 70],
  ])('is %s', (_, containers, initContainers, mcpu) => {
    expect(podRequests(aComponent({ containers, initContainers }))).toEqual({ mcpu, memoryBytes: 0, pods: 1 });
  });

  it('adds the overhead of the runtime, and follows requests of the pod as a whole', () => {
    const podSpec = { overhead: { cpu: '10m', memory: '1Ki' }, resources: { requests: { cpu: '2' } } };
    expect(podRequests(aComponent({ containers: [of(1)], workloadExtra: { ...noExtra, podSpec } }))).toEqual({
      mcpu: 2010,
      memoryBytes: 1024,
      pods: 1,
    });
  });
});

describe('schemaMismatches', () => {
  const probe = { periodSeconds: true, tcpSocket: { port: true } } as const;
  const schema = {
    'v1/ConfigMap': { data: true },
    'apps/v1/Deployment': {
      spec: {
        replicas: true,
        selector: { matchLabels: true },
        template: {
          metadata: { labels: true },
          spec: { containers: { name: true, image: true, readinessProbe: probe } },
        },
      },
    },
  } as const;

  it('names a field that the server does not know, with its place in the list', () => {
    const readiness = { check: { kind: 'grpc', port: 1 }, periodSeconds: 5 } as const;
    const objects = rendered(aComponent({ containers: [aContainer(), aContainer({ readiness })] }));
    expect(schemaMismatches(objects, schema)).toEqual([
      { kind: 'apps/v1/Deployment', path: 'spec.template.spec.containers[1].readinessProbe.grpc' },
    ]);
  });

  it('names a kind that the server does not serve, and lets everything else pass', () => {
    const objects: JsonObject[] = [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { any: 'key' } },
      { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: {} },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, immutable: true },
    ];
    expect(schemaMismatches(objects, schema)).toEqual([
      { kind: 'policy/v1/PodDisruptionBudget', path: '' },
      { kind: 'v1/ConfigMap', path: 'immutable' },
    ]);
  });
});

describe('checkSpec', () => {
  const refusal = (component: Component, ...others: Component[]): string => {
    try {
      checkSpec(specOf(component, ...others));
    } catch (error) {
      if (error instanceof InvalidRequest || error instanceof NotBuilt) return `${error.code} ${error.message}`;
      throw error;
    }
    return 'accepted';
  };
  const configMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c' },
    data: { secretName: 'a word like any' },
  };

  it('accepts verbatim parts that say what the model cannot', () => {
    const extra = {
      imagePullPolicy: 'Always',
      env: [{ name: 'A', valueFrom: {} }],
      resources: { requests: { 'example.org/gpu': 1 } },
    };
    expect(refusal(aComponent({ containers: [aContainer({ extra })], objects: [configMap] }))).toBe('accepted');
  });

  const inContainer = (extra: JsonObject, set: Partial<Container> = {}) =>
    aComponent({ containers: [aContainer({ ...set, extra })] });
  const inPod = (podSpec: JsonObject) => aComponent({ workloadExtra: { ...noExtra, podSpec } });
  it.each([
    [
      'requests that would not be counted',
      inContainer({ resources: { requests: { cpu: '64' } } }),
      'INVALID_ARGUMENT spec.components[0].containers[0].extra.resources.requests.cpu',
    ],
    ['another image', inContainer({ image: 'b' }), 'INVALID_ARGUMENT spec.components[0].containers[0].extra.image'],
    [
      'a list said twice',
      inContainer({ args: ['b'] }, { args: ['a'] }),
      'INVALID_ARGUMENT spec.components[0].containers[0].extra.args',
    ],
    [
      'containers beside the containers',
      inPod({ containers: [] }),
      'INVALID_ARGUMENT spec.components[0].kubernetes.pod_spec.containers',
    ],
    [
      'an overhead that is no quantity',
      inPod({ overhead: { cpu: 'x' } }),
      'INVALID_ARGUMENT spec.components[0].kubernetes.pod_spec.overhead.cpu',
    ],
    [
      'a count beside the count',
      aComponent({ workloadExtra: { ...noExtra, spec: { replicas: 9 } } }),
      'INVALID_ARGUMENT spec.components[0].kubernetes.spec.replicas',
    ],
    [
      'a kind of the whole cluster',
      aComponent({ objects: [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } }] }),
      'INVALID_ARGUMENT spec.components[0].kubernetes.objects[0].kind: found "v1" "Namespace"',
    ],
    [
      'a namespace of its own',
      aComponent({ objects: [{ ...configMap, metadata: { name: 'c', namespace: 'n' } }] }),
      'INVALID_ARGUMENT spec.components[0].kubernetes.objects[0].metadata.namespace',
    ],
    [
      'an object that is there twice',
      aComponent({ objects: [configMap, configMap] }),
      'INVALID_ARGUMENT spec.components[0]: ConfigMap "c" also belongs to "web"',
    ],
    [
      'a variable from a Secret',
      inContainer({ env: [{ name: 'A', valueFrom: { secretKeyRef: {} } }] }),
      'UNIMPLEMENTED spec.components[0].containers[0].extra.env[0].valueFrom.secretKeyRef',
    ],
    [
      'a volume of a Secret',
      inPod({ volumes: [{ name: 'a', secret: {} }] }),
      'UNIMPLEMENTED spec.components[0].kubernetes.pod_spec.volumes[0].secret',
    ],
    [
      'a projected Secret',
      inPod({ volumes: [{ projected: { sources: [{ secret: {} }] } }] }),
      'UNIMPLEMENTED spec.components[0].kubernetes.pod_spec.volumes[0].projected.sources[0].secret',
    ],
    [
      'a Secret',
      aComponent({ objects: [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } }] }),
      'UNIMPLEMENTED spec.components[0].kubernetes.objects[0]: found Secret "s"',
    ],
  ])('refuses %s', (_, component, expected) => {
    expect(refusal(component)).toContain(expected);
  });

  it('refuses linked components with different placement', () => {
    const api = aComponent({ name: 'api', placement: { ...anywhere, regions: ['eu'] } });
    expect(refusal(aComponent({ links: ['api'] }), api)).toContain('INVALID_ARGUMENT spec.components[1].placement');
  });
});
