import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type ClusterCondition,
  type ClusterFacts,
  type ClusterPhase,
  type FieldViolation,
  InvalidRequest,
  mostCarbonIntensity,
  mostJurisdictions,
  mostPriceMicros,
  type NodeClass,
  type NodeScoring,
  noOverSubscription,
  type ObjectRef,
  type OverSubscription,
  type Resources,
  type StorageClass,
  type Taint,
} from '#domain';
import * as wire from '../wire.js';
import { clusterConditionTypeToWire, clusterPhaseToWire, nodeScoringFromWire, nodeScoringToWire } from './enums.js';
import { clusterName } from './names.js';
import { defined } from './optional.js';
import { type StoredTime, timestampIfAny, timestampOf } from './time.js';

/** A member cluster with what its agent said. */
export interface ClusterView extends ClusterFacts {
  version: bigint;
  overSubscription: OverSubscription;
  phase: ClusterPhase;
  createdAt: StoredTime;
  serverVersion: string;
  nodes: number;
  readyNodes: number;
  allocatable: Resources;
  foreignRequests: Resources;
  reserved: Resources;
  /** Undefined without metrics. */
  measured: { mcpu: number; memoryBytes: number } | undefined;
  classes: readonly NodeClass[];
  storageClasses: readonly StorageClass[];
  /** How many kinds it serves. */
  kinds: number;
  /** Those, as `apps/v1/Deployment`; empty where clusters are listed. */
  servedKinds: readonly string[];
  /** Of so many works not all pods are in these figures. */
  unreflectedWorks: number;
  /** Null until an inventory came. */
  reportedAt: StoredTime | null;
  workSequence: bigint;
  /** In order of type. */
  conditions: readonly (ClusterCondition & { since: StoredTime })[];
  agent:
    | {
        epoch: bigint;
        version: string;
        connected: boolean;
        leaseExpiresAt: StoredTime | null;
        certificateExpiresAt: StoredTime | null;
        appliedWorkSequence: bigint;
        heardAt: StoredTime | null;
        /** Empty: it does not say. */
        hostName: string;
      }
    | undefined;
}

