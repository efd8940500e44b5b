import type { ClusterId, Incarnation, Position } from '#domain';
import type { Transaction } from '../core/transaction.js';

export interface LineRequest {
  cluster: ClusterId;
  hubId: string;
  /** host:port at which gateways reach that hub. */
  hubAddress: string;
  agentVersion: string;
  /** uid of the member's kube-system namespace; empty when the agent can't say. */
  memberUid: string;
  /** One running agent, until it ends; empty: it does not say. */
  instanceId: string;
  /** Where it runs. */
  hostName: string;
  /** The last work that the agent holds. */
  resumeFrom: Position | undefined;
}

export type LineGrant =
  | {
      kind: 'granted';
      epoch: bigint;
      /** The last sequence of this cluster's works. */
      head: bigint;
      /** The agent holds everything up to here: 0 is nothing. */
      resumeFrom: bigint;
      /** Set when another member cluster spoke with this identity before. */
      formerMember: string | undefined;
    }
  /** The agent is ahead of the store: nothing was granted. */
  | { kind: 'diverged'; head: bigint }
  | { kind: 'cluster-unknown' };

/** The agent's row is locked before it is judged; one that is ahead of the store is granted nothing. */
const openSql = `
  WITH agent AS MATERIALIZED (
    SELECT a.cluster_id, a.member_uid, coalesce(c.work_sequence, 0) AS head
    FROM cluster_agents a LEFT JOIN cluster_capacity c USING (cluster_id) WHERE a.cluster_id = $1 FOR UPDATE OF a
  ), granted AS (
    UPDATE cluster_agents a SET epoch = a.epoch + 1, hub_id = $2, hub_address = $5, agent_version = $3, connected = true,
      member_uid = CASE WHEN $4 = '' THEN a.member_uid ELSE $4 END, status_sequence = 0, full_report_at = NULL,
      instance_id = $7, host_name = $8,
      waiting_seen_at = CASE WHEN a.waiting_instance_id = $7 THEN NULL ELSE a.waiting_seen_at END
    FROM agent WHERE a.cluster_id = agent.cluster_id AND agent.head >= $6::bigint RETURNING a.epoch
  )
  SELECT agent.member_uid, agent.head, (SELECT epoch FROM granted) AS epoch FROM agent`;

/** Grants the next epoch of a cluster; from then on every write of an older one is refused. */
export async function openLine(tx: Transaction, incarnation: Incarnation, request: LineRequest): Promise<LineGrant> {
  const { cluster, hubId, hubAddress, agentVersion, memberUid, instanceId, hostName } = request;
  const resumeFrom = request.resumeFrom?.incarnation === incarnation ? request.resumeFrom.sequence : 0n;
  const [agent] = await tx.query<{ member_uid: string; head: string; epoch: string | null }>(openSql, [
    ...[cluster, hubId, agentVersion, memberUid, hubAddress],
    ...[resumeFrom.toString(), instanceId, hostName],
  ]);
  if (agent === undefined) return { kind: 'cluster-unknown' };
  const head = BigInt(agent.head);
  if (agent.epoch === null) return { kind: 'diverged', head };
  const isOther = memberUid !== '' && agent.member_uid !== '' && agent.member_uid !== memberUid;
  return {
    kind: 'granted',
    epoch: BigInt(agent.epoch),
    head,
    resumeFrom,
    formerMember: isOther ? agent.member_uid : undefined,
  };
}

/** Says that the stream of this epoch is gone; a newer one is left as it is. The lease runs on. */
export async function closeLine(tx: Transaction, line: { cluster: ClusterId; epoch: bigint }): Promise<void> {
  await tx.query('UPDATE cluster_agents SET connected = false WHERE cluster_id = $1 AND epoch = $2', [
    line.cluster,
    line.epoch.toString(),
  ]);
}

/** How a line stands in the store: what a lost wake-up would have said. */
export interface LineStanding {
  cluster: ClusterId;
  /** Undefined when the cluster is gone. */
  epoch: bigint | undefined;
  head: bigint;
  revoked: boolean;
  /** On the store's clock, the certificate that the stream was opened with and all that renewed it have run out. */
  expired: boolean;
  /** An agent is connected, and its lease runs. */
  held: boolean;
}

interface StandingRow {
  cluster_id: string;
  epoch: string | null;
  work_sequence: string | null;
  revoked: boolean;
  expired: boolean;
  held: boolean;
}

/** Of many lines in one statement. */
export async function lineStandings(
  tx: Transaction,
  lines: readonly { cluster: ClusterId; serial: string }[],
): Promise<LineStanding[]> {
  const rows = await tx.query<StandingRow>(
    `SELECT l.cluster_id, a.epoch, c.work_sequence, coalesce(o.revoked_at IS NOT NULL, false) AS revoked,
       o.serial IS NOT NULL AND NOT EXISTS (
         SELECT FROM certificates x WHERE x.first_serial = o.first_serial AND x.revoked_at IS NULL
           AND x.expires_at > clock_timestamp()) AS expired,
       coalesce(a.connected AND a.lease_expires_at > clock_timestamp(), false) AS held
     FROM unnest($1::text[], $2::text[]) AS l(cluster_id, serial)
     LEFT JOIN certificates o ON o.serial = l.serial
     LEFT JOIN cluster_agents a ON a.cluster_id = l.cluster_id
     LEFT JOIN cluster_capacity c ON c.cluster_id = l.cluster_id`,
    [lines.map((each) => each.cluster), lines.map((each) => each.serial)],
  );
  return rows.map((row) => ({
    cluster: row.cluster_id,
    epoch: row.epoch === null ? undefined : BigInt(row.epoch),
    head: BigInt(row.work_sequence ?? '0'),
    revoked: row.revoked,
    expired: row.expired,
    held: row.held,
  }));
}
