import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { anywhere, type Chance, type PlacementPolicy, seededChance } from '#domain';
import { applyDecision, decide } from './decide.js';
import type { Snapshot } from './fleet/snapshot.js';
import { engineVersion } from './policy.js';
import { aCluster, aComponent, aPod, aRequest, fleetOf, gibi, room } from './testing/fleet.fixture.js';

/**
 * What each version of the engine decided, on whatever Node and machine it was asked. Whoever changes decisions gives
 * the engine a new version and that its digest.
 */
const digests: Readonly<Record<string, string>> = {
  '4': '50424b32239dc63c1407af5060da61300a4a2d90b9e9b299345f0a94cf1dd3ba',
};

const oneOf = <T>(draw: Chance, values: readonly [T, ...T[]]): T =>
  values[Math.floor(draw() * values.length)] ?? values[0];

function fleetBy(draw: Chance): Snapshot {
  const clusters = Array.from({ length: 40 }, (_, at) => {
    const nodes = Array.from({ length: 1 + Math.floor(draw() * 6) }, () => ({
      nodes: 1 + Math.floor(draw() * 9),
      free: { mcpu: Math.floor(draw() * 32_000), memoryBytes: Math.floor(draw() * 128) * gibi, pods: 60 },
      allocatable: room(32, 128, 110),
      architecture: 'amd64',
      taints: draw() < 0.2 ? [{ key: 'infra', value: '', effect: 'NoSchedule' as const }] : [],
    }));
    return aCluster(`cluster-${at}`, {
      region: `region-${at % 5}`,
      zone: `zone-${at % 10}`,
      labels: { tier: oneOf(draw, ['gold', 'iron']) },
      allocatable: room(400, 1600, 1000),
      reserved: { mcpu: Math.floor(draw() * 300_000), memoryBytes: Math.floor(draw() * 1200) * gibi, pods: 9 },
      measured: { mcpu: draw() * 400_000, memoryBytes: draw() * 1600 * gibi },
      measureFresh: draw() < 0.7,
      price: { coreHourMicros: Math.floor(draw() * 40_000), gibHourMicros: Math.floor(draw() * 5_000) },
      carbonIntensity: Math.floor(draw() * 700),
      classes: draw() < 0.8 ? nodes : [],
    });
  });
  return fleetOf(...clusters);
}

const policyBy = (draw: Chance): PlacementPolicy => ({
  ...anywhere,
  division: oneOf(draw, ['divided', 'packed', 'weighted', 'duplicated']),
  strategy: oneOf(draw, ['headroom', 'packing']),
  maxClusters: oneOf(draw, [0, 1, 3, 7]),
  labels: oneOf(draw, [{}, {}, { tier: 'gold' }]),
  spread: oneOf(draw, [[], [], [{ by: 'region', minDomains: 2, maxDomains: 0, maxSkew: 1 }]]),
  weights: oneOf(draw, [[], [{ by: 'region', weights: { 'region-0': 60, 'region-1': 40 } }]]),
  costWeight: oneOf(draw, [0, 30]),
  carbonWeight: oneOf(draw, [0, 20]),
});

describe('the same input', () => {
  it('is decided the same by this version of the engine, on every Node and machine', () => {
    const draw = seededChance(20_26);
    const digest = createHash('sha256');
    let snapshot = fleetBy(draw);
    let count = 0;
    for (let at = 0; at < 400; at++) {
      if (at % 100 === 0) snapshot = fleetBy(draw);
      const components = Array.from({ length: 1 + Math.floor(draw() * 2) }, (_, part) =>
        aComponent(`part-${part}`, {
          kind: draw() < 0.1 ? 'daemon' : 'service',
          replicas: Math.floor(draw() * 30),
          perReplica: aPod(50 * Math.floor(draw() * 80), 256 * Math.floor(draw() * 16)),
        }),
      );
      const policy = policyBy(draw);
      const first = decide(aRequest([{ components, policy }]), snapshot);
      applyDecision(snapshot, first);
      count += first.placed ? 1 : 0;
      // And once more, scaled: what is held stays.
      const scaled = components.map((each) => ({ ...each, replicas: Math.floor(draw() * 30) }));
      const again = decide(aRequest([{ components: scaled, policy }], first.allotments), snapshot);
      for (const { placed, allotments, refused, additions, record } of [first, again]) {
        const totals = record.groups.flatMap(({ clusters }) => clusters.map(({ total }) => total));
        digest.update(JSON.stringify({ placed, allotments, refused, additions, totals }));
      }
    }
    expect(count).toBeGreaterThan(100);
    expect(count).toBeLessThan(350);
    expect({ [engineVersion]: digest.digest('hex') }).toEqual({ [engineVersion]: digests[engineVersion] });
  });
});
