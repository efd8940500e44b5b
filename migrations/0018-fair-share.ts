import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Of what waits with one priority, the tenant is served that holds least by its weight. */
export class FairShare1795400000018 implements MigrationInterface {
  name = 'FairShare1795400000018';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE tenants ADD COLUMN weight integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000);
      GRANT UPDATE (weight) ON tenants TO berth_gateway;
      -- What each tenant has waiting, the most urgent first.
      CREATE INDEX releases_waiting_of_tenant
        ON releases (tenant_id, priority DESC, updated_at, project_id, environment_id, number) WHERE phase = 'waiting'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP INDEX releases_waiting_of_tenant;
      REVOKE UPDATE (weight) ON tenants FROM berth_gateway;
      ALTER TABLE tenants DROP COLUMN weight`);
  }
}
