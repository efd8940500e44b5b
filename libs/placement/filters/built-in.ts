import { type ClusterTaint, formatBytes, formatMcpu } from '#domain';
import { type Demand, wholeReplicas } from '../dividing/demand.js';
import { type Shortage } from '../dividing/room.js';
import { stride } from '../fleet/figures.js';
import type { NodeClasses } from '../fleet/node-classes.js';
import { selectorText } from '../fleet/node-selector.js';
import type { ResourceName } from '../fleet/resources.js';
import { secondsTolerated, untolerated } from '../fleet/tolerations.js';
import { admit, admitHeld, type ClusterFilter, type GroupAtCluster, refuse } from '../plugin.js';
import type { GroupRequest } from '../request.js';
import { affinity } from './affinity.js';
import { price, residency } from './costs.js';
import { domains } from './domains.js';
import { groups } from './groups.js';
import { measuredHeadroom } from './measured-headroom.js';
import { storageClasses, volumeData } from './storage.js';

const list = (names: readonly string[]): string => names.join(', ');

export const clusterReady: ClusterFilter = {
  name: 'ClusterReady',
  wakeOn: ['cluster.ready'],
  remember: () => '',
  admits: ({ cluster }) => (cluster.phase === 'ready' ? admit : refuse('ClusterNotReady', { phase: cluster.phase })),
};

export const cordon: ClusterFilter = {
  name: 'Cordon',
  wakeOn: ['cluster.uncordoned'],
  remember: () => '',
  admits: ({ cluster, holds }) => {
    if (!cluster.cordoned) return admit;
    return holds ? admitHeld : refuse('Cordoned');
  },
};

/** The same nodes are not given out twice; what such a cluster holds stays. */
export const sameMember: ClusterFilter = {
  name: 'SameMember',
  wakeOn: ['cluster.uncordoned'],
  remember: () => '',
  admits: ({ cluster, holds }) => {
    if (cluster.sameMemberAs === undefined) return admit;
    return holds ? admitHeld : refuse('SameMember', { cluster: cluster.sameMemberAs });
  },
};

export const names: ClusterFilter = {
  name: 'Names',
  wakeOn: ['cluster.registered'],
  applies: ({ policy }) => policy.clusters.length > 0,
  remember: ({ policy }) => JSON.stringify(policy.clusters),
  admits: ({ group, cluster }) =>
    group.policy.clusters.includes(cluster.id) ? admit : refuse('NotNamed', { allowed: list(group.policy.clusters) }),
};

export const fields: ClusterFilter = {
  name: 'Fields',
  wakeOn: ['cluster.relabelled'],
  applies: ({ policy }) => policy.regions.length + policy.zones.length + policy.providers.length > 0,
  remember: ({ policy }) => JSON.stringify([policy.regions, policy.zones, policy.providers]),
  admits: ({ group: { policy }, cluster }) => {
    const wanted = [
      ['region', cluster.region, policy.regions],
      ['zone', cluster.zone, policy.zones],
      ['provider', cluster.provider, policy.providers],
    ] as const;
    for (const [field, found, allowed] of wanted)
      if (allowed.length > 0 && !allowed.includes(found))
        return refuse('FieldMismatch', { field, found, allowed: list(allowed) });
    return admit;
  },
};

export const labels: ClusterFilter = {
  name: 'Labels',
  wakeOn: ['cluster.relabelled'],
  applies: ({ policy }) => Object.keys(policy.labels).length > 0,
  remember: ({ policy }) => JSON.stringify(policy.labels),
  admits: ({ group, cluster }) => {
    for (const [label, wanted] of Object.entries(group.policy.labels)) {
      const found = Object.hasOwn(cluster.labels, label) ? cluster.labels[label] : undefined;
      if (found !== wanted) return refuse('LabelMismatch', { label, wanted, found: found ?? 'none' });
    }
    return admit;
  },
};

