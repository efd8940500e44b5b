import type { JsonObject, Resources, Taint } from '#domain';
import { at, listAt, textAt, textsAt } from '../client/objects.js';
import { amountsAt, bytesOf, extendedAmounts, mcpuOf } from './pod-requests.js';

/** A node, as far as capacity needs it. */
export interface KeptNode {
  name: string;
  ready: boolean;
  /** False when cordoned. */
  schedulable: boolean;
  allocatable: Resources;
  architecture: string;
  /** Sorted by key, effect, value. */
  taints: readonly Taint[];
  /** Allocatable devices and the like, as `nvidia.com/gpu`. */
  extended: Readonly<Record<string, number>>;
  deviceModel: string;
  /** Under the keys that it was kept with; a key that it lacks is not there. */
  labels: Readonly<Record<string, string>>;
}

/** As NVIDIA's GPU feature discovery writes it. */
const deviceLabel = 'nvidia.com/gpu.product';

const effects: ReadonlySet<string> = new Set(['NoSchedule', 'PreferNoSchedule', 'NoExecute']);
const isEffect = (text: string): text is Taint['effect'] => effects.has(text);

function taintsOf(node: JsonObject): Taint[] {
  const taints = listAt(node, 'spec', 'taints').flatMap((taint): Taint[] => {
    const effect = textAt(taint, 'effect');
    return isEffect(effect) ? [{ key: textAt(taint, 'key'), value: textAt(taint, 'value'), effect }] : [];
  });
  const order = (taint: Taint): string => `${taint.key} ${taint.effect} ${taint.value}`;
  return taints.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

const labelsUnder = (labels: Readonly<Record<string, string>>, keys: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
      return value === undefined ? [] : [[key, value]];
    }),
  );

/** The bounded part of a node that the agent keeps; of its labels those under `labelKeys`. */
export function keepNode(node: JsonObject, labelKeys: readonly string[]): KeptNode {
  const labels = textsAt(node, 'metadata', 'labels');
  const allocatable = amountsAt(node, 'status', 'allocatable');
  const ready = listAt(node, 'status', 'conditions').find((condition) => condition.type === 'Ready');
  const architecture = labels['kubernetes.io/arch'] || textAt(node, 'status', 'nodeInfo', 'architecture');
  return {
    name: textAt(node, 'metadata', 'name'),
    ready: ready?.status === 'True',
    schedulable: at(node, 'spec', 'unschedulable') !== true,
    allocatable: {
      mcpu: mcpuOf(allocatable) ?? 0,
      memoryBytes: bytesOf(allocatable) ?? 0,
      pods: bytesOf(allocatable, 'pods') ?? 0,
    },
    architecture,
    taints: taintsOf(node),
    extended: extendedAmounts(allocatable),
    deviceModel: labels[deviceLabel] ?? '',
    labels: labelsUnder(labels, labelKeys),
  };
}
