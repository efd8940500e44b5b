import { wire } from '#contract';
import { colour } from './screen.js';

const { dim, red, yellow, green } = colour;

const phaseWords: Readonly<Record<wire.Phase, readonly [word: string, paint: (text: string) => string]>> = {
  [wire.Phase.UNSPECIFIED]: ['…', dim],
  [wire.Phase.WAITING]: ['waiting', dim],
  [wire.Phase.REFUSED]: ['refused', red],
  [wire.Phase.APPLYING]: ['applying', yellow],
  [wire.Phase.READY]: ['ready', green],
  [wire.Phase.DEGRADED]: ['degraded', red],
  [wire.Phase.FAILED]: ['failed', red],
  [wire.Phase.REMOVING]: ['removing', yellow],
  [wire.Phase.REMOVED]: ['removed', dim],
  [wire.Phase.UNKNOWN]: ['unknown', red],
};
const phaseWidth = Math.max(...Object.values(phaseWords).map(([word]) => word.length));

export const clusterId = (name: string) => name.replace(/^clusters\//, '');

/** Each component: phase, replicas, where. */
export function applicationPicture(application: wire.Application): string[] {
  const components = application.environments.flatMap((environment) => environment.components);
  const width = Math.max(...components.map((component) => component.component.length), 9);
  return components.map((component) => {
    const { ready = 0, desired = 0 } = component.replicas ?? {};
    const where = component.clusters
      .map((at) => `${clusterId(at.cluster)} ${at.replicas?.ready ?? 0}/${at.replicas?.desired ?? 0}`)
      .join(', ');
    const reasons = component.reasons.map((reason) => `${reason.reason}: ${reason.message}`).join('; ');
    const [word, paint] = phaseWords[component.phase];
    const cells = [component.component.padEnd(width), paint(word.padEnd(phaseWidth)), `${ready}/${desired}`];
    return `  ${[...cells, where, reasons === '' ? '' : dim(reasons)].filter((cell) => cell !== '').join('  ')}`;
  });
}

const { CHOSEN, ELIGIBLE, REFUSED } = wire.ClusterVerdict_Outcome;

/** Why each group of components went where it went, and why not elsewhere. */
export function decisionLines(decision: wire.Decision): string[] {
  return decision.groups.flatMap((group) => {
    const those = (outcome: wire.ClusterVerdict_Outcome, tell: (cluster: wire.ClusterVerdict) => string) =>
      group.clusters.filter((cluster) => cluster.outcome === outcome).map(tell);
    const eligible = those(ELIGIBLE, scored);
    const refused = those(
      REFUSED,
      ({ cluster, filter, refusal }) => `${clusterId(cluster)}: ${filter} ${refusal?.reason ?? ''}`,
    );
    return [
      `  ${colour.bold(group.components.join(' + '))} → ${those(CHOSEN, scored).join(', ') || 'nowhere'}`,
      ...group.division.map((line) => colour.dim(`    ${line}`)),
      ...(eligible.length === 0 ? [] : [colour.dim(`    not needed: ${eligible.join(', ')}`)]),
      ...(refused.length === 0 ? [] : [colour.dim(`    refused: ${refused.join('; ')}`)]),
    ];
  });
}

/** A cluster and how much room it has, as it was scored. */
function scored({ cluster, scores }: wire.ClusterVerdict): string {
  const headroom = scores.find((score) => score.scorer === 'Headroom');
  return `${clusterId(cluster)}${headroom === undefined ? '' : ` (headroom ${Math.round(headroom.score / 10)} %)`}`;
}

const percent = (permille: number) => `${Math.round(permille / 10)} %`;

/** How large and how full a member is. */
export function clusterLine(cluster: wire.Cluster): string {
  const { inventory, utilization } = cluster;
  const cores = Number(inventory?.allocatable?.mcpu ?? 0n) / 1000;
  const gibibytes = Math.round(Number(inventory?.allocatable?.memoryBytes ?? 0n) / 2 ** 30);
  const cpu = `cpu ${percent(utilization?.requestedCpuPermille ?? 0)} requested, ${percent(utilization?.measuredCpuPermille ?? 0)} measured`;
  return `  ${clusterId(cluster.name).padEnd(10)} ${cluster.region.padEnd(10)} ${String(inventory?.nodes ?? 0).padStart(2)} nodes  ${String(cores).padStart(3)} cores  ${String(gibibytes).padStart(3)} GiB  ${cpu}`;
}
