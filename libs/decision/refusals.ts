import { type ClusterVerdict, formatMicros, type GroupDecision, type Refusal } from '#domain';
import type { Decision } from '#placement';
import type { placementStore } from '#store';

const resourceWords: Readonly<Record<string, string>> = { mcpu: 'cpu', memoryBytes: 'memory', pods: 'pods' };

/** One cluster's reason, in words that fit both "1 …" and "3 …". */
type Phrase = (facts: Readonly<Record<string, string>>) => readonly [one: string, many: string];

const always =
  (one: string, many: string): Phrase =>
  () => [one, many];

const fieldKeys = ['region', 'zone', 'provider', 'cluster'];

/** A key of a spread or weight: one of the fields, or a label. */
const keyText = (by = ''): string => (fieldKeys.includes(by) ? by : `label ${by}`);

const phrases: Readonly<Record<string, Phrase>> = {
  ClusterNotReady: ({ phase }) => [`is not ready (${phase})`, `are not ready (${phase})`],
  Cordoned: always('is cordoned', 'are cordoned'),
  SameMember: ({ cluster }) => [
    `is the same Kubernetes cluster as ${cluster}, which was registered earlier`,
    `are the same Kubernetes cluster as ${cluster}, which was registered earlier`,
  ],
  NotNamed: ({ allowed }) => [`is not among ${allowed}`, `are not among ${allowed}`],
  FieldMismatch: ({ field, found, allowed }) => [
    `is in ${field} ${found} (allowed: ${allowed})`,
    `are in ${field} ${found} (allowed: ${allowed})`,
  ],
  LabelMismatch: ({ label, wanted }) => [`lacks label ${label}=${wanted}`, `lack label ${label}=${wanted}`],
  UntoleratedTaint: ({ key, value, effect, seconds }) => {
    const taint = `the taint ${key}=${value}:${effect}${seconds === undefined ? '' : ` (tolerated for ${seconds} s by what is there)`}`;
    return [`has ${taint}`, `have ${taint}`];
  },
  KindNotServed: ({ kind, serverVersion }) => [
    `serves no ${kind} (Kubernetes ${serverVersion})`,
    `serve no ${kind} (Kubernetes ${serverVersion})`,
  ],
  SchemaMismatch: ({ component, path, serverVersion }) => [
    `does not know ${path} of ${component} (Kubernetes ${serverVersion})`,
    `do not know ${path} of ${component} (Kubernetes ${serverVersion})`,
  ],
  NotEnoughCapacity: ({ component, resource = '', asked }) => {
    const lacking = `${resourceWords[resource] ?? resource} (${component} needs ${asked})`;
    return [`lacks ${lacking}`, `lack ${lacking}`];
  },
  NoMeasuredHeadroom: ({ component, measure, resource = '', expected, headroom, measured, allocatable, ceiling }) => {
    const lacking =
      measure === 'stale'
        ? `no fresh measure of what is used (${component} is best-effort)`
        : `${headroom} ${resourceWords[resource] ?? resource} of measured headroom (${component} is expected to use ${expected}; ${measured} of ${allocatable} used, filled up to ${ceiling})`;
    return [`has ${lacking}`, `have ${lacking}`];
  },
  NodeLabelsUnknown: ({ component, label }) => {
    const lacking = `not told of which nodes have the label ${label} (${component} requires it)`;
    return [`has ${lacking}`, `have ${lacking}`];
  },
  NoNodeMatches: ({ component, selector }) => {
    const lacking = `no node that ${component} may run on (${selector})`;
    return [`has ${lacking}`, `have ${lacking}`];
  },
  NoDomain: ({ by }) => [`has no ${keyText(by)} to be spread by`, `have no ${keyText(by)} to be spread by`],
  NoWeight: ({ by, value }) => [
    `is in ${keyText(by)} ${value}, which has no weight`,
    `are in ${keyText(by)} ${value}, which has no weight`,
  ],
  InNoGroup: always('is in none of the cluster groups', 'are in none of the cluster groups'),
  NotNear: ({ from, by }) => [`is not near ${from} (by ${keyText(by)})`, `are not near ${from} (by ${keyText(by)})`],
  NotApart: ({ from, by }) => [
    `is not apart from ${from} (by ${keyText(by)})`,
    `are not apart from ${from} (by ${keyText(by)})`,
  ],
  NoPrice: always('has no price that is known', 'have no price that is known'),
  TooExpensive: ({ maxPriceMicros }) => {
    const most = `more than ${formatMicros(Number(maxPriceMicros))} an hour`;
    return [`costs ${most}`, `cost ${most}`];
  },
  NotResident: ({ allowed, found }) => {
    const laws = found === 'none' ? 'of no jurisdiction that is known' : `of jurisdiction ${found}`;
    return [`is ${laws} (allowed: ${allowed})`, `are ${laws} (allowed: ${allowed})`];
  },
  NoStorageClass: ({ component, storageClass, found }) => {
    const lacking = `no storage class ${storageClass}, which ${component} needs (found: ${found})`;
    return [`has ${lacking}`, `have ${lacking}`];
  },
  NoDefaultStorageClass: ({ component, found }) => {
    const lacking = `no default storage class, which ${component} needs (found: ${found})`;
    return [`has ${lacking}`, `have ${lacking}`];
  },
  DataElsewhere: ({ component, clusters }) => {
    const lacking = `not the data of ${component}, which is in ${clusters}`;
    return [`has ${lacking}`, `have ${lacking}`];
  },
  PluginRefused: ({ plugin, why }) => [`is refused by ${plugin}: ${why}`, `are refused by ${plugin}: ${why}`],
  PluginFailed: ({ plugin, why }) => [
    `could not be judged by ${plugin}, which failed (${why})`,
    `could not be judged by ${plugin}, which failed (${why})`,
  ],
  NoNodeFits: ({ component, askedMcpu, askedMemory, taints }) => {
    const kept = taints === undefined ? '' : `; nodes that have it are tainted: ${taints}`;
    const lacking = `no node with room for ${component} (${askedMcpu} cpu, ${askedMemory} memory each${kept})`;
    return [`has ${lacking}`, `have ${lacking}`];
  },
};

