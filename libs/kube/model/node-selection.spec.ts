import { expect, it } from 'vitest';
import type { JsonObject, NodeSelector } from '#domain';
import { importManifests } from './import.js';
import { podNodeSelector } from './node-selection.js';

function selectorOf(podSpec: JsonObject): NodeSelector | undefined {
  const spec = importManifests([
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: {
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'web', image: 'nginx:1.27' }], ...podSpec },
        },
      },
    },
  ]);
  const [component] = spec.components;
  return component === undefined ? undefined : podNodeSelector(component);
}

const required = (...terms: JsonObject[]) => ({
  nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
});
const arm = { key: 'kubernetes.io/arch', operator: 'In', values: ['arm64'] };

it('reads what manifests require of nodes: the selector in each of the terms', () => {
  expect(selectorOf({})).toBeUndefined();
  expect(selectorOf({ nodeSelector: { disk: 'ssd' } })).toEqual([[{ key: 'disk', operator: 'In', values: ['ssd'] }]]);
  expect(selectorOf({ affinity: required({ matchExpressions: [arm] }) })).toEqual([[arm]]);
  expect(
    selectorOf({
      nodeSelector: { disk: 'ssd' },
      affinity: required({ matchExpressions: [arm] }, { matchExpressions: [{ key: 'gpu', operator: 'Exists' }] }),
    }),
  ).toEqual([
    [{ key: 'disk', operator: 'In', values: ['ssd'] }, arm],
    [
      { key: 'disk', operator: 'In', values: ['ssd'] },
      { key: 'gpu', operator: 'Exists', values: [] },
    ],
  ]);
});

it('leaves out terms without anything, fields of nodes, and what is only preferred', () => {
  const field = { key: 'metadata.name', operator: 'In', values: ['node-1'] };
  expect(selectorOf({ affinity: required({}, { matchExpressions: [arm] }) })).toEqual([[arm]]);
  expect(selectorOf({ affinity: required({ matchFields: [field] }) })).toBeUndefined();
  const preferred = {
    nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }] },
  };
  expect(selectorOf({ affinity: preferred })).toBeUndefined();
});
