import type {
  ApplicationSpec,
  Findings,
  Freshness,
  ObjectStatus,
  ReleasePhase,
  ReplicaCounts,
  StatusReason,
  WorkPhase,
} from '#domain';

/** Names one application. */
export interface ApplicationKey {
  tenant: string;
  project: string;
  application: string;
}

/** A release, as it is stored. */
export interface StoredRelease {
  tenant: string;
  project: string;
  environment: string;
  number: bigint;
  application: string;
  revision: bigint;
  configVersion: bigint;
  author: string;
  phase: ReleasePhase;
  generation: bigint;
  incarnation: string;
  createdAt: Date | string;
  deadline: Date | string | null;
  priority: number;
}

export interface StoredRefusal {
  reason: string;
  message?: string;
  facts?: Record<string, string>;
}

/** A release that still asks or holds, with what it was refused for and what its revision consists of. */
export interface ActiveRelease extends StoredRelease {
  refusals: readonly StoredRefusal[];
  /** Undefined when it is the application's latest revision. */
  components: readonly { name: string; replicas: number }[] | undefined;
}

/** One component in one cluster: what is wanted there and what its agent last said. */
export interface StoredWork {
  environment: string;
  component: string;
  cluster: string;
  wanted: boolean;
  generation: number;
  /** The allotment; null while the cluster is to hold nothing of it. */
  replicas: number | null;
  freshness: Freshness;
  /** Null until it was reported. */
  status: {
    generation: number;
    phase: WorkPhase;
    replicas: ReplicaCounts;
    reasons: readonly StatusReason[];
    objects: readonly ObjectStatus[];
    /** Null: none. */
    findings: Findings | null;
    reportedAt: string;
  } | null;
}

/** An application with everything that its state is derived from, read in one statement. */
export interface StoredApplication extends ApplicationKey {
  uid: string;
  version: bigint;
  revision: bigint;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
  spec: ApplicationSpec;
  releases: readonly ActiveRelease[];
  works: readonly StoredWork[];
}

export interface StoredRevision extends ApplicationKey {
  number: bigint;
  spec: ApplicationSpec;
  digest: string;
  author: string;
  createdAt: Date;
}
