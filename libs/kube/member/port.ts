import type {
  ClusterSchema,
  Inventory,
  JsonObject,
  JsonValue,
  Millis,
  ObjectEvent,
  ObjectRef,
  StatusRule,
  TombstoneOutcome,
} from '#domain';
import type { ObjectIdentity } from '../client/objects.js';
import type { FieldPath } from '../ownership/field-path.js';
import type { Hold, LostField } from './hold.js';
import type { PodAccess } from './pod-access.js';
import type { PodView } from './pods.js';
import type { Readiness } from './readiness.js';

export interface Bounds {
  signal?: AbortSignal | undefined;
  /** For the whole operation, retries included. */
  timeoutMs?: Millis | undefined;
}

export interface InventoryBounds extends Bounds {
  /** Labels of nodes by which classes are told apart; none unless told. */
  labelKeys?: readonly string[] | undefined;
}

export interface Stamp {
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
}

export interface ApplyBounds extends Bounds {
  /** Take fields from managers that have them by an update. */
  force?: boolean | undefined;
  /**
   * `absent`: writes only what is not there yet; else only this very object, at this version if one is named. Refused
   * with `PreconditionConflict`, or with `FieldManagerConflict` where that is found first.
   */
  expect?: 'absent' | { uid: string; resourceVersion?: string | undefined } | undefined;
}

/** A lost field with what was ordered and what is there; undefined: nothing. */
export interface LostValue extends LostField {
  segments: FieldPath;
  ordered: JsonValue | undefined;
  found: JsonValue | undefined;
}

/** What one look at an object tells, Berth's or not. */
export interface LiveObject extends ObjectIdentity {
  /** Berth has applied it, and not let it go. */
  isApplied: boolean;
  /** What its labels say. */
  managedBy: string;
  workId: string;
  /** It was there before Berth took it over. */
  adopted: boolean;
  /** Managers besides Berth that apply it. */
  appliers: readonly string[];
  /** Fields that are left to others; none when they are ordered again. */
  yielded: readonly FieldPath[];
  lost: readonly LostValue[];
  replicas: number | undefined;
  /** Berth has `spec.replicas`. */
  hasReplicas: boolean;
}

export interface AppliedObject extends ObjectIdentity {
  created: boolean;
}

/** What became of an order to delete; `deleting`: accepted, but finalizers or a grace period hold the object. */
export interface DeletionResult {
  outcome: TombstoneOutcome | 'deleting';
  /** What keeps a namespace: objects that would have been deleted with it (the first few). */
  left: readonly ObjectRef[];
  message: string;
}

/** An object with Berth's label, as far as Berth needs it. */
export interface OwnedObject extends ObjectIdentity {
  /** Empty for what no single work owns, like a namespace. */
  workId: string;
  component: string;
  /** The annotations that its last apply carried. */
  generation: string;
  digest: string;
  deleting: boolean;
  /** It was there before Berth took it over. */
  adopted: boolean;
  /** Absent when Berth has what it ordered, and nothing else. */
  hold?: Hold | undefined;
  readiness: Readiness;
}

export interface WatchTrouble {
  kind: string;
  /** The member's address. */
  server: string;
  error: Error;
  retryInMs: Millis;
}

export interface OwnedWatch {
  /** Resolves when every kind and the pods were listed once. */
  readonly synced: Promise<void>;
  /** Resolves when the signal aborted; rejects with a defect of a callback. */
  readonly done: Promise<void>;
  /** Works of which objects or pods are there. */
  works(): string[];
  objectsOf(workId: string): OwnedObject[];
  podsOf(workId: string): PodView[];
  /** What the cluster warns of its objects and pods, newest first, few. */
  eventsOf(workId: string): ObjectEvent[];
  /** How objects of this work tell that they are ready. Cheap when nothing changed; else their kinds are listed again. */
  setRules(workId: string, rules: readonly StatusRule[]): void;
  /** It is known now what was ordered of this work: compares what was seen before. Cheap when nothing is left to. */
  compare(workId: string): void;
  /** Watches one more kind; resolves when it was listed. Throws `ObjectNotFound` when it is not served. */
  watchKind(kind: { apiVersion: string; kind: string }): Promise<void>;
}

