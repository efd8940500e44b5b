import type { Affinity, Refusal } from '#domain';
import { domainColumn } from '../fleet/domains.js';
import { admit, admitHeld, type ClusterFilter, type ClusterScorer, type GroupAtFleet } from '../plugin.js';

/** A rule, and by slot whether a cluster keeps it. */
interface Judged {
  rule: Affinity;
  isKept(slot: number): boolean;
}

/** Once for each group of a decision: its demands are made anew every time. */
const judgements = new WeakMap<readonly object[], Judged[]>();

function judgedBy(fleet: GroupAtFleet): Judged[] {
  const known = judgements.get(fleet.demands);
  if (known !== undefined) return known;
  const judged = (fleet.group.policy.affinity ?? []).map((rule) => ({ rule, isKept: judge(rule, fleet) }));
  judgements.set(fleet.demands, judged);
  return judged;
}

function judge(rule: Affinity, { request, snapshot, neighbours }: GroupAtFleet): (slot: number) => boolean {
  const isOwn = rule.application === '' || rule.application === request.application;
  const found = neighbours.filter(
    ({ application, component }) =>
      (isOwn ? application === '' : application === rule.application) &&
      (rule.component === '' || rule.component === component),
  );
  // A component of the same application that has no place yet is the one that goes by the other.
  if (isOwn && found.length === 0) return () => true;
  const { numbers } = domainColumn(snapshot, rule.by);
  const theirs = new Set<number>();
  for (const { cluster } of found) {
    const number = numbers[snapshot.slotOf(cluster) ?? -1] ?? -1;
    if (number !== -1) theirs.add(number);
  }
  return (slot) => theirs.has(numbers[slot] ?? -1) !== rule.apart;
}

const named = ({ application, component }: Affinity): string => [application, component].filter(Boolean).join('/');

const refusalOf = (rule: Affinity): Refusal => ({
  reason: rule.apart ? 'NotApart' : 'NotNear',
  facts: { from: named(rule), by: rule.by },
});

/** Near to what the rules name, or apart from it. What is there already stays when the others come and go. */
export const affinity: ClusterFilter = {
  name: 'Affinity',
  wakeOn: ['application.moved', 'cluster.relabelled'],
  applies: ({ policy }) => policy.affinity?.some(({ preferred }) => !preferred) ?? false,
  glance: (fleet, certain, from, to) => {
    const judged = judgedBy(fleet).filter(({ rule }) => !rule.preferred);
    const { slots } = fleet.snapshot;
    for (let place = from; place < to; place++)
      certain[place] = judged.every(({ isKept }) => isKept(slots[place] ?? 0)) ? 1 : 0;
  },
  admits: (at) => {
    const broken = judgedBy(at).find(({ rule, isKept }) => !rule.preferred && !isKept(at.slot));
    if (broken === undefined) return admit;
    return at.holds ? admitHeld : { kind: 'refuses', refusal: refusalOf(broken.rule) };
  },
};

/** Prefers clusters that keep the rules that are only preferred: so many of them. */
export const neighbourly = (weight: number): ClusterScorer => ({
  name: 'Affinity',
  weight,
  applies: ({ group }) => group.policy.affinity?.some(({ preferred }) => preferred) ?? false,
  score: (at) => {
    const judged = judgedBy(at).filter(({ rule }) => rule.preferred);
    return Math.floor((judged.filter(({ isKept }) => isKept(at.slot)).length * 1000) / judged.length);
  },
});