/** What a taint keeps out: nothing, what is new, or what is held as well. */
function keptOut({ request, group: { policy } }: GroupAtCluster, taint: ClusterTaint): 'nothing' | 'new' | 'all' {
  const { tolerations } = policy;
  const seconds = secondsTolerated(tolerations, taint);
  if (seconds === undefined) {
    if (untolerated([taint], tolerations) === undefined) return 'nothing';
    return taint.effect === 'NoExecute' ? 'all' : 'new';
  }
  const { now } = request;
  const isOver = now !== undefined && taint.since !== undefined && now >= taint.since + seconds * 1000;
  return isOver ? 'all' : 'new';
}

/**
 * `NoSchedule` lets a cluster keep what it holds, `NoExecute` does not, `PreferNoSchedule` forbids nothing. A toleration for
 * so many seconds lets it keep what it holds as long as those last: nothing new goes there.
 */
export const taints: ClusterFilter = {
  name: 'Taints',
  wakeOn: ['cluster.tainted'],
  remember: ({ policy }) => (policy.tolerations.length === 0 ? '' : JSON.stringify(policy.tolerations)),
  admits: (at) => {
    const { cluster, group, holds } = at;
    if (cluster.taints.length === 0) return admit;
    const evicting = cluster.taints.find((taint) => keptOut(at, taint) === 'all');
    if (evicting === undefined && holds)
      return cluster.taints.some((taint) => keptOut(at, taint) === 'new') ? admitHeld : admit;
    const taint = evicting ?? cluster.taints.find((each) => keptOut(at, each) === 'new');
    if (taint === undefined) return admit;
    const { key, value, effect } = taint;
    const seconds = secondsTolerated(group.policy.tolerations, taint);
    const limited = seconds === undefined ? {} : { seconds: `${seconds}` };
    return refuse('UntoleratedTaint', { key, value, effect, ...limited });
  },
};

export const apiSupport: ClusterFilter = {
  name: 'ApiSupport',
  wakeOn: ['cluster.schema'],
  applies: ({ kinds, mismatches }) => (kinds?.length ?? 0) > 0 || (mismatches?.size ?? 0) > 0,
  remember: ({ kinds, mismatches }) => {
    const lacking = mismatches === undefined || mismatches.size === 0 ? '' : JSON.stringify([...mismatches]);
    return `${kinds?.join(' ') ?? ''} ${lacking}`;
  },
  admits: ({ group, cluster }) => {
    const { serverVersion } = cluster;
    const missing = group.kinds?.find((kind) => !cluster.kinds.has(kind));
    if (missing !== undefined) return refuse('KindNotServed', { kind: missing, serverVersion });
    const mismatch = group.mismatches?.get(cluster.schemaId)?.[0];
    if (mismatch === undefined) return admit;
    const { component, path, kind } = mismatch;
    return refuse('SchemaMismatch', { component, path, kind, serverVersion });
  },
};

/**
 * Pods stay where they are when labels change, but a release with another selector moves them: clusters that hold the group
 * are asked, too. What fits on the selected nodes is for `capacity` to say.
 */
export const nodeLabels: ClusterFilter = {
  name: 'NodeLabels',
  wakeOn: ['cluster.capacity'],
  applies: ({ components }) => components.some((each) => each.nodeSelector !== undefined && each.kind !== 'daemon'),
  admits: ({ demands, snapshot, slot }) => {
    const classes = snapshot.classes(slot);
    if (!classes.known) return admit;
    for (const { name: component, kind, nodeSelector } of demands) {
      if (nodeSelector === undefined || kind === 'daemon') continue;
      const unknown = classes.unknownLabel(nodeSelector);
      if (unknown !== undefined) return refuse('NodeLabelsUnknown', { component, label: unknown });
      if (!classes.haveSelected(nodeSelector))
        return refuse('NoNodeMatches', { component, selector: selectorText(nodeSelector) });
    }
    return admit;
  },
};

const mebi = 2 ** 20;

/** Free memory is rounded down to MiB: a record keeps a thousand of these. */
function amountText(resource: ResourceName, amount: number): string {
  const floor = Math.max(0, amount);
  if (resource === 'mcpu') return `${floor}m`;
  return resource === 'pods' ? `${floor}` : `${Math.floor(floor / mebi)}Mi`;
}

function askedText(resource: ResourceName, amount: number): string {
  if (resource === 'mcpu') return formatMcpu(amount);
  return resource === 'pods' ? `${amount}` : formatBytes(amount);
}

