import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What an agent's stream stands on as its certificate is renewed, and when an operator has revoked an agent. */
export class Certificates1795400000006 implements MigrationInterface {
  name = 'Certificates1795400000006';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- The certificate that the agent enrolled with; all that renew it, one after another, carry its serial.
      ALTER TABLE certificates ADD COLUMN first_serial text;
      UPDATE certificates SET first_serial = serial;
      ALTER TABLE certificates ALTER COLUMN first_serial SET NOT NULL;
      CREATE INDEX certificates_of_first ON certificates (first_serial, expires_at);

      -- Since then no certificate counts that the store does not know.
      ALTER TABLE cluster_agents ADD COLUMN revoked_at timestamptz;
      GRANT UPDATE (revoked_at) ON cluster_agents TO berth_gateway`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      REVOKE UPDATE (revoked_at) ON cluster_agents FROM berth_gateway;
      ALTER TABLE cluster_agents DROP COLUMN revoked_at;
      DROP INDEX certificates_of_first;
      ALTER TABLE certificates DROP COLUMN first_serial`);
  }
}
