import type {
  ApplicationId,
  ClusterId,
  ComponentKind,
  ComponentName,
  EnvironmentId,
  Instant,
  NodeSelector,
  PlacementPolicy,
  PluginAnswer,
  Resources,
  TenantId,
  Toleration,
} from '#domain';

/** One component as the engine sees it: how many of which size. */
export interface RequestedComponent {
  name: ComponentName;
  kind: ComponentKind;
  /** Ignored for daemons: they run once on every node of each chosen cluster. */
  replicas: number;
  /** What one pod asks for; `pods` is 1. */
  perReplica: Resources;
  /**
   * CPU and memory that one pod is expected to use beyond what it asks for: admitted on what is measured as unused.
   * Absent: it asks for what it uses.
   */
  expected?: ExpectedUse | undefined;
  /** Taints of nodes that its pods tolerate: node classes with other taints are left out. */
  tolerations?: readonly Toleration[];
  /** Labels of nodes that its pods require: other classes are left out. Not judged for daemons: theirs run where it matches. */
  nodeSelector?: NodeSelector | undefined;
  /** What its volumes are made of, and whether they outlive its pods. Absent: it has none. */
  storage?: RequestedStorage | undefined;
  /** Devices that each pod asks for. */
  devices?: DeviceRequest | undefined;
}

export type ExpectedUse = Pick<Resources, 'mcpu' | 'memoryBytes'>;

/** What the volumes of a component ask of a cluster. */
export interface RequestedStorage {
  /** Storage classes by name; '' stands for the cluster's default. */
  classes: readonly string[];
  /** Where it is, its data is. */
  keepsData: boolean;
}

/** So many devices, or a part of one. */
export interface DeviceRequest {
  count: number;
  /** Of each, in thousandths; below 1000 `count` is 1. */
  milli: number;
  /** Allowed models; empty: any. */
  models: readonly string[];
}

/** A field or kind that a server of some schema does not know. */
export interface Mismatch {
  component: ComponentName;
  /** As `spec.template.spec.containers[0].livenessProbe.grpc`. */
  path: string;
  /** As `apps/v1/Deployment`. */
  kind: string;
}

/** Components that link to each other are one group: placed whole in every cluster that the group gets. */
export interface GroupRequest {
  components: readonly RequestedComponent[];
  policy: PlacementPolicy;
  /** Kinds that its objects need, as `apps/v1/Deployment`. */
  kinds?: readonly string[];
  /** By schema id, found before the decision; a schema that is not there has no mismatch. */
  mismatches?: ReadonlyMap<string, readonly Mismatch[]>;
  /** What plug-ins from outside said, asked before the decision. */
  external?: ExternalAnswers | undefined;
}

/** Answers of plug-ins about one group. */
export interface ExternalAnswers {
  /** The clusters that they were asked about, in the order of the answers' columns. */
  clusters: readonly ClusterId[];
  answers: readonly PluginAnswer[];
}

/** So many replicas of a component in one cluster. */
export interface Allotment {
  component: ComponentName;
  cluster: ClusterId;
  replicas: number;
  perReplica: Resources;
}

/** A cluster that holds a component. */
export interface Neighbour {
  /** Empty: the application that is being placed. */
  application: ApplicationId;
  component: ComponentName;
  cluster: ClusterId;
}

/** What is asked for: all groups are placed, or none. */
export interface PlacementRequest {
  tenant: TenantId;
  application: ApplicationId;
  environment: EnvironmentId;
  groups: readonly GroupRequest[];
  /** What this application holds now. It is part of the snapshot's reservations and is not asked for twice. */
  previous?: readonly Allotment[];
  /** The store's clock when it was asked for; absent: tolerations never end. */
  now?: Instant | undefined;
  /** Where the applications are that its policies name, besides itself. */
  neighbours?: readonly Neighbour[];
}
