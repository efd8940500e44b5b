import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  InvalidRequest,
  type Inventory,
  type InventoryChange,
  mostNodeLabelKeys,
  mostUnreflectedWorks,
  type NodeClass,
  noResources,
  type Reflection,
  type Resources,
  type StorageClass,
  type Taint,
  type UnreflectedWork,
} from '#domain';
import * as line from '../line.js';
import { agentField } from './agent-fields.js';

const mostClasses = 64;
const mostKinds = 4_096;
const mostStorageClasses = 64;
const mostExtended = 16;
const mostDevices = 64;
/** Prefix, slash and name. */
const longestLabelKey = 317;
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

const classToWire = (each: NodeClass): line.NodeClass =>
  create(line.NodeClassSchema, {
    nodes: each.nodes,
    free: amountsToWire(each.free),
    architecture: each.architecture,
    taints: [...each.taints],
    extended: Object.fromEntries(Object.entries(each.extended ?? {}).map(([name, free]) => [name, BigInt(free)])),
    deviceModel: each.deviceModel ?? '',
    labels: { ...each.labels },
    ...(each.allocatable === undefined ? {} : { allocatable: amountsToWire(each.allocatable) }),
    devices: [...(each.devices ?? [])],
  });

const unreflectedToWire = ({ workId, after }: UnreflectedWork): line.UnreflectedWork =>
  create(line.UnreflectedWorkSchema, { workId: Buffer.from(workId.replaceAll('-', ''), 'hex'), afterSequence: after });

const measuredToWire = (measured: NonNullable<Inventory['measured']>): line.Amounts =>
  amountsToWire({ ...measured, pods: 0 });

export const inventoryToWire = (inventory: Inventory): line.Inventory =>
  create(line.InventorySchema, {
    reflectedWorkSequence: inventory.reflected.upTo,
    unreflectedWorks: inventory.reflected.except.map(unreflectedToWire),
    serverVersion: inventory.serverVersion,
    nodes: inventory.nodes,
    readyNodes: inventory.readyNodes,
    allocatable: amountsToWire(inventory.allocatable),
    foreignRequests: amountsToWire(inventory.foreignRequests),
    berthRequests: amountsToWire(inventory.berthRequests),
    classes: inventory.classes.map(classToWire),
    ...(inventory.measured === undefined ? {} : { measured: measuredToWire(inventory.measured) }),
    kinds: [...inventory.kinds],
    schemaDigest: inventory.schemaDigest,
    storageClasses: [...inventory.storageClasses],
    ...(inventory.labelKeys === undefined ? {} : { labelKeys: { keys: [...inventory.labelKeys] } }),
  });

/** How each part of a change travels; a part that is absent stays as it was. */
const partToWire: {
  [Part in keyof Required<Inventory>]: (value: Inventory[Part]) => MessageInitShape<typeof line.InventoryDeltaSchema>;
} = {
  reflected: ({ upTo, except }) => ({
    reflectedWorkSequence: upTo,
    unreflectedWorks: { works: except.map(unreflectedToWire) },
  }),
  serverVersion: (serverVersion) => ({ serverVersion }),
  nodes: (nodes) => ({ nodes }),
  readyNodes: (readyNodes) => ({ readyNodes }),
  allocatable: (amounts) => ({ allocatable: amountsToWire(amounts) }),
  foreignRequests: (amounts) => ({ foreignRequests: amountsToWire(amounts) }),
  berthRequests: (amounts) => ({ berthRequests: amountsToWire(amounts) }),
  classes: (classes) => ({ classes: { classes: classes.map(classToWire) } }),
  measured: (measured) => ({ measured: measured === undefined ? {} : { amounts: measuredToWire(measured) } }),
  kinds: (kinds) => ({ kinds: { kinds: [...kinds] } }),
  schemaDigest: (schemaDigest) => ({ schemaDigest }),
  storageClasses: (storageClasses) => ({ storageClasses: { storageClasses: [...storageClasses] } }),
  labelKeys: (keys) => (keys === undefined ? {} : { labelKeys: { keys: [...keys] } }),
};

