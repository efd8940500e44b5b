import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { expect, it } from 'vitest';
import { wire } from '#contract';
import { driftLines } from './drifts.js';
import { noColours } from './look.js';

const look = { palette: noColours, bars: false, now: 120_000 };
const object = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'n', name: 'web' };
const stateWith = (at: { drifts?: object[]; conflicts?: object[] }) =>
  create(wire.EnvironmentStatusSchema, {
    components: [{ component: 'web', clusters: [{ cluster: 'clusters/west', ...at }] }],
  });

it('shows what somebody changed, from what to what, by whom and when, and what was done about it', () => {
  const drift = {
    ...{ object, path: 'spec.replicas', ordered: '2', found: '5' },
    ...{ manager: 'kubectl-edit', changeTime: timestampFromMs(60_000), outcome: wire.DriftOutcome.PUT_BACK },
  };
  expect(driftLines(stateWith({ drifts: [drift] }), look)).toEqual([
    '',
    'DRIFTED   CLUSTER   OBJECT           FIELD           ORDERED   FOUND   BY             AGE   DONE',
    'web       west      Deployment web   spec.replicas   2         5       kubectl-edit   1m    put back',
  ]);
});

it('shows what was removed, and whose field is not written', () => {
  const lines = driftLines(
    stateWith({
      drifts: [{ object, path: 'data.a', ordered: '"1"', found: '', manager: '' }],
      conflicts: [{ object, path: 'spec.replicas', manager: 'argocd' }],
    }),
    look,
  );
  expect(lines[2]).toContain('(none)');
  expect(lines.at(-1)).toBe('web        west      Deployment web   spec.replicas   argocd');
  expect(driftLines(stateWith({}), look)).toEqual([]);
});
