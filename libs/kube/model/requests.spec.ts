import { describe, expect, it } from 'vitest';
import type { Container } from '#domain';
import { aComponent, aContainer, noExtra } from './component.suite.js';
import { podRequests } from './requests.js';

describe('podRequests', () => {
  const of = (mcpu: number, set: Partial<Container> = {}) => aContainer({ requests: { mcpu }, ...set });
  const sidecar = { extra: { restartPolicy: 'Always' } };

  it.each([
    ['the sum of its containers', [of(100), of(200)], [], 300],
    ['its greatest init container if that is more', [of(100)], [of(500), of(300)], 500],
    [
      'its sidecars all the time, also beside later init containers',
      [of(100)],
      [of(500), of(50, sidecar), of(480)],
      530,
    ],
    ['its sidecars beside its containers', [of(100)], [of(50, sidecar)], 150],
    ['its limits where it requests nothing', [aContainer({ limits: { mcpu: 70 } })], [], 70],
  ])('is %s', (_, containers, initContainers, mcpu) => {
    expect(podRequests(aComponent({ containers, initContainers }))).toEqual({ mcpu, memoryBytes: 0, pods: 1 });
  });

  it('adds the overhead of the runtime, and follows requests of the pod as a whole', () => {
    const podSpec = { overhead: { cpu: '10m', memory: '1Ki' }, resources: { requests: { cpu: '2' } } };
    expect(podRequests(aComponent({ containers: [of(1)], workloadExtra: { ...noExtra, podSpec } }))).toEqual({
      mcpu: 2010,
      memoryBytes: 1024,
      pods: 1,
    });
  });
});
