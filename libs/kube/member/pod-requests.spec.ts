import { describe, expect, it } from 'vitest';
import { podRequests } from './pod-requests.js';

const asks = (cpu: string, more: object = {}) => ({ resources: { requests: { cpu } }, ...more });
const mcpuOf = (spec: object): number => podRequests(JSON.parse(JSON.stringify({ spec }))).mcpu;

describe('what a pod reserves', () => {
  it('is the sum of its containers', () => {
    expect(
      podRequests({
        spec: { containers: [asks('100m'), { resources: { requests: { cpu: '1.5', memory: '64Mi' } } }] },
      }),
    ).toEqual({
      mcpu: 1_600,
      memoryBytes: 64 * 2 ** 20,
      pods: 1,
    });
  });

  it('is an init container if that is more', () => {
    expect(mcpuOf({ containers: [asks('100m')], initContainers: [asks('300m'), asks('200m')] })).toBe(300);
  });

  it('adds sidecars to containers and to the init containers after them', () => {
    const sidecar = asks('50m', { restartPolicy: 'Always' });
    expect(mcpuOf({ containers: [asks('100m')], initContainers: [sidecar, asks('300m')] })).toBe(350);
    expect(mcpuOf({ containers: [asks('400m')], initContainers: [asks('300m'), sidecar] })).toBe(450);
  });

  it('adds the overhead, and takes requests of the pod as a whole', () => {
    expect(mcpuOf({ containers: [asks('100m')], overhead: { cpu: '20m' } })).toBe(120);
    expect(mcpuOf({ containers: [asks('100m')], resources: { requests: { cpu: '1' } } })).toBe(1_000);
  });
});
