import type { ClusterId, ClusterSchema, Instant, Millis } from '#domain';
import type { BacklogPage } from './backlog.js';
import type { WaitingAgent } from './conditions.js';
import type { Heartbeat, HeartbeatOutcome } from './heartbeats.js';
import type { CertificateStanding } from './identities.js';
import type { LineGrant, LineRequest, LineStanding } from './lines.js';
import type { StatusOutcome, StatusWrite } from './status-write.js';

/** What an agent's certificate says of itself. */
export interface AgentCertificate {
  serial: string;
  cluster: ClusterId;
  expiresAt: Instant;
}

/** Something of this cluster has changed: its works, or its facts; or a release came or moved on. */
export interface FleetNews {
  kind: 'work' | 'cluster' | 'release';
  /** Of a work or a cluster: the cluster. */
  resource: ClusterId;
  /** Of works: the sequence up to which there are some; undefined when it was not said. */
  sequence?: bigint | undefined;
}

/**
 * What the agents' line needs of the store. Each change is one transaction, on the store's clock. A lost connection is
 * `Unavailable`, whether the transaction had committed or not: every call may be made again.
 */
export interface AgentStore {
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  certificateStanding(certificate: AgentCertificate): Promise<CertificateStanding>;
  /**
   * Keeps the certificate that takes the place of the one with the serial `former`, and audits it. False, and nothing is
   * kept, when that one has been revoked.
   */
  recordRenewal(certificate: AgentCertificate, former: string): Promise<boolean>;
  /** Grants the next epoch of a cluster; from then on every write of an older one is refused. */
  openLine(request: LineRequest): Promise<LineGrant>;
  /** Says that the stream of this epoch is gone; a newer one is left as it is. */
  closeLine(line: { cluster: ClusterId; epoch: bigint }): Promise<void>;
  lineStandings(lines: readonly { cluster: ClusterId; serial: string }[]): Promise<LineStanding[]>;
  /** Keeps for operators that an agent waits for the line; told again and again while it does. */
  noteWaiting(waiting: WaitingAgent): Promise<void>;
  forgetWaiting(waiting: Pick<WaitingAgent, 'cluster' | 'instanceId'>): Promise<void>;
  /** Works and tombstones newer than `after`. */
  workBacklog(from: { cluster: ClusterId; after: bigint; items: number; bytes: number }): Promise<BacklogPage>;
  storeStatus(writes: readonly StatusWrite[]): Promise<StatusOutcome>;
  storeHeartbeats(beats: readonly Heartbeat[], leaseTtlMs: Millis): Promise<HeartbeatOutcome>;
  storeSchema(reported: { cluster: ClusterId; digest: string; schema: ClusterSchema }): Promise<void>;
  /** Keys of node labels that live releases select by, in order, at most `mostNodeLabelKeys`. */
  nodeLabelKeys(): Promise<readonly string[]>;
  /** Clusters whose lease ran out become unreachable; answers which. */
  sweepLeases(): Promise<ClusterId[]>;
  /** Announces clusters whose status counts as unknown by now, but for those `told` of already; answers all of them. */
  announceSilent(told: readonly ClusterId[]): Promise<ClusterId[]>;
  /** Brings what operators are told about clusters up to date; answers of which something else is told now. */
  sweepConditions(): Promise<ClusterId[]>;
  /** What changes from now on, in order; ends when the signal aborts, throws when it can't be followed any further. */
  news(signal: AbortSignal): AsyncIterable<readonly FleetNews[]>;
  /** Clusters with new works, told before `news` does: perhaps twice, perhaps never. Until what it returns is called. */
  hints(take: (cluster: ClusterId) => void): () => void;
}
