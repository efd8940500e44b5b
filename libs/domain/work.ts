import type { Instant } from './clock.js';
import type { ClusterId } from './identity.js';
import type { JsonObject } from './json.js';
import type { ObjectPolicy } from './object-policy.js';
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
  policy: ObjectPolicy;
}

/** `let-go`: the object was there before Berth; it stays as it is, without Berth's marks. */
export type TombstoneMode = 'delete' | 'let-go';

/** The order to delete one object, and that object only: the uid says which. */
export interface Tombstone {
  id: string;
  cluster: ClusterId;
  sequence: bigint;
  generation: bigint;
  object: ObjectRef;
  uid: string;
  mode: TombstoneMode;
}

export type WorkItem = { kind: 'work'; work: Work } | { kind: 'tombstone'; tombstone: Tombstone };

/** Why something is not as it should be: a word (ImagePullBackOff), a sentence, how many pods it befell. */
export interface StatusReason {
  reason: string;
  message: string;
  count: number;
  /** The generation of the work that the cluster refuses for this reason, for good: decimal, as JSON can hold it. */
  refusedGeneration?: string;
}

export interface ObjectStatus extends ObjectRef {
  uid: string;
  resourceVersion: string;
  ready: boolean;
  /** In a few words, as `3/3 ready`; empty when there is nothing to say. */
  summary: string;
  /** It was there before Berth took it over. */
  adopted: boolean;
}

/** A field that is not as ordered. Values are JSON, or keyed fingerprints where the object is a Secret; empty: absent. */
export interface FieldDrift {
  object: ObjectRef;
  path: string;
  ordered: string;
  found: string;
  /** The field manager that has it now; empty when none has. */
  manager: string;
  /** When that manager last wrote, by the member's clock. */
  changedAt: Instant | undefined;
  /** What the agent did about it; agents from before do not say. */
  outcome?: DriftOutcome;
}

export type DriftOutcome = 'reported' | 'put-back' | 'fought-over' | 'conflict';

/** A field that another manager owns, and that was therefore not written. */
export interface FieldConflict {
  object: ObjectRef;
  path: string;
  manager: string;
}

/** Something that the member cluster warns of. */
export interface ObjectEvent {
  object: ObjectRef;
  reason: string;
  message: string;
  count: number;
  lastAt: Instant | undefined;
}

/** What is to be known of a work's objects beyond counts. */
export interface Findings {
  drifts: readonly FieldDrift[];
  conflicts: readonly FieldConflict[];
  events: readonly ObjectEvent[];
}

export const noFindings: Findings = { drifts: [], conflicts: [], events: [] };

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
  findings: Findings;
}

export type TombstoneOutcome = 'deleted' | 'absent' | 'replaced' | 'foreign-left' | 'let-go';

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

export const berthAnnotations = {
  generation: 'berth.dev/generation',
  digest: 'berth.dev/digest',
  /** On what was there before Berth took it over. */
  adopted: 'berth.dev/adopted',
  /** Who managed it before, by its label, where that said something. */
  managedBefore: 'berth.dev/managed-before',
  /** The fields that are left to others, as JSON: a list of paths in the segments of `fieldsV1`. */
  yielded: 'berth.dev/yielded',
  /** Who says how many replicas there are, where it isn't Berth. */
  replicas: 'berth.dev/replicas-owner',
} as const;

export const fieldManager = 'berth';
