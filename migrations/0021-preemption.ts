import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Applications that give way to one of a higher priority. Their room is kept for that one while their pods are going:
 * what is nominated in a cluster, less what is still reserved for those that leave it, is nobody else's.
 */
export class Preemption1795400000021 implements MigrationInterface {
  name = 'Preemption1795400000021';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- Of what a tenant has placed, the lowest priority.
      CREATE INDEX releases_placed_of_tenant ON releases (tenant_id, priority, updated_at DESC) WHERE phase = 'placed';

      -- What a release adds to a cluster once it is placed. Written and deleted under the cluster's lock, with its row.
      CREATE TABLE nominations (
        tenant_id text NOT NULL, project_id text NOT NULL, environment_id text NOT NULL, release_number bigint NOT NULL,
        application_uid uuid NOT NULL,
        cluster_id text NOT NULL REFERENCES clusters ON DELETE CASCADE,
        mcpu bigint NOT NULL, memory_bytes bigint NOT NULL, pods bigint NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, project_id, environment_id, release_number, cluster_id),
        FOREIGN KEY (tenant_id, project_id, environment_id, release_number) REFERENCES releases
      );
      CREATE INDEX nominations_in_cluster ON nominations (cluster_id);

      -- Works of applications that gave way, until they are gone, and which release it was for.
      CREATE TABLE preempted_works (
        work_id uuid PRIMARY KEY REFERENCES works ON DELETE CASCADE,
        tenant_id text NOT NULL, project_id text NOT NULL, environment_id text NOT NULL, application_uid uuid NOT NULL,
        for_project_id text NOT NULL, for_environment_id text NOT NULL, for_release_number bigint NOT NULL
      );
      CREATE INDEX preempted_works_of_application ON preempted_works (tenant_id, project_id, environment_id, application_uid);
      CREATE INDEX preempted_works_for ON preempted_works (tenant_id, for_project_id, for_environment_id, for_release_number);

      -- [{project, environment, application, number, priority}]: who would give way.
      ALTER TABLE plans ADD COLUMN preempts jsonb NOT NULL DEFAULT '[]';

      -- Who gave way to whom.
      CREATE TABLE preemptions (
        tenant_id text NOT NULL,
        project_id text NOT NULL, environment_id text NOT NULL, release_number bigint NOT NULL,
        application_id text NOT NULL, priority integer NOT NULL,
        for_project_id text NOT NULL, for_environment_id text NOT NULL, for_release_number bigint NOT NULL,
        for_application_id text NOT NULL, for_priority integer NOT NULL,
        -- Of the one that they gave way to.
        decision_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant_id, decision_id, project_id, environment_id, release_number)
      );
      CREATE INDEX preemptions_of ON preemptions (tenant_id, project_id, environment_id, application_id, created_at DESC);
      CREATE INDEX preemptions_for ON preemptions (tenant_id, for_project_id, for_environment_id, for_release_number);

      -- What is kept of each cluster, without saying for whom.
      CREATE VIEW fleet_nominations AS
        SELECT n.cluster_id, ${['mcpu', 'memory_bytes', 'pods']
          .map((amount) => `sum(greatest(0, n.${amount} - coalesce(leaving.${amount}, 0))) AS ${amount}`)
          .join(', ')}
        FROM nominations n
        LEFT JOIN LATERAL (
          SELECT sum(r.mcpu) AS mcpu, sum(r.memory_bytes) AS memory_bytes, sum(r.pods) AS pods
          FROM preempted_works p JOIN reservations r ON r.work_id = p.work_id
          WHERE p.tenant_id = n.tenant_id AND p.for_project_id = n.project_id AND p.for_environment_id = n.environment_id
            AND p.for_release_number = n.release_number AND r.cluster_id = n.cluster_id) leaving ON true
        GROUP BY n.cluster_id;
      GRANT SELECT ON fleet_nominations TO berth_gateway, berth_scheduler;
      GRANT SELECT, INSERT, DELETE ON nominations, preempted_works TO berth_scheduler;
      GRANT SELECT, INSERT ON preemptions TO berth_scheduler;
      GRANT SELECT, INSERT ON nominations, preempted_works, preemptions TO berth_gateway`);
    const own = `tenant_id = current_setting('berth.tenant', true) AND current_setting('berth.role', true) = 'tenant'`;
    for (const table of ['nominations', 'preempted_works', 'preemptions'])
      await queryRunner.query(`
        ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        CREATE POLICY owner ON ${table} TO CURRENT_USER USING (true) WITH CHECK (true);
        CREATE POLICY gateway ON ${table} TO berth_gateway USING (${own}) WITH CHECK (${own});
        CREATE POLICY scheduler ON ${table} TO berth_scheduler USING (true) WITH CHECK (true)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP VIEW fleet_nominations;
      DROP TABLE preemptions, preempted_works, nominations;
      ALTER TABLE plans DROP COLUMN preempts;
      DROP INDEX releases_placed_of_tenant`);
  }
}
