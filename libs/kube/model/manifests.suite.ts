import fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue } from '#domain';
import type { KubernetesObject } from './kinds.js';

/** Files of manifests as people write them and as nobody does: for tests of what must hold for all of them. */

/** Some of the fields of a record. */
const some = (model: Record<string, fc.Arbitrary<JsonValue>>, requiredKeys: string[] = []): fc.Arbitrary<JsonObject> =>
  fc.record(model, { requiredKeys, noNullPrototype: true });

const slug = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const port = fc.integer({ min: 1, max: 65_535 });
const protocol = fc.constantFrom('TCP', 'UDP', 'SCTP');
const words = fc.array(fc.string(), { maxLength: 3 });
const labels = fc.dictionary(slug, slug, { maxKeys: 3, noNullPrototype: true });
/** A field from a Kubernetes that does not exist yet. */
const unknown: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constant(null),
  fc.integer(),
  fc.boolean(),
  fc.string(),
  labels,
  fc.array(labels, { maxLength: 2 }),
);

const cpu = fc.constantFrom<JsonValue>('100m', '0.25', 1, '2', '1500m', '1e1');
const memory = fc.constantFrom<JsonValue>('64Mi', '1.5Gi', 1048576, '128M', '1e6', '0');
const amounts = some({ cpu, memory, 'ephemeral-storage': fc.constant('1Gi'), 'example.org/gpu': fc.constant(1) });

const probe = fc
  .tuple(
    fc.oneof(
      some(
        {
          httpGet: some(
            {
              path: fc.string(),
              port: fc.oneof<fc.Arbitrary<JsonValue>[]>(port, slug),
              scheme: fc.constantFrom('HTTP', 'HTTPS'),
              host: slug,
              httpHeaders: fc.array(some({ name: slug, value: fc.string() }, ['name', 'value']), { maxLength: 2 }),
            },
            ['port'],
          ),
        },
        ['httpGet'],
      ),
      some({ tcpSocket: some({ port, host: slug }, ['port']) }, ['tcpSocket']),
      some({ grpc: some({ port, service: fc.string() }, ['port']) }, ['grpc']),
      some({ exec: some({ command: words }) }, ['exec']),
    ),
    some({
      periodSeconds: fc.nat(20),
      initialDelaySeconds: fc.nat(20),
      terminationGracePeriodSeconds: fc.nat(20),
      failureThreshold: unknown,
    }),
  )
  .map(([check, times]): JsonObject => ({ ...check, ...times }));

const env = some(
  { name: slug, value: fc.string(), valueFrom: fc.constant({ fieldRef: { fieldPath: 'metadata.name' } }) },
  ['name'],
);

const container = some(
  {
    name: slug,
    image: fc.constantFrom(
      'redis:7',
      'registry.example:5000/a/b@sha256:fd8d9aa63ba2f0982b5304e1ee8d3b90a210bc1ffb5314d980eb6962f1a9715d',
    ),
    command: words,
    args: words,
    env: fc.array(env, { maxLength: 3 }),
    ports: fc.array(some({ containerPort: port, name: slug, protocol, hostPort: port }, ['containerPort']), {
      maxLength: 2,
    }),
    resources: some({ requests: amounts, limits: amounts, claims: fc.constant([{ name: 'gpu' }]) }),
    readinessProbe: probe,
    livenessProbe: probe,
    startupProbe: probe,
    imagePullPolicy: fc.constant('Always'),
    securityContext: labels,
    futureField: unknown,
  },
  ['name', 'image'],
);

const template = fc.record(
  {
    metadata: some({ labels, annotations: labels }),
    spec: some(
      {
        containers: fc.array(container, { minLength: 1, maxLength: 2 }),
        initContainers: fc.array(container, { maxLength: 2 }),
        restartPolicy: fc.constantFrom('Never', 'OnFailure'),
        volumes: fc.array(some({ name: slug, emptyDir: fc.constant({}) }), { maxLength: 2 }),
        serviceAccountName: slug,
        futureField: unknown,
      },
      ['containers', 'restartPolicy'],
    ),
  },
  { noNullPrototype: true },
);

