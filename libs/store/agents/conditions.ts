import type { ClusterConditionType, ClusterId, Millis } from '#domain';
import type { Transaction } from '../core/transaction.js';
import { cutOff } from './cut-off.js';
import { endRevokedLeases } from './sweep.js';

/** An agent that waits for another one's line. */
export interface WaitingAgent {
  cluster: ClusterId;
  instanceId: string;
  hostName: string;
  /** How long it has waited by now. */
  waitedMs: Millis;
}

/** Who was not seen waiting for so long waits no more: its hub is gone. */
const waitingFor = `interval '15 seconds'`;
/** Clocks that differ by less are nobody's concern; once told, it is told until they differ by no more than half of it. */
const skewFromMs: Millis = 60_000;

/** Of several that wait, one is kept. */
export async function noteWaiting(tx: Transaction, waiting: WaitingAgent): Promise<void> {
  await tx.query(
    `UPDATE cluster_agents SET waiting_instance_id = $2, waiting_host_name = $3, waiting_seen_at = clock_timestamp(),
       waiting_since = CASE WHEN waiting_instance_id = $2 AND waiting_seen_at IS NOT NULL THEN waiting_since
         ELSE clock_timestamp() - $4::bigint * interval '1 millisecond' END
     WHERE cluster_id = $1 AND (waiting_seen_at IS NULL OR waiting_instance_id = $2
       OR waiting_seen_at < clock_timestamp() - ${waitingFor})`,
    [waiting.cluster, waiting.instanceId, waiting.hostName, Math.round(waiting.waitedMs)],
  );
}

export async function forgetWaiting(
  tx: Transaction,
  waiting: Pick<WaitingAgent, 'cluster' | 'instanceId'>,
): Promise<void> {
  await tx.query(
    'UPDATE cluster_agents SET waiting_seen_at = NULL WHERE cluster_id = $1 AND waiting_instance_id = $2',
    [waiting.cluster, waiting.instanceId],
  );
}

const newToken = `'"berth cluster token ' || a.cluster_id || '" makes a token for a new one'`;
const who = (host: string, instance: string) =>
  `coalesce(nullif(${host}, ''), 'a host unknown') || ' (' || coalesce(nullif(left(${instance}, 8), ''), 'no instance told') || ')'`;

/** Rows `cluster_id, reason, message, since`; since NULL: since it is seen. */
const found: Readonly<Record<ClusterConditionType, string>> = {
  AgentConflict: `
    SELECT a.cluster_id, 'AnotherAgentWaits',
      'two agents run: ' || ${who('a.host_name', 'a.instance_id')} || ' holds the line, '
        || ${who('a.waiting_host_name', 'a.waiting_instance_id')} || ' waits for it; run only one agent for the cluster',
      a.waiting_since
    FROM cluster_agents a WHERE a.waiting_seen_at > clock_timestamp() - ${waitingFor}`,
  AgentRevoked: `
    SELECT a.cluster_id, 'RevokedByOperator', 'the agent was cut off, and none has enrolled since; ' || ${newToken},
      a.revoked_at
    FROM cluster_agents a WHERE ${cutOff('a')}`,
  CertificateExpired: `
    SELECT a.cluster_id, 'NotRenewed', 'the agent''s certificate ran out, and nothing has renewed it; ' || ${newToken},
      a.certificate_expires_at
    FROM cluster_agents a WHERE a.certificate_expires_at <= clock_timestamp()
      AND EXISTS (SELECT FROM certificates x WHERE x.cluster_id = a.cluster_id AND x.revoked_at IS NULL)`,
  ClockSkew: `
    SELECT a.cluster_id, CASE WHEN a.clock_ahead_ms > 0 THEN 'AgentClockAhead' ELSE 'AgentClockBehind' END,
      'the agent''s clock is ' || greatest(1, round(abs(a.clock_ahead_ms) / 60000.0)) || ' min '
        || CASE WHEN a.clock_ahead_ms > 0 THEN 'ahead of' ELSE 'behind' END
        || ' the store''s; beyond an hour its certificate would be refused: set the clocks (NTP)',
      NULL::timestamptz
    FROM cluster_agents a WHERE a.lease_expires_at > clock_timestamp()
      AND abs(a.clock_ahead_ms) >= CASE WHEN EXISTS (SELECT FROM cluster_conditions n
        WHERE n.cluster_id = a.cluster_id AND n.type = 'ClockSkew') THEN ${skewFromMs / 2} ELSE ${skewFromMs} END`,
  SameMember: `
    SELECT o.cluster_id, CASE WHEN bool_or(o.earlier) THEN 'RegisteredLater' ELSE 'MemberUidShared' END,
      'the same Kubernetes cluster is registered as ' || string_agg(o.other, ', ' ORDER BY o.other) || ', too; '
        || CASE WHEN bool_or(o.earlier)
          THEN 'nothing new is placed here, since ' || min(o.other) FILTER (WHERE o.first) || ' was registered earlier'
          ELSE 'what is new is placed here alone, since this one was registered first' END || ': remove all but one',
      NULL::timestamptz
    FROM (
      SELECT a.cluster_id, b.cluster_id AS other, (d.created_at, d.id) < (c.created_at, c.id) AS earlier,
        row_number() OVER (PARTITION BY a.cluster_id ORDER BY d.created_at, d.id) = 1 AS first
      FROM cluster_agents a JOIN clusters c ON c.id = a.cluster_id
        JOIN cluster_agents b ON b.member_uid = a.member_uid AND b.cluster_id <> a.cluster_id
        JOIN clusters d ON d.id = b.cluster_id
      WHERE a.member_uid <> '') o GROUP BY o.cluster_id`,
};

const foundSql = Object.entries(found)
  .map(([type, select]) => `SELECT t.*, '${type}' FROM (${select}) AS t (cluster_id, reason, message, since)`)
  .join(' UNION ALL ');

const sweepSql = `
  WITH found (cluster_id, reason, message, since, type) AS MATERIALIZED (${foundSql}),
  gone AS (
    DELETE FROM cluster_conditions n
    WHERE NOT EXISTS (SELECT FROM found f WHERE f.cluster_id = n.cluster_id AND f.type = n.type) RETURNING cluster_id),
  come AS (
    INSERT INTO cluster_conditions AS n (cluster_id, type, reason, message, since)
    SELECT cluster_id, type, reason, message, coalesce(since, clock_timestamp()) FROM found ORDER BY cluster_id, type
    ON CONFLICT (cluster_id, type) DO UPDATE SET reason = excluded.reason, message = excluded.message
    WHERE n.reason <> excluded.reason OR n.message <> excluded.message RETURNING cluster_id)
  SELECT cluster_id FROM gone UNION SELECT cluster_id FROM come`;

/**
 * Brings what is told of each cluster in line with what is so on the store's clock, and announces the clusters of which
 * something else is told now; answers which. What is so and told already is left alone: nothing is written for it.
 */
export async function sweepConditions(tx: Transaction): Promise<ClusterId[]> {
  await endRevokedLeases(tx);
  const rows = await tx.query<{ cluster_id: string }>(sweepSql, []);
  const changed = rows.map((row) => row.cluster_id);
  await tx.outbox.append(
    ...changed.map((cluster) => ({ tenant: undefined, kind: 'cluster' as const, resource: cluster })),
  );
  return changed;
}
