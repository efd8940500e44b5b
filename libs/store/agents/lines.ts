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

/** Agents' rows are locked before they are judged, in order of id; one that is ahead of the store is granted nothing. */
const openSql = `
  WITH asked AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])
      AS r(cluster_id, hub_id, agent_version, member_uid, hub_address, resume_from, instance_id, host_name)
  ), agent AS MATERIALIZED (
    SELECT a.cluster_id, a.member_uid, coalesce(c.work_sequence, 0) AS head
    FROM cluster_agents a LEFT JOIN cluster_capacity c USING (cluster_id) WHERE a.cluster_id = ANY($1)
    ORDER BY a.cluster_id FOR UPDATE OF a
  ), granted AS (
    UPDATE cluster_agents a SET epoch = a.epoch + 1, hub_id = r.hub_id, hub_address = r.hub_address,
      agent_version = r.agent_version, connected = true,
      member_uid = CASE WHEN r.member_uid = '' THEN a.member_uid ELSE r.member_uid END,
      status_sequence = 0, full_report_at = NULL, instance_id = r.instance_id, host_name = r.host_name,
      waiting_seen_at = CASE WHEN a.waiting_instance_id = r.instance_id THEN NULL ELSE a.waiting_seen_at END
    FROM agent JOIN asked r USING (cluster_id)
    WHERE a.cluster_id = agent.cluster_id AND agent.head >= r.resume_from RETURNING a.cluster_id, a.epoch
  )
  SELECT agent.cluster_id, agent.member_uid, agent.head, granted.epoch FROM agent LEFT JOIN granted USING (cluster_id)`;

interface OpenedRow {
  cluster_id: string;
  member_uid: string;
  head: string;
  epoch: string | null;
}

/**
 * Grants the next epoch of each cluster; from then on every write of an older one is refused. One request per cluster;
 * answers in the order of the requests.
 */
export async function openLines(
  tx: Transaction,
  incarnation: Incarnation,
  requests: readonly LineRequest[],
): Promise<LineGrant[]> {
  const asked = requests.map((request) => ({
    ...request,
    resumeFrom: request.resumeFrom?.incarnation === incarnation ? request.resumeFrom.sequence : 0n,
  }));
  const rows = await tx.query<OpenedRow>(openSql, [
    ...[asked.map((each) => each.cluster), asked.map((each) => each.hubId), asked.map((each) => each.agentVersion)],
    ...[asked.map((each) => each.memberUid), asked.map((each) => each.hubAddress)],
    ...[asked.map((each) => each.resumeFrom.toString()), asked.map((each) => each.instanceId)],
    asked.map((each) => each.hostName),
  ]);
  const opened = new Map(rows.map((row) => [row.cluster_id, row]));
  return asked.map((request) => grantOf(request, opened.get(request.cluster)));
}

function grantOf(asked: { memberUid: string; resumeFrom: bigint }, agent: OpenedRow | undefined): LineGrant {
  if (agent === undefined) return { kind: 'cluster-unknown' };
  const head = BigInt(agent.head);
  if (agent.epoch === null) return { kind: 'diverged', head };
  const isOther = asked.memberUid !== '' && agent.member_uid !== '' && agent.member_uid !== asked.memberUid;
  return {
    kind: 'granted',
    epoch: BigInt(agent.epoch),
    head,
    resumeFrom: asked.resumeFrom,
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
