import { expect, it } from 'vitest';
import { importManifests } from './import.js';
import { isAttachable } from './kinds.js';
import { parseManifests } from './manifests.js';

const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: "example.test/web:1" }] }
---
apiVersion: example.org/v1
kind: Database
metadata: { name: main }
spec: { size: 1 }
`;

it('takes custom kinds beside a component, and Kubernetes’ own only where they are namespaced parts of one', () => {
  const spec = importManifests(parseManifests(manifests));
  expect(spec.components.map(({ objects }) => objects)).toMatchObject([
    [{ apiVersion: 'example.org/v1', kind: 'Database', metadata: { name: 'main' }, spec: { size: 1 } }],
  ]);
  expect(isAttachable('apiextensions.k8s.io/v1', 'CustomResourceDefinition')).toBe(false);
  expect(isAttachable('rbac.authorization.k8s.io/v1', 'ClusterRole')).toBe(false);
  expect(isAttachable('v1', 'Namespace')).toBe(false);
});
