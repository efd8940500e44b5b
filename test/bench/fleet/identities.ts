import { connectStore, recordCertificate } from '#store';
import { newKey } from '../../../apps/agent/identity/identity.js';
import type { Authority } from '../../../apps/hub/authority/authority.js';
import type { BerthDatabase } from '../propagate/database.js';
import type { AgentSpec } from './messages.js';

/** Registers clusters as the gateway would, and signs a certificate for the agent of each with the hub's own authority. */
export async function enrolFleet(
  database: BerthDatabase,
  authority: Authority,
  clusters: readonly string[],
): Promise<AgentSpec[]> {
  await database.query(`INSERT INTO clusters (id) SELECT unnest($1::text[])`, [clusters]);
  await database.query(`INSERT INTO cluster_capacity (cluster_id) SELECT unnest($1::text[])`, [clusters]);
  await database.query(`INSERT INTO cluster_agents (cluster_id) SELECT unnest($1::text[])`, [clusters]);
  const specs: AgentSpec[] = [];
  const certificates: { serial: string; cluster: string; expiresAt: number }[] = [];
  for (const cluster of clusters) {
    const { privateKey, request } = await newKey();
    const { chain, serial, expiresAt } = await authority.issueForAgent(request, cluster);
    specs.push({ cluster, certificate: chain, privateKey });
    certificates.push({ serial, cluster, expiresAt });
  }
  const store = await connectStore({ url: database.urlFor('berth_hub') });
  try {
    await store.unitOfWork.run({ kind: 'system', actor: 'bench' }, async (tx) => {
      for (const certificate of certificates) await recordCertificate(tx, certificate);
    });
  } finally {
    await store.close();
  }
  return specs;
}
