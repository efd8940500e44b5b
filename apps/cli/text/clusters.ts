import { wire } from '#contract';
import { age, amountText, cores, idOf, memory, share, until } from './figures.js';
import type { Look } from './look.js';
import { clusterPhaseWord, conditionWord } from './phases.js';
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
    ...cluster.conditions.map((each) => palette.red(conditionWord(each))),
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

/** What `-o wide` adds in front of the notes. */
const wideHeads = ['KUBERNETES', 'AGENT', 'HEARD'];

const heard = ({ agent }: wire.Cluster, look: Look): string =>
  agent?.heardTime === undefined ? '-' : `${age(agent.heardTime, look.now)} ago`;

const wideCells = (cluster: wire.Cluster, look: Look): string[] => [
  cluster.inventory?.serverVersion || '-',
  cluster.agent?.version || '-',
  heard(cluster, look),
];

/** `wide`: which versions run, and when each agent was last heard. */
export function clusterTable(clusters: readonly wire.Cluster[], look: Look, { wide = false } = {}): string[] {
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
      ...(wide ? wideCells(cluster, look) : []),
      notes(cluster, look),
      age(cluster.createTime, look.now),
    ];
  });
  return table(wide ? [...heads.slice(0, -2), ...wideHeads, ...heads.slice(-2)] : heads, rows, look.palette);
}

const amounts = (from: wire.Amounts | undefined): string =>
  from === undefined ? '-' : `${cores(from.mcpu)} cores, ${memory(from.memoryBytes)}, ${from.pods} pods`;

const percent = (permille: number): string => `${Math.round((permille || 1000) / 10)}%`;

/** How much of its capacity a cluster admits: 100 % without over-subscription. */
const admission = (over: wire.OverSubscription | undefined): string =>
  `${percent(over?.cpuPermille ?? 0)} of its cpu, ${percent(over?.memoryPermille ?? 0)} of its memory`;

/** `3 × 2 cores, 4Gi, 100 pods free (amd64, nvidia.com/gpu 2 A100, disk=ssd, gpu=yes:NoSchedule)`. */
function classText(found: wire.NodeClass): string {
  const { nodes: count, free, architecture, taints, extended, deviceModel } = found;
  const labels = Object.entries(found.labels).map(([key, value]) => `${key}=${value}`);
  const devices = Object.entries(extended).map(([name, left]) => `${name} ${left}`);
  const about = [architecture, ...devices, deviceModel, ...labels.sort(), ...taints.map(taintText)].filter(
    (word) => word !== '',
  );
  return `${count} × ${amounts(free)} free${about.length === 0 ? '' : ` (${about.join(', ')})`}`;
}

const storageText = ({ name, provisioner, isDefault, waitsForConsumer }: wire.StorageClass): string =>
  `${name} (${[provisioner, isDefault ? 'default' : '', waitsForConsumer ? 'on first use' : ''].filter(Boolean).join(', ')})`;

const measuredText = (measured: wire.Amounts | undefined): string =>
  measured === undefined ? '-' : `${cores(measured.mcpu)} cores, ${memory(measured.memoryBytes)}`;

/** `apps/v1: Deployment, StatefulSet`: a line for each group and version, in order. */
export function kindLines(kinds: readonly string[]): string[] {
  const byVersion = new Map<string, string[]>();
  for (const each of [...kinds].sort()) {
    const end = each.lastIndexOf('/');
    const version = each.slice(0, end);
    byVersion.set(version, [...(byVersion.get(version) ?? []), each.slice(end + 1)]);
  }
  return [...byVersion].map(([version, names]) => `${version}: ${names.join(', ')}`);
}

const works = (count: number): string => (count === 1 ? '1 work' : `${count} works`);

const priceText = ({ coreHourMicros, gibHourMicros }: wire.ClusterPrice): string =>
  `${amountText(coreHourMicros)} a core and hour, ${amountText(gibHourMicros)} a GiB and hour`;

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
  ...(cluster.price === undefined ? [] : [['price', priceText(cluster.price)] as const]),
  ...(cluster.carbonIntensity === undefined ? [] : [['carbon', `${cluster.carbonIntensity} g/kWh`] as const]),
  ...(cluster.jurisdictions.length === 0 ? [] : [['jurisdictions', cluster.jurisdictions.join(', ')] as const]),
  ...(cluster.nodeScoring === wire.NodeScoring.MOST_ALLOCATED
    ? [['nodes', 'filled one after the other'] as const]
    : []),
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
    ['kinds served', inventory === undefined ? '-' : String(inventory.kinds)],
    ...kindLines(inventory?.servedKinds ?? []).map((line) => ['', line] as const),
    ['nodes', nodes(cluster)],
    ['node classes', inventory === undefined ? '-' : String(inventory.nodeClasses.length)],
    ...(inventory?.nodeClasses ?? []).map((each): readonly [string, string] => ['', classText(each)]),
    ['storage classes', inventory?.storageClasses.map(storageText).join(', ') || '-'],
    ['allocatable', amounts(inventory?.allocatable)],
    ['reserved by Berth', amounts(utilization?.reserved)],
    ['requested by others', amounts(utilization?.foreignRequests)],
    ['requested', both(full.cpuRequested, full.memoryRequested)],
    ['measured', both(full.cpuMeasured, full.memoryMeasured)],
    ['measured p95', measuredText(utilization?.measured)],
    ['not yet in these figures', works(inventory?.unreflectedWorks ?? 0)],
  ];
}

function agentOf(cluster: wire.Cluster, look: Look): (readonly [string, string])[] {
  const { agent } = cluster;
  if (agent === undefined) return [['agent', 'none has come yet']];
  return [
    [
      'agent',
      `${agent.connected ? 'connected' : look.palette.red('not connected')}, ${agent.version || 'unknown version'}, epoch ${agent.epoch}`,
    ],
    ['runs on', agent.hostName || '-'],
    ['heard', heard(cluster, look)],
    ['lease', until(agent.leaseExpireTime, look.now)],
    ['certificate ends', until(agent.certificateExpireTime, look.now)],
    ['work applied', `${agent.appliedWorkSequence} of ${agent.workSequence}`],
  ];
}

/** One in two lines: what it is and since when, then what it says. */
const conditionsOf = (cluster: wire.Cluster, look: Look): (readonly [string, string])[] =>
  cluster.conditions.flatMap((each): (readonly [string, string])[] => [
    ['condition', `${look.palette.red(conditionWord(each))}, for ${age(each.sinceTime, look.now)} (${each.reason})`],
    ['', each.message],
  ]);

export const clusterDetail = (cluster: wire.Cluster, look: Look): string[] =>
  pairs(
    [
      ...factsOf(cluster, look),
      ...conditionsOf(cluster, look),
      ...fullnessOf(cluster, look),
      ...agentOf(cluster, look),
    ],
    look.palette,
  );

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

/** What an operator does next once kubeconfig and token are in the folder of the agents that run elsewhere. */
export const elsewhereLines = (folder: string, agents: string, token: wire.EnrolmentToken, look: Look): string[] => [
  `kubeconfig and one-use token are in ${folder}, for its owner alone; the token ends ${until(token.expireTime, look.now)}`,
  '',
  'Agents that serve this folder already find it by themselves. Else run them where the cluster’s API server can be reached:',
  `  npx berth-agent --hub ${token.hubAddress} --clusters ${agents}`,
];