const inventoryParts = Object.keys(partToWire) as (keyof Inventory)[];

const comparable = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each)) ?? '';

/** What of `after` is not as it was in `before`; undefined when nothing changed. */
export function inventoryChange(before: Inventory, after: Inventory): InventoryChange | undefined {
  const changed = inventoryParts.filter((part) => comparable(before[part]) !== comparable(after[part]));
  return changed.length === 0 ? undefined : Object.fromEntries(changed.map((part) => [part, after[part]]));
}

export function inventoryChangeToWire(change: InventoryChange): line.InventoryDelta {
  const put = <Part extends keyof Inventory>(part: Part) => partToWire[part](change[part] as Inventory[Part]);
  const parts = inventoryParts.filter((part) => Object.hasOwn(change, part)).map(put);
  return create(line.InventoryDeltaSchema, Object.assign({}, ...parts));
}

/** @throws InvalidRequest for amounts that are negative or not exact, or more classes than the row takes. */
export function inventoryFromWire(wire: line.Inventory): Inventory {
  return {
    reflected: reflectionFromWire(wire.reflectedWorkSequence, wire.unreflectedWorks),
    serverVersion: agentField.text(wire.serverVersion, 64),
    nodes: agentField.count('inventory.nodes', wire.nodes),
    readyNodes: agentField.count('inventory.ready_nodes', wire.readyNodes),
    allocatable: amountsFromWire('inventory.allocatable', wire.allocatable),
    foreignRequests: amountsFromWire('inventory.foreign_requests', wire.foreignRequests),
    berthRequests: amountsFromWire('inventory.berth_requests', wire.berthRequests),
    classes: classesFromWire(wire.classes),
    measured: measuredFromWire(wire.measured),
    kinds: kindsFromWire(wire.kinds),
    schemaDigest: agentField.text(wire.schemaDigest, 128),
    storageClasses: storageClassesFromWire(wire.storageClasses),
    labelKeys: wire.labelKeys && labelKeysFromWire(wire.labelKeys.keys),
  };
}

/** @throws InvalidRequest as `inventoryFromWire`; and for a half of `reflected` without the other. */
export function inventoryChangeFromWire(wire: line.InventoryDelta): InventoryChange {
  const { reflectedWorkSequence: upTo, unreflectedWorks: except, serverVersion, nodes, readyNodes } = wire;
  if ((upTo === undefined) !== (except === undefined))
    throw new InvalidRequest([{ field: 'inventory.unreflected_works', description: 'comes with its sequence' }]);
  const amounts = (field: 'allocatable' | 'foreignRequests' | 'berthRequests') =>
    wire[field] === undefined ? {} : { [field]: amountsFromWire(`inventory.${field}`, wire[field]) };
  return {
    ...(upTo === undefined || except === undefined ? {} : { reflected: reflectionFromWire(upTo, except.works) }),
    ...(serverVersion === undefined ? {} : { serverVersion: agentField.text(serverVersion, 64) }),
    ...(nodes === undefined ? {} : { nodes: agentField.count('inventory.nodes', nodes) }),
    ...(readyNodes === undefined ? {} : { readyNodes: agentField.count('inventory.ready_nodes', readyNodes) }),
    ...amounts('allocatable'),
    ...amounts('foreignRequests'),
    ...amounts('berthRequests'),
    ...(wire.classes === undefined ? {} : { classes: classesFromWire(wire.classes.classes) }),
    ...(wire.measured === undefined ? {} : { measured: measuredFromWire(wire.measured.amounts) }),
    ...(wire.kinds === undefined ? {} : { kinds: kindsFromWire(wire.kinds.kinds) }),
    ...(wire.schemaDigest === undefined ? {} : { schemaDigest: agentField.text(wire.schemaDigest, 128) }),
    ...(wire.storageClasses === undefined
      ? {}
      : { storageClasses: storageClassesFromWire(wire.storageClasses.storageClasses) }),
    ...(wire.labelKeys === undefined ? {} : { labelKeys: labelKeysFromWire(wire.labelKeys.keys) }),
  };
}