/** What an operator may say about a cluster. */
export interface ClusterSettings extends Omit<ClusterFacts, 'id'> {
  overSubscription: OverSubscription;
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const satisfies readonly Taint['effect'][];
/** Kubernetes' label syntax (RFC 1123 name, optional prefix). */
const labelKey = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

function taintFromWire(from: wire.Taint, path: string, wrong: FieldViolation[]): Taint {
  const effect = effects.find((each) => each === from.effect);
  if (effect === undefined)
    wrong.push({ field: `${path}.effect`, description: `found "${from.effect}"; allowed are ${effects.join(', ')}` });
  if (!labelKey.test(from.key))
    wrong.push({ field: `${path}.key`, description: `found "${from.key}"; allowed is a label key` });
  return { key: from.key, value: from.value, effect: effect ?? 'NoSchedule' };
}

function permille(value: number, path: string, wrong: FieldViolation[]): number {
  if (value === 0) return 1000;
  if (value < 1 || value > 10_000) wrong.push({ field: path, description: `found ${value}; must be 1 to 10000` });
  return value;
}

function micros(value: bigint, path: string, wrong: FieldViolation[]): number {
  if (value < 0n || value > BigInt(mostPriceMicros))
    wrong.push({ field: path, description: `found ${value}; must be 0 to ${mostPriceMicros}` });
  return Number(value);
}

function costsFromWire(
  from: wire.Cluster | undefined,
  path: string,
  wrong: FieldViolation[],
): Pick<ClusterSettings, 'price' | 'carbonIntensity' | 'jurisdictions'> {
  const { price, carbonIntensity, jurisdictions = [] } = from ?? {};
  if (carbonIntensity !== undefined && (carbonIntensity < 0 || carbonIntensity > mostCarbonIntensity))
    wrong.push({
      field: `${path}.carbon_intensity`,
      description: `found ${carbonIntensity}; must be 0 to ${mostCarbonIntensity}`,
    });
  if (jurisdictions.length > mostJurisdictions)
    wrong.push({
      field: `${path}.jurisdictions`,
      description: `found ${jurisdictions.length}; allowed are at most ${mostJurisdictions}`,
    });
  for (const [index, each] of jurisdictions.entries())
    if (each === '' || !labelValue.test(each))
      wrong.push({
        field: `${path}.jurisdictions[${index}]`,
        description: `found "${each.slice(0, 80)}"; allowed are 1 to 63 of A-Z, a-z, 0-9, "-", "_" and "."`,
      });
  return defined({
    carbonIntensity,
    price:
      price === undefined
        ? undefined
        : {
            coreHourMicros: micros(price.coreHourMicros, `${path}.price.core_hour_micros`, wrong),
            gibHourMicros: micros(price.gibHourMicros, `${path}.price.gib_hour_micros`, wrong),
          },
    jurisdictions: jurisdictions.length === 0 ? undefined : [...new Set(jurisdictions)].sort(),
  });
}

/** The default is as if nobody had said. */
function scoringFromWire(
  from: wire.NodeScoring | undefined,
  path: string,
  wrong: FieldViolation[],
): NodeScoring | undefined {
  const scoring = nodeScoringFromWire[from ?? wire.NodeScoring.UNSPECIFIED];
  if (scoring === undefined && from !== undefined && from !== wire.NodeScoring.UNSPECIFIED)
    wrong.push({
      field: `${path}.node_scoring`,
      description: `found ${from}; allowed are NODE_SCORING_LEAST_ALLOCATED and NODE_SCORING_MOST_ALLOCATED`,
    });
  return scoring === 'least-allocated' ? undefined : scoring;
}

/** @throws InvalidRequest naming each wrong field. */
export function clusterSettingsFromWire(from: wire.Cluster | undefined, path = 'cluster'): ClusterSettings {
  const wrong: FieldViolation[] = [];
  const texts = { region: from?.region ?? '', zone: from?.zone ?? '', provider: from?.provider ?? '' };
  for (const [field, text] of Object.entries(texts))
    if (!labelValue.test(text))
      wrong.push({
        field: `${path}.${field}`,
        description: `found "${text.slice(0, 80)}"; allowed are up to 63 of A-Z, a-z, 0-9, "-", "_" and "."`,
      });
  for (const [key, value] of Object.entries(from?.labels ?? {}))
    if (!labelKey.test(key) || !labelValue.test(value))
      wrong.push({
        field: `${path}.labels`,
        description: `found "${key}=${value}"; allowed are labels as in Kubernetes`,
      });
  const over = from?.overSubscription;
  const settings: ClusterSettings = {
    ...texts,
    labels: { ...from?.labels },
    taints: (from?.taints ?? []).map((each, index) => taintFromWire(each, `${path}.taints[${index}]`, wrong)),
    cordoned: from?.cordoned ?? false,
    ...costsFromWire(from, path, wrong),
    ...defined({ nodeScoring: scoringFromWire(from?.nodeScoring, path, wrong) }),
    overSubscription:
      over === undefined
        ? noOverSubscription
        : {
            mcpuPermille: permille(over.cpuPermille, `${path}.over_subscription.cpu_permille`, wrong),
            memoryPermille: permille(over.memoryPermille, `${path}.over_subscription.memory_permille`, wrong),
          },
  };
  if (wrong.length > 0) throw new InvalidRequest(wrong);
  return settings;
}

const amountsToWire = ({ mcpu, memoryBytes, pods }: Resources): MessageInitShape<typeof wire.AmountsSchema> => ({
  mcpu: BigInt(mcpu),
  memoryBytes: BigInt(memoryBytes),
  pods: BigInt(pods),
});

const share = (part: number, whole: number): number => (whole === 0 ? 0 : Math.round((part * 1000) / whole));

function utilizationToWire(view: ClusterView): MessageInitShape<typeof wire.ClusterUtilizationSchema> {
  const { allocatable, foreignRequests, reserved, measured, overSubscription } = view;
  const requested = {
    mcpu: foreignRequests.mcpu + reserved.mcpu,
    memoryBytes: foreignRequests.memoryBytes + reserved.memoryBytes,
  };
  const overFull =
    requested.mcpu > Math.floor((allocatable.mcpu * overSubscription.mcpuPermille) / 1000) ||
    requested.memoryBytes > Math.floor((allocatable.memoryBytes * overSubscription.memoryPermille) / 1000) ||
    foreignRequests.pods + reserved.pods > allocatable.pods;
  return {
    foreignRequests: amountsToWire(foreignRequests),
    reserved: amountsToWire(reserved),
    ...defined({ measured: measured === undefined ? undefined : amountsToWire({ ...measured, pods: 0 }) }),
    requestedCpuPermille: share(requested.mcpu, allocatable.mcpu),
    requestedMemoryPermille: share(requested.memoryBytes, allocatable.memoryBytes),
    measuredCpuPermille: share(measured?.mcpu ?? 0, allocatable.mcpu),
    measuredMemoryPermille: share(measured?.memoryBytes ?? 0, allocatable.memoryBytes),
    overFull,
  };
}

const classToWire = (each: NodeClass): MessageInitShape<typeof wire.NodeClassSchema> => ({
  nodes: each.nodes,
  free: amountsToWire(each.free),
  architecture: each.architecture,
  taints: [...each.taints],
  extended: Object.fromEntries(Object.entries(each.extended ?? {}).map(([name, free]) => [name, BigInt(free)])),
  deviceModel: each.deviceModel ?? '',
  labels: { ...each.labels },
  ...defined({ allocatable: each.allocatable && amountsToWire(each.allocatable) }),
  devices: [...(each.devices ?? [])],
});

type Init<D extends DescMessage> = MessageInitShape<D>;

function reportToWire(view: ClusterView): {
  inventory?: Init<typeof wire.ClusterInventorySchema>;
  utilization?: Init<typeof wire.ClusterUtilizationSchema>;
} {
  if (view.reportedAt === null) return {};
  return {
    inventory: {
      serverVersion: view.serverVersion,
      nodes: view.nodes,
      readyNodes: view.readyNodes,
      allocatable: amountsToWire(view.allocatable),
      reportTime: timestampOf(view.reportedAt),
      nodeClasses: view.classes.map(classToWire),
      storageClasses: [...view.storageClasses],
      kinds: view.kinds,
      servedKinds: view.servedKinds.toSorted(),
      unreflectedWorks: view.unreflectedWorks,
    },
    utilization: utilizationToWire(view),
  };
}

function agentToWire({ agent, workSequence }: ClusterView): { agent?: Init<typeof wire.AgentStatusSchema> } {
  if (agent === undefined) return {};
  return {
    agent: {
      epoch: agent.epoch,
      version: agent.version,
      connected: agent.connected,
      ...defined({
        leaseExpireTime: timestampIfAny(agent.leaseExpiresAt),
        certificateExpireTime: timestampIfAny(agent.certificateExpiresAt),
        heardTime: timestampIfAny(agent.heardAt),
      }),
      workSequence,
      appliedWorkSequence: agent.appliedWorkSequence,
      hostName: agent.hostName,
    },
  };
}

export const clusterToWire = (view: ClusterView): wire.Cluster =>
  create(wire.ClusterSchema, {
    name: clusterName(view.id),
    etag: `${view.version}`,
    region: view.region,
    zone: view.zone,
    provider: view.provider,
    labels: { ...view.labels },
    taints: view.taints.map(({ key, value, effect }) => ({ key, value, effect })),
    cordoned: view.cordoned,
    overSubscription: {
      cpuPermille: view.overSubscription.mcpuPermille,
      memoryPermille: view.overSubscription.memoryPermille,
    },
    phase: clusterPhaseToWire[view.phase],
    createTime: timestampOf(view.createdAt),
    conditions: view.conditions.map(({ type, reason, message, since }) => ({
      type: clusterConditionTypeToWire[type],
      reason,
      message,
      sinceTime: timestampOf(since),
    })),
    ...defined({
      price: view.price && {
        coreHourMicros: BigInt(view.price.coreHourMicros),
        gibHourMicros: BigInt(view.price.gibHourMicros),
      },
      carbonIntensity: view.carbonIntensity,
    }),
    nodeScoring: nodeScoringToWire[view.nodeScoring ?? 'least-allocated'],
    jurisdictions: [...(view.jurisdictions ?? [])],
    ...reportToWire(view),
    ...agentToWire(view),
  });

/** An object of no work, as the store tells of it. */
export interface OrphanView extends ObjectRef {
  uid: string;
  workId: string;
  firstSeenAt: StoredTime;
  lastSeenAt: StoredTime;
}

export const orphanToWire = (view: OrphanView): wire.Orphan =>
  create(wire.OrphanSchema, {
    ...{ apiVersion: view.apiVersion, kind: view.kind, namespace: view.namespace, objectName: view.name },
    ...{ uid: view.uid, workId: view.workId },
    firstSeenTime: timestampOf(view.firstSeenAt),
    lastSeenTime: timestampOf(view.lastSeenAt),
  });
