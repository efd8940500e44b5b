import { expect, it } from 'vitest';
import { schemaDigest } from './cluster.js';

it('names a schema by its content, in whatever order it was read', () => {
  const digest = schemaDigest({ 'v1/ConfigMap': { data: true, metadata: { name: true } }, 'v1/Pod': true });
  expect(digest).toMatch(/^[0-9a-f]{32}$/);
  expect(schemaDigest({ 'v1/Pod': true, 'v1/ConfigMap': { metadata: { name: true }, data: true } })).toBe(digest);
  expect(schemaDigest({ 'v1/Pod': true, 'v1/ConfigMap': { metadata: { uid: true }, data: true } })).not.toBe(digest);
});
