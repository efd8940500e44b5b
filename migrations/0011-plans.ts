import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Plans: decisions that were shown and not taken. Whoever hands one in with its content gets exactly that, in one
 * transaction of the gateway; so it may write what a decision writes, for its own tenant.
 */
export class Plans1795400000011 implements MigrationInterface {
  name = 'Plans1795400000011';

  async up(queryRunner: QueryRunner): Promise<void> {
    const own = `tenant_id = current_setting('berth.tenant', true) AND current_setting('berth.role', true) = 'tenant'`;
    await queryRunner.query(`
      CREATE TABLE plans (
        tenant_id text NOT NULL, id uuid NOT NULL,
        project_id text NOT NULL, environment_id text NOT NULL, application_id text NOT NULL,
        -- The etag that the application had; empty: it was not there.
        etag text NOT NULL,
        -- Of the content.
        digest text NOT NULL,
        -- [{component, cluster, replicas}], in order of component and cluster.
        allotments jsonb NOT NULL,
        -- False: everything is so already.
        changed boolean NOT NULL,
        author text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id, project_id, environment_id) REFERENCES environments
      );
      CREATE INDEX plans_by_expiry ON plans (expires_at);
      ALTER TABLE plans ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      CREATE POLICY owner ON plans TO CURRENT_USER USING (true) WITH CHECK (true);
      CREATE POLICY gateway ON plans TO berth_gateway USING (${own}) WITH CHECK (${own});
      CREATE POLICY scheduler ON plans TO berth_scheduler USING (true) WITH CHECK (true);
      GRANT SELECT, INSERT ON plans TO berth_gateway;
      GRANT SELECT, DELETE ON plans TO berth_scheduler;

      -- What is reserved where, without saying for whom: read with its owner's rights, a decision needs all of it.
      CREATE VIEW fleet_reservations AS
        SELECT cluster_id, work_id, state, replicas, replica_mcpu, replica_memory_bytes, work_sequence FROM reservations;
      GRANT SELECT ON fleet_reservations TO berth_gateway, berth_scheduler;

      -- A row belongs to the tenant of its work.
      ALTER TABLE work_objects ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      CREATE POLICY owner ON work_objects TO CURRENT_USER USING (true) WITH CHECK (true);
      CREATE POLICY scheduler ON work_objects TO berth_scheduler USING (true) WITH CHECK (true);
      CREATE POLICY gateway ON work_objects TO berth_gateway
        USING (EXISTS (SELECT FROM works w WHERE w.id = work_id))
        WITH CHECK (EXISTS (SELECT FROM works w WHERE w.id = work_id));

      GRANT SELECT ON cluster_schemas, reservations, work_objects TO berth_gateway;
      GRANT INSERT ON decisions TO berth_gateway;
      GRANT INSERT, UPDATE, DELETE ON placements, reservations, works, work_objects TO berth_gateway;
      GRANT UPDATE (work_sequence, reserved_mcpu, reserved_memory_bytes, reserved_pods) ON cluster_capacity TO berth_gateway`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      REVOKE UPDATE (work_sequence, reserved_mcpu, reserved_memory_bytes, reserved_pods) ON cluster_capacity FROM berth_gateway;
      REVOKE INSERT, UPDATE, DELETE ON placements, reservations, works, work_objects FROM berth_gateway;
      REVOKE INSERT ON decisions FROM berth_gateway;
      REVOKE SELECT ON cluster_schemas, reservations, work_objects FROM berth_gateway;
      DROP POLICY gateway ON work_objects;
      DROP POLICY scheduler ON work_objects;
      DROP POLICY owner ON work_objects;
      ALTER TABLE work_objects NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
      DROP VIEW fleet_reservations;
      DROP TABLE plans`);
  }
}
