import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { wire } from '#contract';
import { reasonLines } from './reasons.js';

const notOurs = { reason: 'ObjectNotOurs', message: 'Deployment "web" is there already', count: 1 };
const pull = { reason: 'ImagePullBackOff', message: 'no such image', count: 3 };
const component = (clusters: Record<string, (typeof pull)[]>, own: (typeof pull)[] = []) =>
  create(wire.ComponentStatusSchema, {
    component: 'web',
    reasons: [...own, ...Object.values(clusters).flat()],
    clusters: Object.entries(clusters).map(([id, reasons]) => ({ cluster: `clusters/${id}`, reasons })),
  });

it('says once what several clusters say, and names them', () => {
  expect(reasonLines(component({ west: [notOurs], east: [notOurs, pull], north: [] }))).toEqual([
    'ObjectNotOurs in east, west: Deployment "web" is there already',
    'ImagePullBackOff in east: no such image (3×)',
  ]);
  expect(reasonLines(component({ west: [pull], east: [pull] }))).toEqual([
    'ImagePullBackOff in east, west: no such image (6×)',
  ]);
});

it('names no cluster where there is only one, or none has been chosen', () => {
  expect(reasonLines(component({ west: [notOurs] }))).toEqual(['ObjectNotOurs: Deployment "web" is there already']);
  expect(reasonLines(component({}, [{ reason: 'NoClusterFits', message: '', count: 1 }]))).toEqual(['NoClusterFits']);
});
