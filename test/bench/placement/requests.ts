import { anywhere, type Chance, type PlacementPolicy } from '#domain';
import type { PlacementRequest } from '#placement';

const gibi = 2 ** 30;

/** Without a wish but how many clusters: a third packed, the rest divided over three at most. */
const simple = (at: number): Partial<PlacementPolicy> =>
  at % 3 === 0 ? { division: 'packed' } : { division: 'divided', maxClusters: 3 };

const toleration = { key: 'spot', operator: 'Exists', value: '', effect: '' } as const;

/** What tenants ask for, in turn. */
const wishes: readonly Partial<PlacementPolicy>[] = [
  { labels: { tier: 'gold' } },
  { regions: ['region-1', 'region-2', 'region-5'], tolerations: [toleration] },
  { spread: [{ by: 'region', minDomains: 2, maxDomains: 0, maxSkew: 0 }], maxClusters: 4 },
  { costWeight: 50, labels: { tier: 'gold' } },
  { providers: ['provider-1'], tolerations: [toleration], minClusters: 2 },
  { maxPriceMicros: 9_000_000 },
];

export function benchRequest(at: number, draw: Chance, constrained: boolean): PlacementRequest {
  const replicas = 1 + Math.floor(draw() * 50);
  const perReplica = { mcpu: 250 * (1 + Math.floor(draw() * 4)), memoryBytes: gibi, pods: 1 };
  const wish = constrained ? wishes[at % wishes.length] : undefined;
  const policy = {
    ...anywhere,
    ...simple(at),
    ...(wish === undefined ? {} : { division: 'divided' as const, ...wish }),
  };
  const component = { name: 'web', kind: 'service', replicas: Math.max(2, replicas), perReplica } as const;
  return {
    tenant: 'bench',
    application: `application-${at}`,
    environment: 'default',
    groups: [{ components: [component], policy, kinds: ['apps/v1/Deployment'], mismatches: new Map() }],
  };
}
