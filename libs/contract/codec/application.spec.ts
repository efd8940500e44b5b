import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ApplicationSpec,
  anywhere,
  applicationSpecSchema,
  type Component,
  type Container,
  contradictions,
  type JsonObject,
  type PlacementPolicy,
  type Probe,
} from '#domain';
import * as wire from '../wire.js';
import { applicationSpecFromWire, applicationSpecToWire } from './application.js';
import { wirePath } from './field-paths.js';

const label = fc.stringMatching(/^[a-z]([-a-z0-9]{0,10}[a-z0-9])?$/);
const port = fc.integer({ min: 1, max: 65_535 });
const portRef = fc.oneof(port, label);
const protocol = fc.constantFrom('TCP', 'UDP', 'SCTP');
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const amounts = fc.record({ mcpu: fc.nat(100_000), memoryBytes: fc.nat(2 ** 40) }, { requiredKeys: [] });
const json: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,6}$/),
  fc.oneof(fc.string(), fc.boolean(), fc.nat()),
  {
    maxKeys: 3,
  },
);

/** The fields that are there: what was left out does not come back as undefined. */
const present = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;

const check: fc.Arbitrary<Probe['check']> = fc.oneof(
  fc
    .record({
      kind: fc.constant('http' as const),
      path: fc.string(),
      port: portRef,
      scheme: maybe(fc.constantFrom('HTTP' as const, 'HTTPS' as const)),
      headers: fc.array(fc.record({ name: fc.string(), value: fc.string() }), { maxLength: 2 }),
    })
    .map(present),
  fc.record({ kind: fc.constant('tcp' as const), port: portRef }),
  fc.record({ kind: fc.constant('grpc' as const), port, service: maybe(fc.string()) }).map(present),
  fc.record({ kind: fc.constant('exec' as const), command: fc.array(fc.string(), { minLength: 1, maxLength: 3 }) }),
);
const probe: fc.Arbitrary<Probe> = fc
  .record({
    check,
    initialDelaySeconds: maybe(fc.nat(9)),
    periodSeconds: maybe(fc.integer({ min: 1, max: 9 })),
    failureThreshold: maybe(fc.integer({ min: 1, max: 9 })),
  })
  .map(present);

const container: fc.Arbitrary<Container> = fc
  .record({
    name: label,
    image: fc.constantFrom('nginx', 'registry.example:5000/team/app:1.2'),
    command: fc.array(fc.string(), { maxLength: 2 }),
    args: fc.array(fc.string(), { maxLength: 2 }),
    env: fc.array(fc.record({ name: fc.string({ minLength: 1 }), value: fc.string() }), { maxLength: 2 }),
    ports: fc.array(fc.record({ name: maybe(label), port, protocol: maybe(protocol) }).map(present), { maxLength: 2 }),
    requests: amounts,
    limits: amounts,
    readiness: maybe(probe),
    liveness: maybe(probe),
    extra: json,
  })
  .map(present);