const factText = (facts: Readonly<Record<string, string>>): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

function phraseOf({ reason, facts }: Refusal): readonly [string, string] {
  const phrase = phrases[reason];
  if (phrase !== undefined) return phrase(facts);
  const words = `${reason}${Object.keys(facts).length === 0 ? '' : ` (${factText(facts)})`}`;
  return [`refused: ${words}`, `refused: ${words}`];
}

/** "2 lack cpu (web needs 500m), 1 is cordoned": most frequent first. */
function countReasons(clusters: readonly ClusterVerdict[]): string[] {
  const counts = new Map<string, { count: number; many: string }>();
  for (const { refusal } of clusters) {
    if (refusal === undefined) continue;
    const [one, many] = phraseOf(refusal);
    const known = counts.get(one);
    if (known === undefined) counts.set(one, { count: 1, many });
    else known.count += 1;
  }
  return [...counts]
    .sort(([, a], [, b]) => b.count - a.count)
    .map(([one, { count, many }]) => `${count} ${count === 1 ? one : many}`);
}

const perCluster = (least: string | undefined, most: string | undefined): string[] => [
  ...(least === undefined ? [] : [`at least ${least} per cluster`]),
  ...(most === undefined ? [] : [`at most ${most} per cluster`]),
];

const wholeGroup: Readonly<Record<string, (facts: Readonly<Record<string, string>>) => string>> = {
  TooFewClusters: ({ needed, eligible, fitting }) =>
    `${needed} clusters are needed, ${fitting ?? eligible ?? 'fewer'} can take it`,
  NotEnoughTogether: () => 'the components do not fit together',
  NotEnoughCapacity: ({ component, fitting, replicas }) =>
    fitting === undefined ? 'there is not enough room' : `only ${fitting} of ${replicas} × ${component} fit`,
  TooFewDomains: ({ by, needed, eligible, found }) =>
    `${needed} domains by ${keyText(by)} are needed, ${eligible} could take it${eligible === '0' ? '' : ` (${found})`}`,
  SpreadNotMet: ({ component, replicas, spread, minReplicas, maxReplicas, room }) => {
    const rules = [spread, ...perCluster(minReplicas, maxReplicas)].filter((rule) => rule !== undefined).join('; ');
    return `no choice of clusters keeps ${rules} for ${replicas} × ${component}${room === undefined ? '' : `, there is room for ${room}`}`;
  },
  NoGroupTakesAll: (facts) => {
    const groups = Object.entries(facts).filter(([name]) => name.startsWith('group '));
    return `no group of clusters takes everything: ${groups.map(([name, why]) => `${name}: ${why}`).join('; ')}`;
  },
  UnknownDivision: ({ division }) => `the division "${division}" is not known`,
};

