import { randomUUID } from 'node:crypto';
import type { DecisionRecord } from '#domain';
import { packRecord } from '../../libs/placement/testing/packed-record.js';
import type { TestDatabase } from '../../libs/store/testing/database.js';

interface Placed {
  application: string;
  component: string;
  cluster: string;
  replicas: number;
  /** What the cluster says instead of being ready: that it refuses this generation for good. */
  refused?: { generation: number; phase: 'failed' | 'degraded' };
}

const recordOf = ({ component, cluster, replicas }: Placed): DecisionRecord => ({
  engineVersion: 'test-1',
  policyHash: 'abcd',
  feedPosition: 7n,
  groups: [
    {
      components: [component],
      placed: true,
      refusal: undefined,
      division: [`${replicas} of ${component}`],
      clusters: [
        {
          cluster,
          outcome: 'chosen',
          filter: undefined,
          refusal: undefined,
          scores: [{ scorer: 'Headroom', score: 700, weight: 1 }],
          total: 700,
          allotments: { [component]: replicas },
        },
        {
          cluster: 'south',
          outcome: 'refused',
          filter: 'Cordon',
          refusal: { reason: 'cordoned', facts: {} },
          scores: [],
          total: 0,
          allotments: {},
        },
      ],
    },
  ],
});

function reportOf({ replicas, refused }: Placed, objects: object[]): unknown[] {
  if (refused === undefined) return [replicas, JSON.stringify(objects), 1, 'ready', '[]'];
  const reason = { reason: 'ObjectNotOurs', message: 'it is there already', count: 1 };
  const reasons = [{ ...reason, refusedGeneration: `${refused.generation}` }];
  return [0, '[]', 0, refused.phase, JSON.stringify(reasons)];
}

/** Plays scheduler, hub and agent: the newest release of an application is placed in a cluster and reported ready. */
export async function placeApplication(db: TestDatabase, placed: Placed): Promise<void> {
  const { application, component, cluster, replicas } = placed;
  await db.query(`INSERT INTO clusters (id, phase) VALUES ($1, 'ready') ON CONFLICT DO NOTHING`, [cluster]);
  await db.query(`INSERT INTO cluster_capacity (cluster_id) VALUES ($1) ON CONFLICT DO NOTHING`, [cluster]);
  await db.query(
    `INSERT INTO cluster_agents (cluster_id, epoch, lease_expires_at) VALUES ($1, 1, clock_timestamp() + interval '1 hour')
     ON CONFLICT DO NOTHING`,
    [cluster],
  );
  const [decision, work] = [randomUUID(), randomUUID()];
  const objects = [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      namespace: 'n',
      name: component,
      uid: 'uid-1',
      resourceVersion: '42',
      ready: true,
    },
  ];
  const [release] = await db.query<Record<string, string>>(
    `UPDATE releases SET phase = 'placed', generation = generation + 1 WHERE application_id = $1 AND phase = 'waiting' RETURNING *`,
    [application],
  );
  if (release === undefined) throw new Error(`${application} has no waiting release`);
  const place = [release.tenant_id, release.project_id, release.environment_id];
  await db.query(
    `INSERT INTO decisions (tenant_id, project_id, environment_id, id, release_number, placed, engine_version, policy_hash, feed_position, record)
     VALUES ($1, $2, $3, $4, $5, true, 'test-1', 'abcd', 7, $6)`,
    [...place, decision, release.number, Buffer.from(packRecord(recordOf(placed)))],
  );
  await db.query(
    `INSERT INTO placements (tenant_id, project_id, environment_id, application_uid, component, cluster_id, replicas, release_number, decision_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [...place, release.application_uid, component, cluster, replicas, release.number, decision],
  );
  await db.query(
    `INSERT INTO works (id, tenant_id, project_id, environment_id, cluster_id, application_id, application_uid, component, release_number, namespace, sequence, manifests)
     VALUES ($4, $1, $2, $3, $5, $6, $7, $8, $9, 'n', 1, '[]')`,
    [...place, work, cluster, application, release.application_uid, component, release.number],
  );
  await db.query(
    `INSERT INTO work_status (work_id, cluster_id, tenant_id, epoch, sequence, generation, phase, desired, updated, ready, unavailable, restarts, objects, reasons)
     VALUES ($1, $2, $3, 1, 1, $6, $7, $4, $4, $4, 0, 0, $5, $8)`,
    [work, cluster, release.tenant_id, ...reportOf(placed, objects)],
  );
}
