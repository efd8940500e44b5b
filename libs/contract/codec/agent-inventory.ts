import { create } from '@bufbuild/protobuf';
import { InvalidRequest, type Inventory, noResources, type Resources, type Taint } from '#domain';
import * as line from '../line.js';
import { agentField } from './agent-fields.js';

const mostClasses = 64;
const effects = { NoSchedule: true, PreferNoSchedule: true, NoExecute: true } as const satisfies Record<
  Taint['effect'],
  true
>;

const isEffect = (found: string): found is Taint['effect'] => Object.hasOwn(effects, found);

const amountsToWire = (amounts: Resources): line.Amounts =>
  create(line.AmountsSchema, {
    mcpu: BigInt(amounts.mcpu),
    memoryBytes: BigInt(amounts.memoryBytes),
    pods: BigInt(amounts.pods),
  });

const amountsFromWire = (at: string, amounts: line.Amounts | undefined): Resources =>
  amounts === undefined
    ? noResources
    : {
        mcpu: agentField.amount(`${at}.mcpu`, amounts.mcpu),
        memoryBytes: agentField.amount(`${at}.memory_bytes`, amounts.memoryBytes),
        pods: agentField.amount(`${at}.pods`, amounts.pods),
      };

export const inventoryToWire = (inventory: Inventory): line.Inventory =>
  create(line.InventorySchema, {
    reflectedWorkSequence: inventory.reflectedWorkSequence,
    serverVersion: inventory.serverVersion,
    nodes: inventory.nodes,
    readyNodes: inventory.readyNodes,
    allocatable: amountsToWire(inventory.allocatable),
    foreignRequests: amountsToWire(inventory.foreignRequests),
    berthRequests: amountsToWire(inventory.berthRequests),
    classes: inventory.classes.map(({ nodes, free, architecture, taints }) =>
      create(line.NodeClassSchema, { nodes, free: amountsToWire(free), architecture, taints: [...taints] }),
    ),
    ...(inventory.measured === undefined ? {} : { measured: amountsToWire({ ...inventory.measured, pods: 0 }) }),
    kinds: [...inventory.kinds],
    schemaDigest: inventory.schemaDigest,
  });

/** @throws InvalidRequest for amounts that are negative or not exact, or more classes than the row takes. */
export function inventoryFromWire(wire: line.Inventory): Inventory {
  if (wire.classes.length > mostClasses)
    throw new InvalidRequest([
      { field: 'inventory.classes', description: `found ${wire.classes.length}; allowed are ${mostClasses}` },
    ]);
  return {
    reflectedWorkSequence: agentField.sequence('inventory.reflected_work_sequence', wire.reflectedWorkSequence),
    serverVersion: agentField.text(wire.serverVersion, 64),
    nodes: agentField.count('inventory.nodes', wire.nodes),
    readyNodes: agentField.count('inventory.ready_nodes', wire.readyNodes),
    allocatable: amountsFromWire('inventory.allocatable', wire.allocatable),
    foreignRequests: amountsFromWire('inventory.foreign_requests', wire.foreignRequests),
    berthRequests: amountsFromWire('inventory.berth_requests', wire.berthRequests),
    classes: wire.classes.map((each, index) => ({
      nodes: agentField.count(`inventory.classes[${index}].nodes`, each.nodes),
      free: amountsFromWire(`inventory.classes[${index}].free`, each.free),
      architecture: agentField.text(each.architecture, 64),
      taints: each.taints.map((taint) => taintFromWire(taint, index)),
    })),
    measured: measuredFromWire(wire.measured),
    kinds: wire.kinds.map((kind) => agentField.text(kind, 256)),
    schemaDigest: agentField.text(wire.schemaDigest, 128),
  };
}

function taintFromWire({ key, value, effect }: line.NodeTaint, index: number): Taint {
  if (isEffect(effect)) return { key: agentField.text(key), value: agentField.text(value), effect };
  const allowed = Object.keys(effects).join(', ');
  throw new InvalidRequest([
    { field: `inventory.classes[${index}].taints.effect`, description: `found "${effect}"; allowed are ${allowed}` },
  ]);
}

function measuredFromWire(measured: line.Amounts | undefined): Inventory['measured'] {
  if (measured === undefined) return undefined;
  const { mcpu, memoryBytes } = amountsFromWire('inventory.measured', measured);
  return { mcpu, memoryBytes };
}
