import type {
  ClusterFacts,
  ClusterId,
  ClusterPhase,
  ClusterTaint,
  NodeClass,
  OverSubscription,
  Resources,
  StorageClass,
} from '#domain';
import type { ExpectedUse } from '../request.js';
import type { PodRules } from './node-classes.js';

/** So many replicas of one size. */
export interface Batch {
  perReplica: Resources;
  replicas: number;
  /** Absent: any node without taints, as far as is known. */
  rules?: PodRules;
}

/** All that a decision may know of a cluster. */
export interface ClusterState extends ClusterFacts {
  taints: readonly ClusterTaint[];
  phase: ClusterPhase;
  /** The cluster that the same Kubernetes cluster was registered as before: this one takes nothing new. */
  sameMemberAs?: ClusterId | undefined;
  serverVersion: string;
  nodes: number;
  allocatable: Resources;
  /** Requests of pods that Berth did not place. */
  foreignRequests: Resources;
  /** Reservations that are held or releasing. */
  reserved: Resources;
  /** Room that is kept for those whose victims are leaving; absent: none. */
  nominated?: Resources;
  overSubscription: OverSubscription;
  /** p95 of measured use; undefined when the cluster serves no metrics. */
  measured: { mcpu: number; memoryBytes: number } | undefined;
  /** What best-effort pods are expected to use that the measure need not show yet; absent: nothing. */
  unmeasured?: ExpectedUse;
  /** False when the measure is too old to go by: requests alone count then. */
  measureFresh: boolean;
  /** Free nodes by shape; empty when unknown, then sums alone judge. */
  classes: readonly NodeClass[];
  /** Keys by which `classes` are told apart; undefined when nobody tells: then labels of nodes are not judged. */
  labelKeys?: readonly string[] | undefined;
  /** Reservations that the classes do not show yet. */
  unreflected?: readonly Batch[];
  /** Kinds served, as `apps/v1/Deployment`. */
  kinds: readonly string[];
  schemaId: string;
  /** What volumes can be made of; undefined when nobody tells: then it is not judged. */
  storageClasses?: readonly Pick<StorageClass, 'name' | 'isDefault'>[] | undefined;
  /** Grows with every change; an older state is ignored. */
  version: bigint;
}

/** What plug-ins read besides figures. */
export type ClusterDescription = Pick<
  ClusterState,
  | 'id'
  | 'region'
  | 'zone'
  | 'provider'
  | 'labels'
  | 'taints'
  | 'cordoned'
  | 'price'
  | 'carbonIntensity'
  | 'jurisdictions'
  | 'phase'
  | 'sameMemberAs'
  | 'serverVersion'
  | 'schemaId'
  | 'nodes'
  | 'storageClasses'
> & { kinds: ReadonlySet<string> };

/** A cluster that all filters admitted. */
export interface Candidate {
  cluster: ClusterDescription;
  slot: number;
}
