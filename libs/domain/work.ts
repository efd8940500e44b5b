import type { ClusterId } from './identity.js';
import type { JsonObject } from './json.js';
import type { WorkPhase } from './phases.js';

/** Names one Kubernetes object in one cluster. `namespace` is empty for cluster-scoped kinds. */
export interface ObjectRef {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
}

/** What one cluster is to hold for one component. */
export interface Work {
  id: string;
  cluster: ClusterId;
  /** Place in that cluster's sequence: gap-free, in commit order. */
  sequence: bigint;
  /** Grows with every new content of this work. */
  generation: bigint;
  namespace: string;
  environment: string;
  application: string;
  component: string;
  /** Manifests in the order in which they are applied. */
  objects: readonly JsonObject[];
}

/** The order to delete one object, and that object only: the uid says which. */
export interface Tombstone {
  id: string;
  cluster: ClusterId;
  sequence: bigint;
  generation: bigint;
  object: ObjectRef;
  uid: string;
}

export type WorkItem = { kind: 'work'; work: Work } | { kind: 'tombstone'; tombstone: Tombstone };

/** Why something is not as it should be: a word (ImagePullBackOff), a sentence, how many pods it befell. */
export interface StatusReason {
  reason: string;
  message: string;
  count: number;
}

export interface ObjectStatus extends ObjectRef {
  uid: string;
  resourceVersion: string;
  ready: boolean;
}

export interface ReplicaCounts {
  desired: number;
  updated: number;
  ready: number;
  unavailable: number;
  restarts: number;
}

/** What the agent saw of a work. */
export interface WorkStatus {
  workId: string;
  /** The generation that the objects in the cluster are at. */
  generation: bigint;
  phase: WorkPhase;
  replicas: ReplicaCounts;
  reasons: readonly StatusReason[];
  /** Every object in the cluster that carries this work's label, wanted or not. */
  objects: readonly ObjectStatus[];
}

export type TombstoneOutcome = 'deleted' | 'absent' | 'replaced' | 'foreign-left';

export interface TombstoneReport {
  tombstoneId: string;
  outcome: TombstoneOutcome;
  message: string;
}

/** Labels and annotations by which Berth knows its objects again. */
export const berthLabels = {
  managedBy: 'app.kubernetes.io/managed-by',
  managedByValue: 'berth',
  work: 'berth.dev/work',
  tenant: 'berth.dev/tenant',
  environment: 'berth.dev/environment',
  application: 'berth.dev/application',
  component: 'berth.dev/component',
} as const;

export const berthAnnotations = { generation: 'berth.dev/generation', digest: 'berth.dev/digest' } as const;

export const fieldManager = 'berth';
