import type { ClusterId, TombstoneReport, WorkStatus } from '#domain';

/** One report of one agent. */
export interface StatusWrite {
  cluster: ClusterId;
  epoch: bigint;
  sequence: bigint;
  works: readonly WorkStatus[];
  tombstones: readonly TombstoneReport[];
  /** Set with the last part of a full report: the sequence of its first part. Works reported before it are gone. */
  fullReportFrom: bigint | undefined;
}

export interface StatusOutcome {
  /** Writes of an epoch that is no longer the cluster's: nothing of them is stored. */
  superseded: StatusWrite[];
  /** Works that are not this cluster's; the rest of their report is stored. */
  strangers: { cluster: ClusterId; workId: string }[];
}
