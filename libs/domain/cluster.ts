import { createHash } from 'node:crypto';
import type { ClusterId } from './identity.js';
import { canonicalJson, type JsonValue } from './json.js';
import type { Resources } from './quantity.js';

export interface Taint {
  key: string;
  value: string;
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
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
}

/** `pending`: registered, no agent yet; `ready`: its lease runs; `unreachable`: it ran out; `removing`: on its way out. */
export type ClusterPhase = 'pending' | 'ready' | 'unreachable' | 'removing';

/** So many nodes with so much free each, rounded down; all nodes of a class are alike to a pod. */
export interface NodeClass {
  nodes: number;
  free: Resources;
  architecture: string;
  taints: readonly Taint[];
}

/** A cluster's capacity as its agent reports it. */
export interface Inventory {
  /** The last work sequence whose pods are in these figures. */
  reflectedWorkSequence: bigint;
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
}

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