function messageOf(group: GroupDecision, asked: string): string {
  const { refusal, clusters } = group;
  if (refusal === undefined || clusters.length === 0) return `no cluster fits ${asked}: no cluster is registered`;
  const whole = wholeGroup[refusal.reason]?.(refusal.facts);
  const eligible = clusters.filter((each) => each.refusal === undefined).length;
  const reasons = countReasons(clusters);
  if (refusal.reason === 'NoClusterFits') return `no cluster fits ${asked}: ${reasons.join(', ')}`;
  const rest = reasons.length === 0 ? '' : `; of the others ${reasons.join(', ')}`;
  return `${asked} cannot be placed: ${whole ?? refusal.reason}; ${eligible} ${eligible === 1 ? 'cluster is' : 'clusters are'} eligible${rest}`;
}

/** Why a release was refused, as its tenant reads it; one for each group that found no place. */
export function refusalsOf(decision: Decision, replicas: ReadonlyMap<string, number>): placementStore.StoredRefusal[] {
  return decision.refused.map(({ components, refusal }) => {
    const group = decision.record.groups.find((each) => each.components.join() === components.join());
    const asked = components.map((name) => `${replicas.get(name) ?? 0} × ${name}`).join(' + ');
    const [only, ...others] = components;
    return {
      ...(only !== undefined && others.length === 0 ? { component: only } : {}),
      ...((group === undefined ? undefined : oneReason(group)) ?? refusal),
      message: group === undefined ? refusal.reason : messageOf(group, asked),
    };
  });
}

/** Where every cluster says the same, that is the reason: a tenant's tooling acts on `SchemaMismatch`, not on "no cluster fits". */
function oneReason({ clusters }: GroupDecision): Refusal | undefined {
  const [first, ...others] = clusters.map(({ refusal }) => refusal);
  return first !== undefined && others.every((each) => each?.reason === first.reason) ? first : undefined;
}

const groupWords: Readonly<Record<string, (facts: Readonly<Record<string, string>>) => string>> = {
  NoClusters: () => 'no cluster is registered',
  NoClusterFits: () => 'no cluster fits',
  PlacedTogether: ({ waitsFor }) => `waits for ${waitsFor}: all components are placed, or none`,
  ...wholeGroup,
};

const bare = ({ reason, facts }: Refusal): string =>
  `${reason}${Object.keys(facts).length === 0 ? '' : ` (${factText(facts)})`}`;

/** Reasons in words, with the facts that they are about. */
export const refusalWords = {
  /** Of one cluster: fits behind its name. */
  ofCluster: (refusal: Refusal): string => phrases[refusal.reason]?.(refusal.facts)[0] ?? bare(refusal),
  /** Of a group as a whole. */
  ofGroup: (refusal: Refusal): string => groupWords[refusal.reason]?.(refusal.facts) ?? bare(refusal),
};
