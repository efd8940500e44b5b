import type {
  ClusterSchema,
  Inventory,
  JsonObject,
  Millis,
  ObjectEvent,
  ObjectRef,
  StatusRule,
  TombstoneOutcome,
} from '#domain';
import type { ObjectIdentity } from '../client/objects.js';
import type { PodView } from './pods.js';
import type { Readiness } from './readiness.js';

export interface Bounds {
  signal?: AbortSignal | undefined;
  /** For the whole operation, retries included. */
  timeoutMs?: Millis | undefined;
}

export interface Stamp {
  labels?: Readonly<Record<string, string>>;
  annotations?: Readonly<Record<string, string>>;
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
  readiness: Readiness;
}

export interface WatchTrouble {
  kind: string;
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
  /** Watches one more kind; resolves when it was listed. Throws `ObjectNotFound` when it is not served. */
  watchKind(kind: { apiVersion: string; kind: string }): Promise<void>;
}

export interface OwnedWatchOptions {
  /** Something of this work changed (empty: of no single work). Called often: coalesce. */
  onChange(workId: string): void;
  onTrouble?(trouble: WatchTrouble): void;
  signal: AbortSignal;
}

export interface MemberSchema {
  schema: ClusterSchema;
  /** Equal for equal schemas, on every machine. */
  digest: string;
}

/** One member cluster, as the agent uses it. Failures are `KubeError`s. */
export interface MemberCluster {
  serverVersion(bounds?: Bounds): Promise<string>;
  /** uid of its kube-system namespace: tells one cluster from another that answers at the same address. */
  clusterUid(bounds?: Bounds): Promise<string>;
  /** Server-side apply as Berth, never forced. A no-op leaves the resourceVersion as it was. */
  applyObject(manifest: JsonObject, stamp?: Stamp, bounds?: Bounds): Promise<AppliedObject>;
  /** Creates the namespace or brings its labels up to date. Throws `NamespaceNotOurs` for one without Berth's label. */
  ensureNamespace(name: string, labels?: Readonly<Record<string, string>>, bounds?: Bounds): Promise<AppliedObject>;
  /** Deletes exactly the object with this uid; dependents go in the background. A namespace goes only when empty. */
  deleteObject(target: ObjectRef & { uid: string }, bounds?: Bounds): Promise<DeletionResult>;
  watchOwned(options: OwnedWatchOptions): OwnedWatch;
  /** Capacity from live watches of nodes and pods; the first call waits for their first lists. */
  inventory(bounds?: Bounds): Promise<Omit<Inventory, 'reflectedWorkSequence'>>;
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
