import { newKey } from '../../../apps/agent/identity/identity.js';
import type { Authority } from '../../../apps/hub/authority/authority.js';
import type { BerthDatabase } from '../propagate/database.js';
import type { AgentSpec } from './messages.js';

/** Registers clusters as the gateway would, and signs a certificate for the agent of each with the hub's own authority. */
export async function enrolFleet(
  { query }: BerthDatabase,
  authority: Authority,
  clusters: readonly string[],
): Promise<AgentSpec[]> {
  await query(`INSERT INTO clusters (id) SELECT unnest($1::text[])`, [clusters]);
  await query(`INSERT INTO cluster_capacity (cluster_id) SELECT unnest($1::text[])`, [clusters]);
  await query(`INSERT INTO cluster_agents (cluster_id) SELECT unnest($1::text[])`, [clusters]);
  const specs: AgentSpec[] = [];
  const serials: string[] = [];
  for (const cluster of clusters) {
    const { privateKey, request } = await newKey();
    const { chain, serial } = await authority.issueForAgent(request, cluster);
    specs.push({ cluster, certificate: chain, privateKey });
    serials.push(serial);
  }
  await query(
    `INSERT INTO certificates (serial, cluster_id, expires_at)
     SELECT serial, cluster_id, clock_timestamp() + interval '1 day' FROM unnest($1::text[], $2::text[]) AS c(serial, cluster_id)`,
    [serials, clusters],
  );
  return specs;
}
