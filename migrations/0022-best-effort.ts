import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What best-effort pods are expected to use: a ledger beside what is reserved. Written under the cluster's lock with its
 * row; what of it the measure need not show yet is summed up under that lock, too.
 */
export class BestEffort1795400000022 implements MigrationInterface {
  name = 'BestEffort1795400000022';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- NULL: what it asks for is what it uses.
      ALTER TABLE reservations ADD COLUMN expected_mcpu bigint, ADD COLUMN expected_memory_bytes bigint,
        ADD COLUMN admitted_at timestamptz,
        ADD CHECK ((admitted_at IS NULL) = (expected_mcpu IS NULL) AND (admitted_at IS NULL) = (expected_memory_bytes IS NULL)),
        ADD CHECK (expected_mcpu >= 0 AND expected_memory_bytes >= 0);
      CREATE INDEX reservations_best_effort ON reservations (cluster_id, admitted_at) WHERE admitted_at IS NOT NULL;
      CREATE VIEW fleet_best_effort AS
        SELECT cluster_id, work_id, state, expected_mcpu, expected_memory_bytes, admitted_at FROM reservations
        WHERE admitted_at IS NOT NULL;
      GRANT SELECT ON fleet_best_effort TO berth_gateway, berth_scheduler;

      -- What left a cluster because its measure was too high: the measure falls only later.
      CREATE TABLE evictions (
        tenant_id text NOT NULL, project_id text NOT NULL, environment_id text NOT NULL, release_number bigint NOT NULL,
        generation bigint NOT NULL,
        cluster_id text NOT NULL REFERENCES clusters ON DELETE CASCADE,
        mcpu bigint NOT NULL, memory_bytes bigint NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (tenant_id, project_id, environment_id, release_number, generation, cluster_id)
      );
      CREATE INDEX evictions_in_cluster ON evictions (cluster_id, created_at);
      GRANT SELECT, INSERT, DELETE ON evictions TO berth_scheduler;
      ALTER TABLE evictions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      CREATE POLICY owner ON evictions TO CURRENT_USER USING (true) WITH CHECK (true);
      CREATE POLICY scheduler ON evictions TO berth_scheduler USING (true) WITH CHECK (true)`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TABLE evictions;
      DROP VIEW fleet_best_effort;
      ALTER TABLE reservations DROP COLUMN admitted_at, DROP COLUMN expected_memory_bytes, DROP COLUMN expected_mcpu`);
  }
}
