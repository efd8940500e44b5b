import { expect, it } from 'vitest';
import { podStatus } from '../kubelet/pod-status.js';
import type { Pod } from '../objects.js';
import { finishedAt, startedAt } from './container.js';

const startMs = Date.parse('2026-11-22T19:00:00Z');
const later = startMs + 5_000;
const created: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'once', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-11-22T19:00:00Z' },
  spec: { containers: [{ name: 'c', image: 'job:1' }] },
};
const after = (pod: Pod, fate: 'running' | 'succeeded', nowMs: number): Pod => ({
  ...pod,
  status: podStatus(pod, fate, { nowMs, podIp: '10.0.0.1', hostIp: '10.1.0.1' }),
});

it('ends what a container prints with the container', () => {
  const running = after(created, 'running', startMs);
  expect(finishedAt(running, 'c')).toBe(Number.POSITIVE_INFINITY);
  const over = after(running, 'succeeded', later);
  expect([startedAt(over, 'c'), finishedAt(over, 'c')]).toEqual([startMs, later]);
});
