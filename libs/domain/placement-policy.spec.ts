import { describe, expect, it } from 'vitest';
import { anywhere, contradictions, type PlacementPolicy, placementPolicy } from './placement-policy.js';

const web = { name: 'web', kind: 'service', replicas: 2 };
const near = { application: 'db', component: '', by: 'cluster', apart: false, preferred: false };
const spread = { by: 'region', minDomains: 0, maxDomains: 0, maxSkew: 0 };

const group = { clusters: [], regions: [], zones: [], providers: [], labels: {} };

const said = (policy: Partial<PlacementPolicy>): Record<string, string> =>
  Object.fromEntries(
    contradictions({ ...anywhere, ...policy }, [web]).map(({ field, message }) => [field.join('.'), message]),
  );

describe('a policy that no fleet could meet is refused', () => {
  const cases: [string, Partial<PlacementPolicy>, string, string][] = [
    [
      'fewer clusters at most than at least',
      { minClusters: 3, maxClusters: 2 },
      'maxClusters',
      'is 2, below minClusters (3)',
    ],
    [
      'fewer domains at most than at least',
      { spread: [{ ...spread, minDomains: 2, maxDomains: 1 }] },
      'spread.0.maxDomains',
      'is 1, below minDomains (2)',
    ],
    [
      'more domains than clusters',
      { maxClusters: 1, spread: [{ ...spread, minDomains: 2 }] },
      'spread.0.minDomains',
      'is 2, above maxClusters (1): a cluster is in one domain only',
    ],
    [
      'more domains than replicas',
      { spread: [{ ...spread, minDomains: 3 }] },
      'spread.0.minDomains',
      'is 3, above the replicas of "web" (2)',
    ],
    [
      'fewer clusters by a spread than by number',
      { minClusters: 3, spread: [{ ...spread, by: 'cluster', maxDomains: 2 }] },
      'spread.0.maxDomains',
      'is 2, below minClusters (3)',
    ],
    [
      'weights that sum to nothing',
      { division: 'weighted', weights: [{ by: 'region', weights: { eu: 0, us: 0 } }] },
      'weights.0.weights',
      'the weights of eu, us sum to nothing; at least one must be above 0',
    ],
    [
      'a weighted division without weights',
      { division: 'weighted' },
      'weights',
      'found none; a weighted division needs one level',
    ],
    [
      'weights of a division that has none',
      { weights: [{ by: 'region', weights: { eu: 1 } }] },
      'weights',
      'is for a weighted division, this is a divided one',
    ],
    [
      'weights and a skew',
      {
        division: 'weighted',
        weights: [{ by: 'region', weights: { eu: 1 } }],
        spread: [{ ...spread, by: 'zone', maxSkew: 1 }],
      },
      'spread.0.maxSkew',
      'contradicts weights: they say how much each domain gets',
    ],
    [
      'fewer replicas at most than at least',
      { minReplicas: 2, maxReplicas: 1 },
      'maxReplicas',
      'is 1, below minReplicas (2)',
    ],
    [
      'more replicas per cluster than there are',
      { minReplicas: 2, minClusters: 2 },
      'minReplicas',
      'is 2 in at least 2 clusters, above the replicas of "web" (2)',
    ],
    [
      'fewer replicas per cluster than all clusters need',
      { maxReplicas: 1, maxClusters: 1 },
      'maxReplicas',
      'is 1 in at most 1 clusters, below the replicas of "web" (2)',
    ],
    [
      'fewer replicas per cluster than a whole copy has',
      { maxReplicas: 1, division: 'duplicated' },
      'maxReplicas',
      'is 1, below the replicas of "web" (2)',
    ],
    [
      'a group that is every cluster before another one',
      { clusterGroups: [group, { ...group, regions: ['eu'] }] },
      'clusterGroups.0',
      'is every cluster, so that no group after it is ever reached',
    ],
    [
      'copies that overflow',
      { clusterGroups: [group], clusterGroupMode: 'overflow', division: 'duplicated' },
      'clusterGroupMode',
      'overflow contradicts a duplicated division',
    ],
    [
      'an overflow of no groups',
      { clusterGroupMode: 'overflow' },
      'clusterGroupMode',
      'is overflow, and there are no groups',
    ],
    [
      'a spread twice over the same',
      {
        spread: [
          { ...spread, maxSkew: 1 },
          { ...spread, maxSkew: 2 },
        ],
      },
      'spread.1.by',
      '"region" is there twice',
    ],
    [
      'a spread that bounds nothing',
      { spread: [spread] },
      'spread.0.by',
      '"region" says nothing; allowed is at least one of minDomains, maxDomains and maxSkew',
    ],
    [
      'affinity to nothing',
      { affinity: [{ ...near, application: '' }] },
      'affinity.0.application',
      'names nothing: give an application or a component',
    ],
    [
      'a component that is to be apart from itself',
      { affinity: [{ ...near, application: '', component: 'web', apart: true }] },
      'affinity.0.component',
      '"web" can\'t be apart from itself',
    ],
    [
      'near and apart from the same',
      { affinity: [near, { ...near, apart: true }] },
      'affinity.1.apart',
      'is true, and affinity.0 requires the opposite',
    ],
  ];
  it.each(cases)('for %s', (_, policy, field, message) => {
    expect(said(policy)).toEqual({ [field]: message });
  });

  it('but not for what each of many copies meets', () => {
    expect(said({ division: 'duplicated', spread: [{ ...spread, minDomains: 3 }] })).toEqual({});
  });
});

describe('prices and weights', () => {
  it.each([
    [{ maxPriceMicros: -1 }, 'maxPriceMicros', /must not be negative/],
    [{ maxPriceMicros: Number.NaN }, 'maxPriceMicros', /NaN/],
    [{ maxPriceMicros: Number.POSITIVE_INFINITY }, 'maxPriceMicros', /Infinity|infinity/i],
    [{ costWeight: 101 }, 'costWeight', /must be at most 100/],
    [{ carbonWeight: 0.5 }, 'carbonWeight', /int/],
    [{ residency: [''] }, 'residency.0', /./],
  ])('%o are refused by name', (wrong, field, message) => {
    const result = placementPolicy.safeParse({ ...anywhere, ...wrong });
    expect(result.error?.issues.map(({ path }) => path.join('.'))).toEqual([field]);
    expect(result.error?.issues[0]?.message).toMatch(message);
  });
});

describe('a spread', () => {
  it.each([
    [{ ...spread, minDomains: -1 }, 'found -1; must not be negative'],
    [{ ...spread, maxSkew: 20_000 }, 'found 20000; must be at most 10000'],
    [
      { ...spread, by: 'no key' },
      'found "no key"; allowed are region, zone, provider, cluster, or the key of a cluster label',
    ],
  ])('%o is refused by its field', (wrong, message) => {
    const result = placementPolicy.safeParse({ ...anywhere, spread: [wrong] });
    expect(result.error?.issues.map((issue) => issue.message)).toEqual([message]);
  });
});