function refuseShortage({ demand, asked, resource, free }: Shortage, classes: NodeClasses): ReturnType<typeof refuse> {
  const { perReplica } = demand;
  const component = demand.name;
  if (resource === undefined) {
    const taints = classes.taintsInTheWay(demand.amounts, demand);
    return refuse('NoNodeFits', {
      component,
      replicas: `${asked}`,
      askedMcpu: formatMcpu(perReplica.mcpu),
      askedMemory: formatBytes(perReplica.memoryBytes),
      ...(taints.length === 0 ? {} : { taints: list(taints) }),
    });
  }
  const facts = { component, resource, asked: askedText(resource, asked * perReplica[resource]) };
  return refuse('NotEnoughCapacity', { ...facts, free: amountText(resource, free) });
}

/** Written anew for each cluster, so that nothing is allocated. */
const multiple: number[] = [];

function timesUnit(unit: readonly number[], times: number): readonly number[] {
  if (times === 1) return unit;
  for (let at = 0; at < unit.length; at++) multiple[at] = (unit[at] ?? 0) * times;
  return multiple;
}

const leastOf = ({ policy }: GroupRequest): number => Math.max(1, policy.minReplicas ?? 0);

/** Whether one node that takes a replica of each component at once says enough. */
function isSeenAtOnce({ policy }: GroupRequest, demands: readonly Demand[]): boolean {
  if (policy.division === 'duplicated') return false;
  for (const { nodeSelector, devices } of demands)
    if (nodeSelector !== undefined || devices !== undefined) return false;
  return true;
}

/** Marks clusters that take all of this in sum and on their roomiest node without taints. */
const glanceAtRoom: NonNullable<ClusterFilter['glance']> = ({ group, demands, unit, snapshot }, certain, from, to) => {
  if (!isSeenAtOnce(group, demands)) return certain.fill(0, from, to);
  const { slots, figures } = snapshot;
  const { atOnce } = figures;
  const [mcpu = 0, memoryBytes = 0, pods = 0] = timesUnit(unit, leastOf(group));
  for (let place = from; place < to; place++) {
    const cell = (slots[place] ?? 0) * stride;
    const isShort =
      mcpu > (atOnce[cell] ?? 0) || memoryBytes > (atOnce[cell + 1] ?? 0) || pods > (atOnce[cell + 2] ?? 0);
    certain[place] = isShort ? 0 : 1;
  }
};

/**
 * A cluster has to take at least one replica of every component of the group (or `minReplicas`), or all of them when
 * the division is `duplicated`: in sums (allocatable × over-subscription − foreign − reserved) and on nodes.
 */
export const capacity: ClusterFilter = {
  name: 'Capacity',
  wakeOn: ['cluster.capacity'],
  glance: glanceAtRoom,
  follow: ({ group, demands, unit }) =>
    isSeenAtOnce(group, demands) ? timesUnit(unit, leastOf(group)).join(' ') : undefined,
  admits: ({ group, demands, unit, cluster, slot, room, snapshot }) => {
    const whole = group.policy.division === 'duplicated';
    const least = leastOf(group);
    if (isSeenAtOnce(group, demands) && room.takesAtOnce(slot, timesUnit(unit, least))) return admit;
    let shortage: Shortage | undefined;
    room.attempt(() => {
      shortage = room.takeAll(
        slot,
        demands.map((demand) => {
          const all = wholeReplicas(demand, cluster.nodes);
          return [demand, whole || demand.kind === 'daemon' ? all : Math.min(least, all)] as const;
        }),
      );
      return false;
    });
    return shortage === undefined ? admit : refuseShortage(shortage, snapshot.classes(slot));
  },
};

/** Those first that judge by descriptions alone: their verdicts are remembered. */
export const builtInFilters: readonly ClusterFilter[] = [
  clusterReady,
  cordon,
  sameMember,
  names,
  fields,
  labels,
  residency,
  groups,
  domains,
  taints,
  apiSupport,
  storageClasses,
  price,
  affinity,
  volumeData,
  nodeLabels,
  measuredHeadroom,
  capacity,
];
