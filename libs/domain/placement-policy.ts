import { z } from 'zod';
import { mostJurisdictions } from './cluster.js';
import { name, quoted } from './name.js';

/** Where components may go, and how their replicas are divided over the clusters. */

export const policyLimits = {
  spreads: 8,
  weightLevels: 4,
  clusterGroups: 16,
  affinity: 16,
  weight: 1_000_000,
  bound: 1000,
  /** Ten years. */
  seconds: 315_360_000,
} as const;

const bound = (most: number) =>
  z
    .int()
    .min(0, { error: ({ input }) => `found ${input}; must not be negative` })
    .max(most, { error: ({ input }) => `found ${input}; must be at most ${most}` });

const toleration = z.strictObject({
  key: z.string(),
  operator: z.enum(['Exists', 'Equal']),
  value: z.string(),
  effect: z.enum(['', 'NoSchedule', 'PreferNoSchedule', 'NoExecute']),
  /** What is there stays for so long after the taint came; absent: for good. Of `NoExecute` alone. */
  tolerationSeconds: bound(policyLimits.seconds).optional(),
});

/** Kubernetes' label syntax (RFC 1123 name, optional prefix). */
const labelKey = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** What tells clusters apart: `region`, `zone`, `provider`, `cluster`, or the key of a cluster label. */
const domainKey = z.string().regex(labelKey, {
  error: (issue) =>
    `found ${quoted(issue.input)}; allowed are region, zone, provider, cluster, or the key of a cluster label`,
});

/** A count of clusters, domains or replicas that bounds; 0 is no bound. */
/** How replicas are spread over domains: all clusters with one value are one. */
const spread = z.strictObject({
  by: domainKey,
  minDomains: bound(policyLimits.bound),
  maxDomains: bound(policyLimits.bound),
  /** No two domains that hold replicas differ by more, for each component; of duplicated ones clusters are counted. */
  maxSkew: bound(10_000),
});

/** Shares of domains; whoever is not named gets nothing. Empty: all have the same. */
const weightLevel = z.strictObject({
  by: domainKey,
  weights: z.record(z.string().min(1), bound(policyLimits.weight)),
});

/** Those clusters that match all that is given. */
const clusterGroup = z.strictObject({
  clusters: z.array(name),
  regions: z.array(z.string().min(1)),
  zones: z.array(z.string().min(1)),
  providers: z.array(z.string().min(1)),
  labels: z.record(z.string(), z.string()),
});

/** Where others of the same project and environment are, or are not. */
const affinity = z.strictObject({
  /** Empty: this application. */
  application: z.union([name, z.literal('')]),
  /** Empty: any component of it. */
  component: z.union([name, z.literal('')]),
  /** In another domain than that, rather than in the same. */
  apart: z.boolean(),
  by: domainKey,
  /** Not required. */
  preferred: z.boolean(),
});

/** Empty lists allow all. What is absent came before it was there, and means none. */
export const placementPolicy = z.strictObject({
  clusters: z.array(name),
  regions: z.array(z.string().min(1)),
  zones: z.array(z.string().min(1)),
  providers: z.array(z.string().min(1)),
  labels: z.record(z.string(), z.string()),
  tolerations: z.array(toleration),
  /**
   * `duplicated`: every chosen cluster holds all replicas; `divided`: by free capacity; `packed`: as few clusters as fit;
   * `weighted`: by `weights`.
   */
  division: z.enum(['duplicated', 'divided', 'packed', 'weighted']),
  /** How many clusters may be chosen; 0 is no bound. */
  minClusters: z.int().min(0).max(1000),
  maxClusters: z.int().min(0).max(1000),
  /** All are to be met. */
  spread: z.array(spread).max(policyLimits.spreads).optional(),
  /** Outermost first; only of a weighted division. */
  weights: z.array(weightLevel).max(policyLimits.weightLevels).optional(),
  /** Absent: largest remainder. */
  remainderMethod: z.enum(['largest-remainder', 'webster']).optional(),
  /** Of each component in each cluster that holds some; 0 or absent is no bound. */
  minReplicas: bound(10_000).optional(),
  maxReplicas: bound(10_000).optional(),
  /** In order of preference; clusters in none are left out. */
  clusterGroups: z.array(clusterGroup).max(policyLimits.clusterGroups).optional(),
  /** Absent: `fallback`, the first that takes everything; `overflow`: the first is filled, the rest goes on. */
  clusterGroupMode: z.enum(['fallback', 'overflow']).optional(),
  /** Of one replica of each component together, an hour; absent: no bound. */
  maxPriceMicros: bound(Number.MAX_SAFE_INTEGER).optional(),
  /** How much a low price and clean power count, in percent of what they can. */
  /** Absent: `headroom`. */
  strategy: z.enum(['headroom', 'packing', 'balance']).optional(),
  costWeight: bound(100).optional(),
  carbonWeight: bound(100).optional(),
  /** Jurisdictions; a cluster's own must all be among them. Absent: any. */
  residency: z.array(z.string().min(1).max(63)).max(mostJurisdictions).optional(),
  affinity: z.array(affinity).max(policyLimits.affinity).optional(),
  /** Replicas may go where their volumes' data is not: they begin with empty ones. */
  leaveData: z.literal(true).optional(),
  /** How much better another cluster must be for a replica to move, in hundredths of headroom. Absent: nothing moves that can stay. */
  moveCost: bound(100).optional(),
});

