import { wire } from '#contract';
import { age, idOf } from './figures.js';
import type { Look } from './look.js';
import { outcomeWord } from './phases.js';
import { table } from './table.js';

const facts = (refusal: wire.Refusal | undefined): string => {
  if (refusal === undefined) return '';
  const list = Object.entries(refusal.facts).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${refusal.reason}${list.length === 0 ? '' : ` (${list.map(([key, value]) => `${key} ${value}`).join(', ')})`}`;
};

const allotted = (verdict: wire.ClusterVerdict): string =>
  Object.entries(verdict.allotments)
    .filter(([, replicas]) => replicas > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([component, replicas]) => `${component} ${replicas}`)
    .join(', ');

const why = (verdict: wire.ClusterVerdict): string =>
  verdict.outcome === wire.ClusterVerdict_Outcome.REFUSED
    ? [verdict.filter, facts(verdict.refusal)].filter((text) => text !== '').join(': ')
    : allotted(verdict);

/** Chosen first, then by points, the refused last. */
const byRank = (a: wire.ClusterVerdict, b: wire.ClusterVerdict): number =>
  a.outcome - b.outcome || Number(b.total - a.total) || (a.cluster < b.cluster ? -1 : 1);

/** A scorer's column is named with its weight, `Headroom×3`. */
const scorersOf = (group: wire.GroupDecision): string[] => [
  ...new Set(group.clusters.flatMap(({ scores }) => scores.map(({ scorer, weight }) => `${scorer}×${weight}`))),
];

function verdictTable(group: wire.GroupDecision, look: Look): string[] {
  const scorers = scorersOf(group);
  const rows = [...group.clusters].sort(byRank).map((verdict) => {
    const scores = new Map(verdict.scores.map(({ scorer, weight, score }) => [`${scorer}×${weight}`, String(score)]));
    const total = verdict.scores.length === 0 ? '-' : String(verdict.total);
    return [
      idOf(verdict.cluster),
      outcomeWord(verdict.outcome, look.palette),
      total,
      ...scorers.map((scorer) => scores.get(scorer) ?? '-'),
      why(verdict) || '-',
    ];
  });
  return table(['CLUSTER', 'OUTCOME', 'POINTS', ...scorers, 'REPLICAS OR REASON'], rows, look.palette);
}

const chosenOf = (group: wire.GroupDecision): string =>
  group.clusters
    .filter(({ outcome }) => outcome === wire.ClusterVerdict_Outcome.CHOSEN)
    .map(({ cluster }) => idOf(cluster))
    .sort()
    .join(', ');

function groupLines(group: wire.GroupDecision, look: Look): string[] {
  const { palette } = look;
  const where = group.placed
    ? palette.green(`→ ${chosenOf(group)}`)
    : palette.red(`not placed: ${facts(group.refusal) || 'no reason given'}`);
  return [
    '',
    `${palette.bold(group.components.join(' + '))} ${where}`,
    ...group.division.map((line) => `  ${palette.dim(line)}`),
    ...verdictTable(group, look).map((line) => `  ${line}`),
  ];
}

/** Where each group of components went and why; every cluster with its verdict. */
export function decisionLines(name: string, decision: wire.Decision, look: Look): string[] {
  const { palette } = look;
  const verdict = decision.placed ? palette.green('placed') : palette.red('not placed');
  const release = decision.release === '' ? '' : ` ${idOf(decision.release)}`;
  return [
    `${palette.bold(name)}${release}: ${verdict} ${age(decision.createTime, look.now)} ago`,
    palette.dim(
      `decision ${decision.id}, engine ${decision.engineVersion}, fleet as of position ${decision.feedPosition?.sequence ?? '-'}`,
    ),
    ...decision.groups.flatMap((group) => groupLines(group, look)),
  ];
}
