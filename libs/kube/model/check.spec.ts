import { describe, expect, it } from 'vitest';
import {
  type ApplicationSpec,
  anywhere,
  type Component,
  type Container,
  InvalidRequest,
  type JsonObject,
  NotBuilt,
} from '#domain';
import { checkSpec } from './check.js';
import { aComponent, aContainer, noExtra } from './component.suite.js';

const specOf = (...components: Component[]): ApplicationSpec => ({ components, placement: anywhere });

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