const selector = fc.record(
  { matchLabels: fc.dictionary(slug, slug, { minKeys: 1, maxKeys: 2, noNullPrototype: true }) },
  { noNullPrototype: true },
);

const specs: Record<string, { apiVersion: string; spec: fc.Arbitrary<JsonObject> }> = {
  Deployment: {
    apiVersion: 'apps/v1',
    spec: some({ replicas: fc.nat(5), selector, template, strategy: labels, futureField: unknown }, [
      'selector',
      'template',
    ]),
  },
  StatefulSet: {
    apiVersion: 'apps/v1',
    spec: some({ replicas: fc.nat(5), selector, template, serviceName: slug }, ['selector', 'template', 'serviceName']),
  },
  DaemonSet: {
    apiVersion: 'apps/v1',
    spec: some({ selector, template, minReadySeconds: fc.nat(9) }, ['selector', 'template']),
  },
  Job: {
    apiVersion: 'batch/v1',
    spec: some({ template, parallelism: fc.nat(4), completions: fc.nat(4) }, ['template']),
  },
  CronJob: {
    apiVersion: 'batch/v1',
    spec: some(
      {
        schedule: fc.constant('*/5 * * * *'),
        suspend: fc.boolean(),
        jobTemplate: some(
          {
            metadata: some({ labels }),
            spec: some({ template, backoffLimit: fc.nat(4), parallelism: fc.nat(4) }, ['template']),
          },
          ['spec'],
        ),
      },
      ['schedule', 'jobTemplate'],
    ),
  },
};

const workload = fc.constantFrom(...Object.keys(specs)).chain((kind): fc.Arbitrary<JsonObject> => {
  const form = specs[kind];
  return form === undefined
    ? fc.constant({})
    : fc.record(
        {
          apiVersion: fc.constant(form.apiVersion),
          kind: fc.constant(kind),
          metadata: some({ labels, annotations: labels }),
          spec: form.spec,
        },
        { noNullPrototype: true },
      );
});

const beside = fc.oneof(
  fc.record(
    {
      apiVersion: fc.constant('v1'),
      kind: fc.constant('Service'),
      metadata: some({ labels }),
      spec: some({
        selector: labels,
        ports: fc.array(some({ port, protocol, targetPort: port }, ['port']), { maxLength: 2 }),
        futureField: unknown,
      }),
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      apiVersion: fc.constant('v1'),
      kind: fc.constant('ConfigMap'),
      metadata: some({ labels }),
      data: labels,
      immutable: fc.boolean(),
    },
    { noNullPrototype: true },
  ),
  fc.record(
    {
      apiVersion: fc.constant('policy/v1'),
      kind: fc.constant('PodDisruptionBudget'),
      metadata: some({ labels }),
      spec: some({ selector, maxUnavailable: fc.nat(3) }),
    },
    { noNullPrototype: true },
  ),
);

/** Workloads and what stands beside them, with names of their own. */
export const aFile: fc.Arbitrary<KubernetesObject[]> = fc
  .record({
    workloads: fc.array(workload, { minLength: 1, maxLength: 3 }),
    others: fc.array(beside, { maxLength: 3 }),
    namespace: fc.option(slug),
  })
  .map(({ workloads, others, namespace }) =>
    [...workloads, ...others].map((object, index) => {
      const metadata = isJsonObject(object.metadata) ? object.metadata : {};
      return {
        ...object,
        apiVersion: String(object.apiVersion),
        kind: String(object.kind),
        status: { observedGeneration: 1 },
        metadata: {
          ...metadata,
          uid: 'u',
          resourceVersion: '1',
          creationTimestamp: null,
          name: `object-${index}`,
          ...(namespace === null ? {} : { namespace }),
        },
      };
    }),
  );
