import type { ClusterId } from '#domain';
import type { ApplicationKey } from '../applications/rows.js';
import type { Transaction } from '../core/transaction.js';

/** A component in a cluster that holds it, and whether its agent can be reached. */
export interface TunnelTarget {
  workId: string;
  component: string;
  cluster: ClusterId;
  /** Ready pods when the agent last told. */
  ready: number;
  /** An agent's line is open, and its lease runs. */
  connected: boolean;
  /** host:port of the hub that holds the line; empty when a hub never said. */
  hubAddress: string;
}

interface Row {
  work_id: string | null;
  component: string;
  cluster_id: string;
  ready: number;
  connected: boolean;
  hub_address: string;
}

/** In order of component, then cluster; undefined when the application is not there for this reader. */
export async function readTunnelTargets(
  tx: Transaction,
  key: ApplicationKey & { environment: string },
): Promise<TunnelTarget[] | undefined> {
  const rows = await tx.query<Row>(
    `SELECT w.id AS work_id, w.component, w.cluster_id, coalesce(s.ready, 0) AS ready, coalesce(g.hub_address, '') AS hub_address,
       coalesce(g.connected AND (g.lease_expires_at IS NULL OR g.lease_expires_at > clock_timestamp()), false) AS connected
     FROM applications a
     LEFT JOIN works w ON w.tenant_id = a.tenant_id AND w.project_id = a.project_id AND w.application_uid = a.uid
       AND w.environment_id = $4 AND w.wanted
     LEFT JOIN work_status s ON s.work_id = w.id
     LEFT JOIN cluster_agents g ON g.cluster_id = w.cluster_id
     WHERE a.tenant_id = $1 AND a.project_id = $2 AND a.id = $3 ORDER BY w.component, w.cluster_id`,
    [key.tenant, key.project, key.application, key.environment],
  );
  if (rows.length === 0) return undefined;
  return rows.flatMap(({ work_id, component, cluster_id, ready, connected, hub_address }) =>
    work_id === null
      ? []
      : [{ workId: work_id, component, cluster: cluster_id, ready, connected, hubAddress: hub_address }],
  );
}
