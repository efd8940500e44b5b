import type { ClusterId, ComponentKind, ComponentName, NodeSelector, Resources, Toleration } from '#domain';
import { amountsOf } from '../fleet/resources.js';
import type { Allotment, DeviceRequest, ExpectedUse, GroupRequest, RequestedComponent } from '../request.js';

/** A component and what it holds already. */
export interface Demand {
  name: ComponentName;
  kind: ComponentKind;
  replicas: number;
  perReplica: Resources;
  /** `perReplica` in the order of `resourceNames`. */
  amounts: readonly number[];
  tolerations: readonly Toleration[];
  nodeSelector?: NodeSelector | undefined;
  devices?: DeviceRequest | undefined;
  /** Of each pod. */
  expected?: ExpectedUse | undefined;
  held: ReadonlyMap<ClusterId, Allotment>;
}

export const demandsOf = (group: GroupRequest, previous: readonly Allotment[]): Demand[] =>
  group.components.map((component) => ({
    name: component.name,
    kind: component.kind,
    replicas: component.replicas,
    perReplica: component.perReplica,
    amounts: amountsOf(component.perReplica),
    tolerations: component.tolerations ?? noTolerations,
    nodeSelector: component.nodeSelector,
    devices: component.devices,
    expected: component.expected,
    held: heldOf(component, previous),
  }));

const noTolerations: readonly Toleration[] = [];
const nothingHeld: ReadonlyMap<ClusterId, Allotment> = new Map();

function heldOf({ name }: RequestedComponent, previous: readonly Allotment[]): ReadonlyMap<ClusterId, Allotment> {
  if (previous.length === 0) return nothingHeld;
  return new Map(previous.filter(({ component }) => component === name).map((each) => [each.cluster, each]));
}

/** How many replicas a cluster gets that holds the component whole: a daemon has one pod on every node. */
export const wholeReplicas = (demand: Demand, nodes: number): number =>
  demand.kind === 'daemon' ? nodes : demand.replicas;

/** What one replica of each demand asks for together; in the order of `resourceNames`. */
export function unitOf(demands: readonly Demand[], nodes: number): readonly number[] {
  const unit = [0, 0, 0];
  for (const demand of demands) {
    const count = demand.kind === 'daemon' ? nodes : Math.min(1, demand.replicas);
    for (let at = 0; at < unit.length; at++) unit[at] = (unit[at] ?? 0) + count * (demand.amounts[at] ?? 0);
  }
  return unit;
}
