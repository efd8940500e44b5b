import { wire } from '#contract';
import { age, idOf } from './figures.js';
import type { Look } from './look.js';
import { outcomeWord } from './phases.js';
import { failedPlugins } from './plugins.js';
import { refusalText, refusedLines } from './refusals.js';
import { table } from './table.js';

const { CHOSEN, REFUSED } = wire.ClusterVerdict_Outcome;

/** More that could have been chosen are told as a number. */
const mostEligible = 8;

const allotted = (verdict: wire.ClusterVerdict): string =>
  Object.entries(verdict.allotments)
    .filter(([, replicas]) => replicas > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([component, replicas]) => `${component} ${replicas}`)
    .join(', ');

/** Chosen first, then by points. */
const byRank = (a: wire.ClusterVerdict, b: wire.ClusterVerdict): number =>
  a.outcome - b.outcome || Number(b.total - a.total) || (a.cluster < b.cluster ? -1 : 1);

/** A scorer's column is named with its weight, `Headroom×3`; one that gave nobody a point is left out. */
const scorersOf = (group: wire.GroupDecision): string[] => [
  ...new Set(
    group.clusters.flatMap(({ scores }) =>
      scores.filter(({ score }) => score > 0).map(({ scorer, weight }) => `${scorer}×${weight}`),
    ),
  ),
];

/** Clusters that were chosen or could have been, with their points. */
function candidateLines(group: wire.GroupDecision, look: Look): string[] {
  const scorers = scorersOf(group);
  const candidates = group.clusters.filter(({ outcome }) => outcome !== REFUSED).sort(byRank);
  if (candidates.length === 0) return [];
  const chosen = candidates.filter(({ outcome }) => outcome === CHOSEN).length;
  const shown = candidates.slice(0, chosen + mostEligible);
  const rest = candidates.slice(shown.length);
  const rows = shown.map((verdict) => {
    const scores = new Map(verdict.scores.map(({ scorer, weight, score }) => [`${scorer}×${weight}`, String(score)]));
    const total = verdict.scores.length === 0 ? '-' : String(verdict.total);
    return [
      idOf(verdict.cluster),
      outcomeWord(verdict.outcome, look.palette),
      total,
      ...scorers.map((scorer) => scores.get(scorer) ?? '-'),
      allotted(verdict) || '-',
    ];
  });
  const [best, last] = [rest.at(0), rest.at(-1)];
  const more = `… ${rest.length} more could have been chosen: ${best?.total} to ${last?.total} points`;
  return [
    ...table(['CLUSTER', 'OUTCOME', 'POINTS', ...scorers, 'REPLICAS'], rows, look.palette),
    ...(rest.length === 0 ? [] : [look.palette.dim(more)]),
  ];
}

const chosenOf = (group: wire.GroupDecision): string =>
  group.clusters
    .filter(({ outcome }) => outcome === CHOSEN)
    .map(({ cluster }) => idOf(cluster))
    .sort()
    .join(', ');

/** Where a group went, or that it went nowhere, and why. */
function groupHead(group: wire.GroupDecision, { palette }: Look): string {
  const { components, placed, refusal } = group;
  const where = placed
    ? palette.green(`→ ${chosenOf(group)}`)
    : palette.red(`not placed: ${refusalText(refusal) || 'no reason given'}`);
  const linked = components.length > 1 ? palette.dim(' (linked: placed together)') : '';
  return `${palette.bold(components.join(' + '))}${linked} ${where}`;
}

function groupLines(group: wire.GroupDecision, look: Look): string[] {
  const refused = refusedLines(
    group.clusters.filter(({ outcome }) => outcome === REFUSED),
    look,
  );
  const candidates = candidateLines(group, look);
  const between = candidates.length > 0 && refused.length > 0 ? [''] : [];
  return [
    '',
    groupHead(group, look),
    ...failedPlugins(group, look).map((line) => `  ${line}`),
    ...group.division.map((line) => `  ${look.palette.dim(line)}`),
    ...[...candidates, ...between, ...refused].map((line) => (line === '' ? '' : `  ${line}`)),
  ];
}

/** Who gave way to whom. */
function preemptionLines({ preempted, preemptedBy }: wire.Decision, { palette, now }: Look): string[] {
  const peer = ({ application, release, priority }: wire.PreemptionPeer): string =>
    `${idOf(application)} ${idOf(release)} (priority ${priority})`;
  return [
    ...preempted.map((each) => `${peer(each)} gave way to it ${age(each.createTime, now)} ago`),
    ...(preemptedBy === undefined
      ? []
      : [palette.yellow(`gave way to ${peer(preemptedBy)} ${age(preemptedBy.createTime, now)} ago`)]),
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
      `decision ${decision.id}, priority ${decision.priority}, engine ${decision.engineVersion}, fleet as of position ${decision.feedPosition?.sequence ?? '-'}`,
    ),
    ...preemptionLines(decision, look),
    ...decision.groups.flatMap((group) => groupLines(group, look)),
  ];
}
