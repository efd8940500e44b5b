import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReplicaSet } from './replicaset.js';
import { type Deployment, rolloutStep } from './rollout.js';

const template = { spec: { containers: [] } };
const metadata = (name: string) => ({ name, uid: name, resourceVersion: '1', creationTimestamp: '' });

function aSet(name: string, replicas: number, available: number): ReplicaSet {
  const status = { replicas, availableReplicas: available };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: metadata(name),
    spec: { replicas, selector: {}, template },
    status,
  };
}

function aDeployment(replicas: number, maxSurge: number, maxUnavailable: number): Deployment {
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata('d'),
    spec: { replicas, selector: {}, strategy, template },
  };
}

const counts = fc
  .tuple(fc.nat(8), fc.nat(8))
  .map(([a, b]) => ({ replicas: Math.max(a, b), available: Math.min(a, b) }));
const limits = fc.tuple(fc.nat(4), fc.nat(4)).filter(([surge, unavailable]) => surge + unavailable > 0);

describe('a step of a rolling update', () => {
  it('takes no available pod below the minimum, and makes none above the surge', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        limits,
        counts,
        fc.array(counts, { maxLength: 3 }),
        (wanted, [surge, unavailable], fresh, olds) => {
          const sets = [fresh, ...olds].map(({ replicas, available }, index) => aSet(`s${index}`, replicas, available));
          const [first, ...old] = sets;
          const to = new Map(
            rolloutStep(aDeployment(wanted, surge, unavailable), first, old).map(({ set, replicas }) => [
              set,
              replicas,
            ]),
          );
          const sizeAfter = (set: ReplicaSet) => to.get(set) ?? set.spec.replicas;
          const before = sets.reduce((sum, set) => sum + (set.status?.availableReplicas ?? 0), 0);
          // A scaled-down set loses its unavailable pods first.
          const left = sets.reduce((sum, set) => sum + Math.min(set.status?.availableReplicas ?? 0, sizeAfter(set)), 0);
          const total = sets.reduce((sum, set) => sum + set.spec.replicas, 0);
          const surplusOfFresh = Math.max(0, fresh.replicas - wanted);
          expect(left).toBeGreaterThanOrEqual(Math.min(before, wanted - unavailable) - surplusOfFresh);
          expect(sets.reduce((sum, set) => sum + sizeAfter(set), 0)).toBeLessThanOrEqual(
            Math.max(total, wanted + surge),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('ends with the fresh set alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), limits, counts, (wanted, [surge, unavailable], old) => {
        let sets = [aSet('fresh', 0, 0), aSet('old', old.replicas, old.available)] as const;
        for (let round = 0; round < 40; round += 1) {
          const to = new Map(
            rolloutStep(aDeployment(wanted, surge, unavailable), sets[0], [sets[1]]).map(({ set, replicas }) => [
              set,
              replicas,
            ]),
          );
          const next = ([name, set]: readonly [string, ReplicaSet]) => {
            const replicas = to.get(set) ?? set.spec.replicas;
            return aSet(name, replicas, replicas);
          };
          sets = [next(['fresh', sets[0]]), next(['old', sets[1]])];
        }
        expect(sets.map((set) => set.spec.replicas)).toEqual([wanted, 0]);
      }),
    );
  });
});
