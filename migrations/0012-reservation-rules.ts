import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which nodes reserved pods may go to: until an inventory shows them, they are counted on those and on no others. */
export class ReservationRules1795400000012 implements MigrationInterface {
  name = 'ReservationRules1795400000012';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- {"tolerations": [...], "nodeSelector": [...]}; NULL: any node without taints.
      ALTER TABLE reservations ADD COLUMN node_rules jsonb;
      CREATE OR REPLACE VIEW fleet_reservations AS
        SELECT cluster_id, work_id, state, replicas, replica_mcpu, replica_memory_bytes, work_sequence, node_rules
        FROM reservations`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP VIEW fleet_reservations;
      ALTER TABLE reservations DROP COLUMN node_rules;
      CREATE VIEW fleet_reservations AS
        SELECT cluster_id, work_id, state, replicas, replica_mcpu, replica_memory_bytes, work_sequence FROM reservations;
      GRANT SELECT ON fleet_reservations TO berth_gateway, berth_scheduler`);
  }
}