export interface OwnedWatchOptions {
  /** Something of this work changed (empty: of no single work). Called often: coalesce. */
  onChange(workId: string): void;
  onTrouble?(trouble: WatchTrouble): void;
  /** A kind that was in trouble is watched again. */
  onRecovered?(kind: string): void;
  /** What was applied to the object under the digest that it carries; undefined while that is not known. */
  ordered?(object: OwnedObject): Ordered | undefined;
  signal: AbortSignal;
}

export interface Ordered {
  manifest: JsonObject;
  stamp: Stamp;
  /** Fields that were left to others are ordered again. */
  reclaims?: boolean | undefined;
}

export interface MemberSchema {
  schema: ClusterSchema;
  /** Equal for equal schemas, on every machine. */
  digest: string;
}

/** One member cluster, as the agent uses it. Failures are `KubeError`s. */
export interface MemberCluster {
  /** Into its pods; undefined where there is nothing to go into, as in a simulation. */
  readonly podAccess?: PodAccess | undefined;
  serverVersion(bounds?: Bounds): Promise<string>;
  /** uid of its kube-system namespace: tells one cluster from another that answers at the same address. */
  clusterUid(bounds?: Bounds): Promise<string>;
  /** Server-side apply as Berth. A no-op leaves the resourceVersion as it was. */
  applyObject(manifest: JsonObject, stamp?: Stamp, bounds?: ApplyBounds): Promise<AppliedObject>;
  /** The object as it is, held against what is ordered; undefined when it is not there. */
  lookAt(ordered: Ordered, bounds?: Bounds): Promise<LiveObject | undefined>;
  /** Whether the server would take it as a new object, under another name. Stores nothing. */
  isCreatable(ordered: Ordered, bounds?: Bounds): Promise<boolean>;
  /** Gives the live number of replicas a second owner, so that Berth can leave it without a reset. */
  shareReplicas(target: ObjectRef & { uid: string }, replicas: number, bounds?: Bounds): Promise<void>;
  /** Sets the number of replicas, whoever had it. Berth's next apply has it too; then `releaseReplicas`. */
  takeReplicas(target: ObjectRef & { uid: string }, replicas: number, bounds?: Bounds): Promise<void>;
  releaseReplicas(target: ObjectRef & { uid: string }, bounds?: Bounds): Promise<void>;
  /** Marks an object as one that was there before, at exactly this version, whoever managed it. The first thing of a take-over. */
  markAdopted(object: LiveObject, bounds?: Bounds): Promise<void>;
  /** Takes Berth's labels, annotations and ownership off exactly this object, and leaves all else as it is. */
  letGo(target: ObjectRef & { uid: string }, bounds?: Bounds): Promise<DeletionResult>;
  /** Resolves when the kinds of this CustomResourceDefinition are served. */
  established(name: string, bounds?: Bounds): Promise<void>;
  /** Creates the namespace or brings its labels up to date. Throws `NamespaceNotOurs` for one without Berth's label. */
  ensureNamespace(name: string, labels?: Readonly<Record<string, string>>, bounds?: Bounds): Promise<AppliedObject>;
  /** Deletes exactly the object with this uid; dependents go in the background. A namespace goes only when empty. */
  deleteObject(target: ObjectRef & { uid: string }, bounds?: Bounds): Promise<DeletionResult>;
  watchOwned(options: OwnedWatchOptions): OwnedWatch;
  /**
   * Capacity from live watches of nodes and pods; the first call waits for their first lists, and the first with other
   * label keys for the nodes'.
   */
  inventory(bounds?: InventoryBounds): Promise<Omit<Inventory, 'reflected'>>;
  /** The fields that the server declares for the kinds that Berth renders. */
  schema(bounds?: Bounds): Promise<MemberSchema>;
  close(): Promise<void>;
}

/** A namespace of that name exists and was not made by Berth. */
export class NamespaceNotOurs extends Error {
  override name = 'NamespaceNotOurs';
  constructor(readonly namespace: string) {
    super(`namespace "${namespace}" exists and does not carry Berth's label`);
  }
}
