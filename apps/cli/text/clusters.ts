import type { wire } from '#contract';
import { age, cores, idOf, memory, share, until } from './figures.js';
import type { Look } from './look.js';
import { clusterPhaseWord } from './phases.js';
import { pairs, table } from './table.js';

const heads = [
  'NAME',
  'REGION',
  'ZONE',
  'PHASE',
  'NODES',
  'CPU REQ',
  'CPU USED',
  'MEM REQ',
  'MEM USED',
  'NOTES',
  'AGE',
];

/** `gpu=yes:NoSchedule`. */
export const taintText = ({ key, value, effect }: wire.Taint): string =>
  `${key}${value === '' ? '' : `=${value}`}:${effect}`;

function notes(cluster: wire.Cluster, look: Look): string {
  const { palette } = look;
  const words = [
    cluster.cordoned ? palette.yellow('cordoned') : '',
    cluster.utilization?.overFull === true ? palette.red('over-full') : '',
    ...cluster.taints.map(taintText),
  ];
  return words.filter((word) => word !== '').join(',') || '-';
}

const nodes = ({ inventory }: wire.Cluster): string => {
  if (inventory === undefined) return '-';
  return inventory.readyNodes === inventory.nodes
    ? String(inventory.nodes)
    : `${inventory.readyNodes}/${inventory.nodes}`;
};

/** What is measured is not there when the cluster serves no metrics. */
function shares({ utilization }: wire.Cluster) {
  const measured = utilization?.measured === undefined ? undefined : utilization;
  return {
    cpuRequested: utilization?.requestedCpuPermille,
    cpuMeasured: measured?.measuredCpuPermille,
    memoryRequested: utilization?.requestedMemoryPermille,
    memoryMeasured: measured?.measuredMemoryPermille,
  };
}

export function clusterTable(clusters: readonly wire.Cluster[], look: Look): string[] {
  if (clusters.length === 0) return ['no clusters'];
  const rows = clusters.map((cluster) => {
    const full = shares(cluster);
    return [
      idOf(cluster.name),
      cluster.region || '-',
      cluster.zone || '-',
      clusterPhaseWord(cluster.phase, look.palette),
      nodes(cluster),
      share(full.cpuRequested, look),
      share(full.cpuMeasured, look),
      share(full.memoryRequested, look),
      share(full.memoryMeasured, look),
      notes(cluster, look),
      age(cluster.createTime, look.now),
    ];
  });
  return table(heads, rows, look.palette);
}

const amounts = (from: wire.Amounts | undefined): string =>
  from === undefined ? '-' : `${cores(from.mcpu)} cores, ${memory(from.memoryBytes)}, ${from.pods} pods`;

const percent = (permille: number): string => `${Math.round((permille || 1000) / 10)}%`;

/** How much of its capacity a cluster admits: 100 % without over-subscription. */
const admission = (over: wire.OverSubscription | undefined): string =>
  `${percent(over?.cpuPermille ?? 0)} of its cpu, ${percent(over?.memoryPermille ?? 0)} of its memory`;

const factsOf = (cluster: wire.Cluster, look: Look): (readonly [string, string])[] => [
  ['cluster', idOf(cluster.name)],
  ['phase', clusterPhaseWord(cluster.phase, look.palette)],
  ['region', cluster.region || '-'],
  ['zone', cluster.zone || '-'],
  ['provider', cluster.provider || '-'],
  [
    'labels',
    Object.entries(cluster.labels)
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(', ') || '-',
  ],
  ['taints', cluster.taints.map(taintText).join(', ') || '-'],
  ['cordoned', cluster.cordoned ? 'yes' : 'no'],
  ['admits', admission(cluster.overSubscription)],
  ['etag', cluster.etag],
  ['age', age(cluster.createTime, look.now)],
];

function fullnessOf(cluster: wire.Cluster, look: Look): (readonly [string, string])[] {
  const { inventory, utilization } = cluster;
  const full = shares(cluster);
  const both = (cpu: number | undefined, ram: number | undefined) =>
    `cpu ${share(cpu, look)}, memory ${share(ram, look)}`;
  return [
    ['kubernetes', inventory?.serverVersion || '-'],
    ['nodes', nodes(cluster)],
    ['allocatable', amounts(inventory?.allocatable)],
    ['reserved by Berth', amounts(utilization?.reserved)],
    ['requested by others', amounts(utilization?.foreignRequests)],
    ['requested', both(full.cpuRequested, full.memoryRequested)],
    ['measured', both(full.cpuMeasured, full.memoryMeasured)],
  ];
}

function agentOf({ agent }: wire.Cluster, look: Look): (readonly [string, string])[] {
  if (agent === undefined) return [['agent', 'none has come yet']];
  return [
    [
      'agent',
      `${agent.connected ? 'connected' : look.palette.red('not connected')}, ${agent.version || 'unknown version'}, epoch ${agent.epoch}`,
    ],
    ['lease', until(agent.leaseExpireTime, look.now)],
    ['certificate ends', until(agent.certificateExpireTime, look.now)],
    ['work applied', `${agent.appliedWorkSequence} of ${agent.workSequence}`],
  ];
}

export const clusterDetail = (cluster: wire.Cluster, look: Look): string[] =>
  pairs([...factsOf(cluster, look), ...fullnessOf(cluster, look), ...agentOf(cluster, look)], look.palette);

/** What an operator does next with a fresh token. `kubeconfig` is how this shell reaches the cluster. */
export function enrolmentLines(
  cluster: string,
  token: wire.EnrolmentToken,
  look: Look,
  kubeconfig = '~/.kube/config',
): string[] {
  return [
    `token for ${idOf(cluster)}, good once, ends ${until(token.expireTime, look.now)}:`,
    `  ${token.token}`,
    '',
    'Run its agent where the cluster’s API server can be reached:',
    `  npx berth-agent --hub ${token.hubAddress} --token ${token.token} --kubeconfig ${kubeconfig} --directory ./agent-${idOf(cluster)}`,
  ];
}