const drawnPolicy: fc.Arbitrary<PlacementPolicy> = fc.record({
  clusters: fc.array(label, { maxLength: 2 }),
  regions: fc.array(label, { maxLength: 2 }),
  zones: fc.array(label, { maxLength: 2 }),
  providers: fc.array(label, { maxLength: 2 }),
  labels: fc.dictionary(label, label, { maxKeys: 2 }),
  tolerations: fc.array(
    fc
      .record({
        key: label,
        operator: fc.constantFrom('Exists' as const, 'Equal' as const),
        value: fc.string(),
        effect: fc.constantFrom('' as const, 'NoSchedule' as const, 'NoExecute' as const),
        seconds: fc.nat(1000),
      })
      .map(({ seconds, ...each }) =>
        each.effect === 'NoExecute' && seconds > 0 ? { ...each, tolerationSeconds: seconds } : each,
      ),
    { maxLength: 2 },
  ),
  division: fc.constantFrom('duplicated' as const, 'divided' as const, 'packed' as const, 'weighted' as const),
  weights: fc.option(
    fc.array(fc.record({ by: label, weights: fc.dictionary(label, fc.nat(1_000_000), { maxKeys: 2 }) }), {
      minLength: 1,
      maxLength: 1,
    }),
    { nil: undefined },
  ),
  clusterGroups: fc.option(
    fc.array(
      fc.record({
        clusters: fc.array(label, { maxLength: 1 }),
        regions: fc.array(label, { minLength: 1, maxLength: 1 }),
        zones: fc.array(label, { maxLength: 1 }),
        providers: fc.array(label, { maxLength: 1 }),
        labels: fc.dictionary(label, label, { maxKeys: 1 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    { nil: undefined },
  ),
  clusterGroupMode: fc.constantFrom(undefined, undefined, 'fallback' as const, 'overflow' as const),
  maxPriceMicros: fc.constantFrom(undefined, 0, 1, Number.MAX_SAFE_INTEGER),
  strategy: fc.constantFrom(undefined, 'headroom', 'packing', 'balance'),
  costWeight: fc.constantFrom(undefined, 1, 100),
  carbonWeight: fc.constantFrom(undefined, 1, 100),
  residency: fc.constantFrom(undefined, ['eu'], ['de', 'eu']),
  affinity: fc.constantFrom(
    undefined,
    [{ application: 'db', component: '', by: 'region', apart: false, preferred: true }],
    [{ application: 'db', component: 'store', by: 'cluster', apart: true, preferred: false }],
  ),
  leaveData: fc.constantFrom(undefined, true as const),
  moveCost: fc.constantFrom(undefined, 0, 30),
  minReplicas: fc.constantFrom(undefined, 1, 3),
  maxReplicas: fc.constantFrom(undefined, 2, 3, 10_000),
  remainderMethod: fc.constantFrom(undefined, 'largest-remainder' as const, 'webster' as const),
  minClusters: fc.nat(3),
  maxClusters: fc.constant(0),
  spread: fc.option(
    fc.array(
      fc.record({ by: label, minDomains: fc.nat(1), maxDomains: fc.integer({ min: 1, max: 9 }), maxSkew: fc.nat(9) }),
      {
        minLength: 1,
        maxLength: 1,
      },
    ),
    { nil: undefined },
  ),
});

/** Of all that is drawn, what no fleet could meet is left out. */
const policy = drawnPolicy.map(
  (drawn): PlacementPolicy => present(contradictions(drawn, []).length === 0 ? drawn : anywhere),
);

const component: fc.Arbitrary<Component> = fc
  .record({
    name: label,
    kind: fc.constantFrom('service' as const, 'stateful-service' as const, 'job' as const, 'daemon' as const),
    replicas: fc.nat(10_000),
    containers: fc.array(container, { minLength: 1, maxLength: 2 }),
    initContainers: fc.array(container, { maxLength: 1 }),
    servicePorts: fc.array(
      fc.record({ name: maybe(label), port, targetPort: maybe(portRef), protocol: maybe(protocol) }).map(present),
      { maxLength: 2 },
    ),
    links: fc.constant<string[]>([]),
    placement: maybe(policy),
    workloadExtra: fc.record({ metadata: json, spec: json, podMetadata: json, podSpec: json }),
    objects: fc.array(json, { maxLength: 2 }),
  })
  .map(present);

const spec: fc.Arbitrary<ApplicationSpec> = fc
  .record({
    components: fc.uniqueArray(component, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
    placement: policy,
    // 0 is what is not said.
    priority: maybe(fc.integer({ min: -1_000_000, max: 1_000_000 }).filter((drawn) => drawn !== 0)),
    tier: maybe(fc.constantFrom('requested' as const, 'best-effort' as const)),
    preemption: maybe(fc.constantFrom('lower-priority' as const, 'never' as const)),
  })
  // Bounds of replicas can contradict those that the components have.
  .filter((drawn) => applicationSpecSchema.safeParse(drawn).success);

describe('applications on the wire', () => {
  it('come back as they went, over the bytes', () => {
    fc.assert(
      fc.property(spec, (given) => {
        const bytes = toBinary(wire.ApplicationSpecSchema, applicationSpecToWire(given));
        expect(applicationSpecFromWire(fromBinary(wire.ApplicationSpecSchema, bytes))).toEqual(given);
      }),
      { numRuns: 200 },
    );
  });

  it('name fields as the wire does', () => {
    const value = { components: [{ initContainers: [{}], readiness: { check: { kind: 'http' } } }] };
    expect(wirePath('spec', ['components', 0, 'initContainers', 0, 'image'], value)).toBe(
      'spec.components[0].init_containers[0].image',
    );
    expect(wirePath('spec', ['components', 0, 'readiness', 'check', 'port'], value)).toBe(
      'spec.components[0].readiness.http.port',
    );
    expect(wirePath('spec', ['components', 0, 'workloadExtra', 'podSpec', 'hostNetwork'], value)).toBe(
      'spec.components[0].kubernetes.pod_spec.hostNetwork',
    );
    expect(wirePath('spec', ['components', 0, 'containers', 0, 'requests', 'memoryBytes'], value)).toBe(
      'spec.components[0].containers[0].requests.memory',
    );
  });
});
