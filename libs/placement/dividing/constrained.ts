import type { Candidate, Division, DivisionTask } from '../plugin.js';
import type { Remainders } from './apportion.js';
import { ClusterSets } from './cluster-sets.js';
import type { Demand } from './demand.js';
import {
  type Attempt,
  type Bounds,
  boundsOf,
  handOut,
  isDivided,
  replicaBounds,
  type Spreading,
  shortOf,
} from './division.js';
import { evenly } from './evenly.js';
import type { DomainRule, Level } from './selection.js';
import type { Sharing } from './sharing.js';

/** How a division with rules on domains hands out. */
export interface Manner {
  /** When only the set of clusters is bound. */
  spread: Spreading;
  /** Among domains and clusters whose counts are bound. */
  sharing: Sharing;
  /** On as few clusters as can be, rather than on as many. */
  packs: boolean;
  /** Only where every domain can have the share of its weight. */
  weights?: { levels: readonly Level[]; method: Remainders; capped: boolean } | undefined;
}

const rulesByPolicy = new WeakMap<object, readonly DomainRule[]>();

/** What the policy demands of domains. */
export function rulesOf({ group: { policy } }: Pick<DivisionTask, 'group'>): readonly DomainRule[] {
  const known = rulesByPolicy.get(policy);
  if (known !== undefined) return known;
  const rules = (policy.spread ?? []).map(({ by, minDomains, maxDomains, maxSkew }) => ({
    by,
    least: minDomains,
    most: maxDomains === 0 ? Number.POSITIVE_INFINITY : maxDomains,
    skew: maxSkew === 0 ? Number.POSITIVE_INFINITY : maxSkew,
  }));
  rulesByPolicy.set(policy, rules);
  return rules;
}

/** Whether the policy bounds more than which clusters there are, and how many. */
export const isBound = ({ group: { policy } }: DivisionTask): boolean =>
  (policy.spread?.length ?? 0) + (policy.minReplicas ?? 0) + (policy.maxReplicas ?? 0) > 0;

/** Divides so that every rule on domains is kept. Each chosen cluster gets a replica of each component at least. */
export function divideWithin(task: DivisionTask, manner: Manner): Division {
  const all = rulesOf(task);
  const sets = new ClusterSets(task, all, { ...boundsOf(task), ...manner, countsClusters: false });
  const refusal = sets.tooFew();
  if (refusal !== undefined) return refusal;
  const skewed = all.filter(({ skew }) => skew !== Number.POSITIVE_INFINITY);
  const spread = skewed.length === 0 ? manner.spread : evenly(skewed, manner.sharing);
  for (const chosen of sets.all()) {
    let result: Attempt | Demand | undefined;
    task.room.attempt(() => {
      result = handOut(task, chosen, chosen.length + 1, spread);
      return 'shares' in result;
    });
    if (result !== undefined && 'shares' in result) return { kind: 'divided', ...result };
    sets.short = result;
  }
  const lacking = sets.lacking();
  return lacking === undefined ? spreadNotMet(task, sets) : shortOf(task, lacking, sets.most);
}

/** Which clusters hold a whole copy each so that the rules are kept: as many as may be. Skew counts clusters. */
export function copiesWithin(task: DivisionTask, bounds: Bounds): readonly Candidate[] | Division {
  const sets = new ClusterSets(task, rulesOf(task), { ...bounds, packs: false, countsClusters: true });
  const refusal = sets.tooFew();
  if (refusal !== undefined) return refusal;
  const held = sets.held();
  for (const chosen of sets.all()) return held !== undefined && held.length >= chosen.length ? held : chosen;
  return spreadNotMet(task, sets);
}

function spreadNotMet(task: DivisionTask, sets: ClusterSets): Division {
  const short = sets.short ?? task.demands.find(isDivided);
  const facts = {
    ...(short === undefined ? {} : { component: short.name, replicas: `${short.replicas}` }),
    clusters: `${task.candidates.length}`,
    ...(rulesOf(task).length === 0 ? {} : { spread: rulesOf(task).map(ruleText).join('; ') }),
    ...replicaBounds(task.group.policy),
    ...(short === undefined ? {} : { room: sets.roomText(short) }),
  };
  return { kind: 'refuses', refusal: { reason: 'SpreadNotMet', facts }, wakeOn: ['cluster.relabelled'] };
}

function ruleText({ by, least, most, skew }: DomainRule): string {
  const bounds =
    most === Number.POSITIVE_INFINITY ? (least === 0 ? '' : ` at least ${least}`) : ` ${Math.max(1, least)} to ${most}`;
  return `${by}${bounds}${skew === Number.POSITIVE_INFINITY ? '' : `, skew ${skew}`}`;
}