const atMost = <T>(field: string, most: number, found: readonly T[]): readonly T[] => {
  if (found.length <= most) return found;
  throw new InvalidRequest([
    { field: `inventory.${field}`, description: `found ${found.length}; allowed are ${most}` },
  ]);
};

const kindsFromWire = (kinds: readonly string[]): string[] =>
  kinds.slice(0, mostKinds).map((kind) => agentField.text(kind, 256));

const storageClassesFromWire = (classes: readonly line.StorageClass[]): StorageClass[] =>
  atMost('storage_classes', mostStorageClasses, classes).map(
    ({ name, provisioner, isDefault, waitsForConsumer }): StorageClass => ({
      name: agentField.text(name, 253),
      provisioner: agentField.text(provisioner, 253),
      isDefault,
      waitsForConsumer,
    }),
  );

const reflectionFromWire = (upTo: bigint, except: readonly line.UnreflectedWork[]): Reflection => ({
  upTo: agentField.sequence('inventory.reflected_work_sequence', upTo),
  except: atMost('unreflected_works', mostUnreflectedWorks, except).map(({ workId, afterSequence }) => ({
    workId: uuidFromWire(workId),
    after: agentField.sequence('inventory.unreflected_works.after_sequence', afterSequence),
  })),
});

const uuidFromWire = (bytes: Uint8Array): string => {
  const hex = Buffer.from(bytes).toString('hex');
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return agentField.uuid('inventory.unreflected_works.work_id', groups.join('-'));
};

const classesFromWire = (classes: readonly line.NodeClass[]): NodeClass[] =>
  atMost('classes', mostClasses, classes).map((each, index) => ({
    nodes: agentField.count(`inventory.classes[${index}].nodes`, each.nodes),
    free: amountsFromWire(`inventory.classes[${index}].free`, each.free),
    architecture: agentField.text(each.architecture, 64),
    taints: each.taints.map((taint) => taintFromWire(taint, index)),
    ...extendedFromWire(each, index),
    ...labelsFromWire(each),
    ...(each.allocatable === undefined
      ? {}
      : { allocatable: amountsFromWire(`inventory.classes[${index}].allocatable`, each.allocatable) }),
    ...devicesFromWire(each, index),
  }));

const labelKeysFromWire = (keys: readonly string[]): string[] =>
  atMost('label_keys', mostNodeLabelKeys, keys).map((key) => agentField.text(key, longestLabelKey));

function labelsFromWire({ labels }: line.NodeClass): Pick<NodeClass, 'labels'> {
  const told = atMost('classes.labels', mostNodeLabelKeys, Object.entries(labels));
  if (told.length === 0) return {};
  const texts = told.map(([key, value]) => [agentField.text(key, longestLabelKey), agentField.text(value, 63)]);
  return { labels: Object.fromEntries(texts) as Record<string, string> };
}

function devicesFromWire({ devices }: line.NodeClass, index: number): Pick<NodeClass, 'devices'> {
  const field = `inventory.classes[${index}].devices`;
  const told = atMost('classes.devices', mostDevices, devices).map((free) => agentField.count(field, free));
  return told.length === 0 ? {} : { devices: told };
}

function extendedFromWire({ extended, deviceModel }: line.NodeClass, index: number) {
  const free = atMost('classes.extended', mostExtended, Object.entries(extended)).map(([name, amount]) => [
    agentField.text(name, 253),
    agentField.amount(`inventory.classes[${index}].extended`, amount),
  ]);
  return {
    ...(free.length === 0 ? {} : { extended: Object.fromEntries(free) as Record<string, number> }),
    ...(deviceModel === '' ? {} : { deviceModel: agentField.text(deviceModel, 63) }),
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