export type Toleration = z.infer<typeof toleration>;
export type Affinity = z.infer<typeof affinity>;
export type SpreadPolicy = z.infer<typeof spread>;
export type ClusterGroup = z.infer<typeof clusterGroup>;
export type WeightLevel = z.infer<typeof weightLevel>;
export type PlacementPolicy = z.infer<typeof placementPolicy>;

export const anywhere: PlacementPolicy = {
  clusters: [],
  regions: [],
  zones: [],
  providers: [],
  labels: {},
  tolerations: [],
  division: 'divided',
  minClusters: 0,
  maxClusters: 0,
};

/** What a policy is checked against besides itself. */
export interface PlacedComponent {
  name: string;
  kind: string;
  replicas: number;
}

export interface Contradiction {
  /** Below the policy. */
  field: (string | number)[];
  message: string;
}

/** What no fleet could meet. */
export function contradictions(policy: PlacementPolicy, components: readonly PlacedComponent[]): Contradiction[] {
  const found: Contradiction[] = [];
  const { minClusters, maxClusters } = policy;
  if (maxClusters !== 0 && minClusters > maxClusters)
    found.push({ field: ['maxClusters'], message: `is ${maxClusters}, below minClusters (${minClusters})` });
  return [
    ...found,
    ...replicaContradictions(policy, components),
    ...spreadContradictions(policy, components),
    ...weightContradictions(policy),
    ...groupContradictions(policy),
    ...affinityContradictions(policy, components),
  ];
}

/** Daemons run on every node, and what is scaled to zero only goes along. */
const dividedOf = (components: readonly PlacedComponent[]): PlacedComponent[] =>
  components.filter(({ kind, replicas }) => kind !== 'daemon' && replicas > 0);

function replicaContradictions(policy: PlacementPolicy, components: readonly PlacedComponent[]): Contradiction[] {
  const { minReplicas = 0, maxReplicas = 0, minClusters, maxClusters, division } = policy;
  if (maxReplicas !== 0 && minReplicas > maxReplicas)
    return [{ field: ['maxReplicas'], message: `is ${maxReplicas}, below minReplicas (${minReplicas})` }];
  const [least] = dividedOf(components).sort(byReplicas);
  const most = dividedOf(components).sort(byReplicas).at(-1);
  if (least === undefined || most === undefined) return [];
  const of = ({ name: component, replicas }: PlacedComponent): string => `the replicas of "${component}" (${replicas})`;
  const found: Contradiction[] = [];
  const copies = division === 'duplicated';
  const needed = copies ? 1 : Math.max(1, minClusters);
  if (minReplicas > 0 && minReplicas * needed > least.replicas)
    found.push({
      field: ['minReplicas'],
      message: `is ${minReplicas}${needed > 1 ? ` in at least ${needed} clusters` : ''}, above ${of(least)}`,
    });
  const reach = copies ? 1 : maxClusters === 0 ? Number.POSITIVE_INFINITY : maxClusters;
  if (maxReplicas > 0 && maxReplicas * reach < most.replicas)
    found.push({
      field: ['maxReplicas'],
      message: `is ${maxReplicas}${copies ? '' : ` in at most ${reach} clusters`}, below ${of(most)}`,
    });
  return found;
}

