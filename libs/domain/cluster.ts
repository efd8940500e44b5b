import { createHash } from 'node:crypto';
import type { Instant } from './clock.js';
import type { ClusterId } from './identity.js';
import { canonicalJson, type JsonValue } from './json.js';
import type { Resources } from './quantity.js';

export interface Taint {
  key: string;
  value: string;
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** A taint of a cluster, and since when it has it, by the store's clock. */
export interface ClusterTaint extends Taint {
  since?: Instant | undefined;
}

/** What operators say about a member cluster. */
export interface ClusterFacts {
  id: ClusterId;
  region: string;
  zone: string;
  provider: string;
  labels: Readonly<Record<string, string>>;
  taints: readonly Taint[];
  cordoned: boolean;
  /** Absent: unknown. */
  price?: ClusterPrice | undefined;
  /** Grams of CO2 for a kWh; absent: unknown. */
  carbonIntensity?: number | undefined;
  /** Under whose law its data lies; absent: nobody said. */
  jurisdictions?: readonly string[] | undefined;
  /** How its own scheduler chooses among nodes; absent: `least-allocated`. */
  nodeScoring?: NodeScoring | undefined;
}

/** What kube-scheduler's NodeResourcesFit prefers: the emptiest node, as by default, or the fullest. */
export type NodeScoring = 'least-allocated' | 'most-allocated';

/** Millionths of the fleet's one currency; whole numbers. */
export interface ClusterPrice {
  coreHourMicros: number;
  gibHourMicros: number;
}

/** What a price may be at most, so that sums of it stay exact. */
export const mostPriceMicros = 1_000_000_000_000;
export const mostCarbonIntensity = 100_000;
export const mostJurisdictions = 32;

/** `pending`: registered, no agent yet; `ready`: its lease runs; `unreachable`: it ran out; `removing`: on its way out. */
export type ClusterPhase = 'pending' | 'ready' | 'unreachable' | 'removing';

/** What an operator may have to see to, in the order in which it is listed. */
export type ClusterConditionType = 'AgentConflict' | 'AgentRevoked' | 'CertificateExpired' | 'ClockSkew' | 'SameMember';

/** Something about a cluster that an operator should see to; goes by itself with its cause. */
export interface ClusterCondition {
  type: ClusterConditionType;
  /** One word for programs. */
  reason: string;
  /** For people: what is, and what to do. */
  message: string;
}

/** So many nodes with so much free each, rounded down; all nodes of a class are alike to a pod. */
export interface NodeClass {
  nodes: number;
  free: Resources;
  architecture: string;
  taints: readonly Taint[];
  /** Free devices and the like of each node, as `nvidia.com/gpu`. */
  extended?: Readonly<Record<string, number>>;
  /** What such a device is. */
  deviceModel?: string;
  /** Under the keys that selectors of the fleet's applications use; a key that the nodes lack is not there. */
  labels?: Readonly<Record<string, string>>;
  /** What each node has in all; absent from an agent that does not say. */
  allocatable?: Resources;
  /** Free thousandths of each device of a node, the freest first; absent where devices are not shared out in parts. */
  devices?: readonly number[];
}

/** Node labels that a fleet's selectors may use at once: classes are told apart by each. */
export const mostNodeLabelKeys = 32;

/** What volumes can be made of. */
export interface StorageClass {
  name: string;
  provisioner: string;
  /** Used where a claim names none. */
  isDefault: boolean;
  /** A volume is made only when a pod that uses it has its node. */
  waitsForConsumer: boolean;
}

/** A work of which not all pods are in the figures. */
export interface UnreflectedWork {
  workId: string;
  /** What was ordered of it up to here is in the figures; 0: nothing is. */
  after: bigint;
}

/** How far the figures of an inventory go: all works up to `upTo`, but for those that are named. */
export interface Reflection {
  upTo: bigint;
  /** At most `mostUnreflectedWorks`. */
  except: readonly UnreflectedWork[];
}

export const mostUnreflectedWorks = 1_000;

/** A cluster's capacity as its agent reports it. */
export interface Inventory {
  /** Whose pods are in these figures. */
  reflected: Reflection;
  serverVersion: string;
  nodes: number;
  readyNodes: number;
  allocatable: Resources;
  /** Requests of pods that Berth did not place. */
  foreignRequests: Resources;
  /** Requests of pods that Berth placed. */
  berthRequests: Resources;
  classes: readonly NodeClass[];
  /** p95 of measured use; absent when the cluster serves no metrics. */
  measured: { mcpu: number; memoryBytes: number } | undefined;
  /** Kinds served, as `apps/v1/Deployment`. */
  kinds: readonly string[];
  /** Names the field schema of these kinds (content is sent once per digest). */
  schemaDigest: string;
  /** In order of name. */
  storageClasses: readonly StorageClass[];
  /** Keys by which `classes` are told apart; absent from an agent that tells none apart by labels. */
  labelKeys?: readonly string[] | undefined;
}

/** What of an inventory is not as it was; what is absent stays. */
export type InventoryChange = Partial<Inventory>;

/** Names a tree of declared fields per kind: `true` is a leaf or a map with any keys. */
export type FieldTree = true | { readonly [field: string]: FieldTree };
export type ClusterSchema = Readonly<Record<string, FieldTree>>;

const treeJson = (tree: FieldTree): JsonValue => (tree === true ? true : schemaJson(tree));
const schemaJson = (schema: ClusterSchema): JsonValue =>
  Object.fromEntries(Object.entries(schema).map(([name, tree]) => [name, treeJson(tree)]));

/** Names a schema by its content, 32 hex digits: whoever sends one and whoever keeps it come to the same name. */
export const schemaDigest = (schema: ClusterSchema): string =>
  createHash('sha256')
    .update(canonicalJson(schemaJson(schema)))
    .digest('hex')
    .slice(0, 32);

/** Declared over-subscription, in thousandths: 1000 is none, 1500 admits half as much again. */
export interface OverSubscription {
  mcpuPermille: number;
  memoryPermille: number;
}

export const noOverSubscription: OverSubscription = { mcpuPermille: 1000, memoryPermille: 1000 };
