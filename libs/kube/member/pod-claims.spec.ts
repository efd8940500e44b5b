import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#domain';
import { PodClaims } from './pod-claims.js';

const pod = (kind: string, owner: string, labels: JsonObject = {}): JsonObject => ({
  metadata: { namespace: 'n', name: 'p', labels, ownerReferences: [{ kind, name: owner, controller: true }] },
});
const claimsOf = (kind: string, name: string): PodClaims => {
  const claims = new PodClaims();
  claims.set({ kind, namespace: 'n', name }, 'taken');
  return claims;
};

describe('whose a pod is', () => {
  it('is told by its label where nothing was taken over', () => {
    const labels = { 'berth.dev/work': 'w' };
    expect(new PodClaims().workOf(pod('ReplicaSet', 'web-5f', labels))).toBe('w');
    expect(new PodClaims().workOf(pod('ReplicaSet', 'web-5f'))).toBe('');
  });

  it('is told by the workload that made it where that was taken over, and not by a label of an earlier work', () => {
    const hash = { 'pod-template-hash': '5f' };
    const claims = claimsOf('Deployment', 'web');
    expect(claims.workOf(pod('ReplicaSet', 'web-5f', hash))).toBe('taken');
    expect(claims.workOf(pod('ReplicaSet', 'web-5f', { ...hash, 'berth.dev/work': 'earlier' }))).toBe('taken');
    for (const kind of ['StatefulSet', 'DaemonSet', 'Job'])
      expect(claimsOf(kind, 'web').workOf(pod(kind, 'web'))).toBe('taken');
  });

  it('takes no pod of a workload of another name, kind or namespace, and none that nobody controls', () => {
    const claims = claimsOf('Deployment', 'web');
    expect(claims.workOf(pod('ReplicaSet', 'web-2-5f', { 'pod-template-hash': '5f' }))).toBe('');
    expect(claims.workOf(pod('ReplicaSet', 'web-5f'))).toBe('');
    expect(claims.workOf(pod('StatefulSet', 'web'))).toBe('');
    expect(claims.workOf({ metadata: { namespace: 'n', name: 'web-5f-x' } })).toBe('');
    claims.set({ kind: 'Deployment', namespace: 'n', name: 'web' }, undefined);
    expect(claims.workOf(pod('ReplicaSet', 'web-5f', { 'pod-template-hash': '5f' }))).toBe('');
  });

  it('says when it is news, since all pods are listed again then', () => {
    const web = { kind: 'Deployment', namespace: 'n', name: 'web' };
    const claims = new PodClaims();
    expect([
      claims.set(web, 'w'),
      claims.set(web, 'w'),
      claims.set(web, undefined),
      claims.set(web, undefined),
    ]).toEqual([true, false, true, false]);
  });
});
