import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#domain';
import { aComponent, aContainer, rendered } from './component.suite.js';
import { schemaMismatches } from './schema.js';

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
