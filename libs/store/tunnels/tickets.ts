import type { ClusterId, JsonObject, Millis } from '#domain';
import type { Transaction } from '../core/transaction.js';

/** Gateways redeem at once: whatever lies around for longer is of no use to who finds it. */
const validMs: Millis = 30_000;

export interface NewTicket {
  id: string;
  secretHash: Uint8Array;
  cluster: ClusterId;
  /** What the agent is asked for. */
  order: JsonObject;
}

export async function insertTickets(
  tx: Transaction,
  by: { tenant: string; actor: string },
  tickets: readonly NewTicket[],
): Promise<void> {
  await tx.query(
    `INSERT INTO tunnels (id, tenant_id, actor, secret_hash, cluster_id, tunnel_order, expires_at)
     SELECT id, $1, $2, secret_hash, cluster_id, tunnel_order, clock_timestamp() + $3 * interval '1 ms'
     FROM unnest($4::uuid[], $5::bytea[], $6::text[], $7::jsonb[]) AS t(id, secret_hash, cluster_id, tunnel_order)`,
    [
      by.tenant,
      by.actor,
      validMs,
      tickets.map(({ id }) => id),
      tickets.map(({ secretHash }) => Buffer.from(secretHash)),
      tickets.map(({ cluster }) => cluster),
      tickets.map(({ order }) => JSON.stringify(order)),
    ],
  );
}

export interface RedeemedTicket {
  cluster: ClusterId;
  tenant: string;
  actor: string;
  order: JsonObject;
}

/** Uses a ticket up; undefined for one that is unknown, used or late: the three are never told apart. */
export async function redeemTicket(
  tx: Transaction,
  ticket: { id: string; secretHash: Uint8Array },
): Promise<RedeemedTicket | undefined> {
  await tx.query(`DELETE FROM tunnels WHERE expires_at < clock_timestamp() - interval '1 hour'`);
  const [row] = await tx.query<{ cluster_id: string; tenant_id: string; actor: string; tunnel_order: JsonObject }>(
    `UPDATE tunnels SET opened_at = clock_timestamp()
     WHERE id = $1 AND secret_hash = $2 AND opened_at IS NULL AND expires_at > clock_timestamp()
     RETURNING cluster_id, tenant_id, actor, tunnel_order`,
    [ticket.id, Buffer.from(ticket.secretHash)],
  );
  if (row === undefined) return undefined;
  return { cluster: row.cluster_id, tenant: row.tenant_id, actor: row.actor, order: row.tunnel_order };
}