function spreadContradictions(policy: PlacementPolicy, components: readonly PlacedComponent[]): Contradiction[] {
  const spreads = policy.spread ?? [];
  const few = policy.division === 'duplicated' ? undefined : dividedOf(components).sort(byReplicas)[0];
  return spreads.flatMap(({ by, minDomains, maxDomains, maxSkew }, at): Contradiction[] => {
    const found: Contradiction[] = [];
    const say = (field: string, message: string): void => {
      found.push({ field: ['spread', at, field], message });
    };
    if (spreads.findIndex((each) => each.by === by) < at) say('by', `"${by}" is there twice`);
    if (minDomains + maxDomains + maxSkew === 0)
      say('by', `"${by}" says nothing; allowed is at least one of minDomains, maxDomains and maxSkew`);
    if (maxDomains !== 0 && minDomains > maxDomains)
      say('maxDomains', `is ${maxDomains}, below minDomains (${minDomains})`);
    if (policy.maxClusters !== 0 && minDomains > policy.maxClusters)
      say('minDomains', `is ${minDomains}, above maxClusters (${policy.maxClusters}): a cluster is in one domain only`);
    if (by === 'cluster' && maxDomains !== 0 && policy.minClusters > maxDomains)
      say('maxDomains', `is ${maxDomains}, below minClusters (${policy.minClusters})`);
    if (few !== undefined && minDomains > few.replicas)
      say('minDomains', `is ${minDomains}, above the replicas of "${few.name}" (${few.replicas})`);
    return found;
  });
}

function weightContradictions({
  division,
  weights = [],
  remainderMethod,
  spread = [],
}: PlacementPolicy): Contradiction[] {
  if (division !== 'weighted') {
    const message = `is for a weighted division, this is a ${division} one`;
    if (weights.length > 0) return [{ field: ['weights'], message }];
    return remainderMethod === undefined ? [] : [{ field: ['remainderMethod'], message }];
  }
  if (weights.length === 0) return [{ field: ['weights'], message: 'found none; a weighted division needs one level' }];
  const even = spread.findIndex(({ maxSkew }) => maxSkew > 0);
  const found: Contradiction[] = [];
  if (even !== -1)
    found.push({
      field: ['spread', even, 'maxSkew'],
      message: 'contradicts weights: they say how much each domain gets',
    });
  for (const [at, level] of weights.entries()) {
    if (weights.findIndex(({ by }) => by === level.by) < at)
      found.push({ field: ['weights', at, 'by'], message: `"${level.by}" is there twice` });
    const values = Object.keys(level.weights);
    if (values.length > 0 && values.every((value) => level.weights[value] === 0))
      found.push({
        field: ['weights', at, 'weights'],
        message: `the weights of ${values.join(', ')} sum to nothing; at least one must be above 0`,
      });
  }
  return found;
}

const saysNothing = ({ clusters, regions, zones, providers, labels }: ClusterGroup): boolean =>
  clusters.length + regions.length + zones.length + providers.length + Object.keys(labels).length === 0;

function groupContradictions(policy: PlacementPolicy): Contradiction[] {
  const { clusterGroups = [], clusterGroupMode: mode, division, spread = [] } = policy;
  if (clusterGroups.length === 0)
    return mode === undefined ? [] : [{ field: ['clusterGroupMode'], message: `is ${mode}, and there are no groups` }];
  const all = clusterGroups.findIndex(saysNothing);
  const found: Contradiction[] = [];
  if (all !== -1 && all < clusterGroups.length - 1)
    found.push({
      field: ['clusterGroups', all],
      message: 'is every cluster, so that no group after it is ever reached',
    });
  if (mode !== 'overflow') return found;
  if (division === 'duplicated' || division === 'weighted')
    found.push({ field: ['clusterGroupMode'], message: `overflow contradicts a ${division} division` });
  if (spread.length > 0)
    found.push({ field: ['clusterGroupMode'], message: 'overflow contradicts a spread: groups are filled in order' });
  return found;
}

function affinityContradictions(
  { affinity: rules = [] }: PlacementPolicy,
  components: readonly PlacedComponent[],
): Contradiction[] {
  return rules.flatMap((rule, at): Contradiction[] => {
    const { application, component, apart, by, preferred } = rule;
    const say = (field: string, message: string): Contradiction[] => [{ field: ['affinity', at, field], message }];
    if (application === '' && component === '')
      return say('application', 'names nothing: give an application or a component');
    if (application === '' && apart && !preferred && components.some((each) => each.name === component))
      return say('component', `"${component}" can't be apart from itself`);
    const opposite = rules.findIndex(
      (each) =>
        each.application === application && each.component === component && each.by === by && each.apart !== apart,
    );
    const contradicted = opposite !== -1 && opposite < at && !preferred && rules[opposite]?.preferred === false;
    return contradicted ? say('apart', `is ${apart}, and affinity.${opposite} requires the opposite`) : [];
  });
}

const byReplicas = (a: PlacedComponent, b: PlacedComponent): number => a.replicas - b.replicas;
