import { wire } from '#contract';
import { idOf, until } from './figures.js';
import type { Look, Palette } from './look.js';
import { failedPlugins } from './plugins.js';
import { refusalText, refusedLines } from './refusals.js';
import { table } from './table.js';

const count = (replicas: number): string => (replicas === 0 ? '-' : `${replicas}`);

function difference({ now, planned }: wire.PlannedAllotment, palette: Palette): string {
  if (now === planned) return palette.dim('as it is');
  const by = planned - now;
  return by > 0 ? palette.green(`+${by}`) : palette.red(`${by}`);
}

const allotmentTable = ({ allotments }: wire.Plan, { palette }: Look): string[] =>
  table(
    ['COMPONENT', 'CLUSTER', 'NOW', 'PLANNED', 'CHANGE'],
    allotments.map((each) => [
      each.component,
      idOf(each.cluster),
      count(each.now),
      count(each.planned),
      difference(each, palette),
    ]),
    palette,
  );

function groupLines(group: wire.GroupDecision, look: Look): string[] {
  const { components, placed, refusal, clusters, division } = group;
  const refused = clusters.filter(({ outcome }) => outcome === wire.ClusterVerdict_Outcome.REFUSED);
  const eligible = clusters.length - refused.length;
  const head = `${look.palette.bold(components.join(' + '))}: ${eligible} of ${clusters.length} clusters are eligible`;
  const why = placed ? division : [refusalText(refusal)];
  return [
    '',
    head,
    ...failedPlugins(group, look).map((line) => `  ${line}`),
    ...why.filter((line) => line !== '').map((line) => `  ${look.palette.dim(line)}`),
    ...refusedLines(refused, look).map((line) => `  ${line}`),
  ];
}

function verdictOf(plan: wire.Plan, palette: Palette): string {
  const victims = plan.preempts.length;
  if (victims > 0)
    return palette.yellow(`${victims} ${victims === 1 ? 'application' : 'applications'} would have to give way`);
  if (plan.decision?.placed !== true) return palette.red('there is no place');
  if (!plan.changed) return 'nothing would change';
  const moved = plan.allotments.filter(({ now, planned }) => now !== planned).length;
  if (moved === 0) return 'the content would change where it is';
  return `${moved} of ${plan.allotments.length} placements would change`;
}

/** Who would have to go, and when there is a place then. */
function victimLines({ preempts }: wire.Plan, { palette }: Look): string[] {
  if (preempts.length === 0) return [];
  const rows = preempts.map(({ application, release, priority }) => [idOf(application), idOf(release), `${priority}`]);
  const after = palette.dim('  they leave first; their room is kept, and this is placed in it when they are gone:');
  return ['', ...table(['GIVES WAY', 'RELEASE', 'PRIORITY'], rows, palette), '', after];
}

/** What an apply would change, and why; `command` would take it. */
export function planLines(name: string, plan: wire.Plan, command: string, look: Look): string[] {
  const { palette } = look;
  const placed = plan.decision?.placed === true || plan.preempts.length > 0;
  const hint = [
    '',
    palette.dim(`to take exactly this (the plan expires ${until(plan.expireTime, look.now)}):`),
    `  ${command}`,
  ];
  return [
    `${palette.bold(name)}: ${verdictOf(plan, palette)}`,
    ...plan.refusals.map((line) => `  ${line}`),
    ...victimLines(plan, look),
    ...(placed ? ['', ...allotmentTable(plan, look)] : []),
    ...(plan.decision?.groups ?? []).flatMap((group) => groupLines(group, look)),
    ...(plan.plan === '' || !plan.changed ? [] : hint),
  ];
}
