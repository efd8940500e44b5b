import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What waits is decided by priority, then in the order in which it came. */
export class Priority1795400000017 implements MigrationInterface {
  name = 'Priority1795400000017';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- As the release's revision declares it.
      ALTER TABLE releases ADD COLUMN priority integer NOT NULL DEFAULT 0;
      CREATE INDEX releases_waiting ON releases (priority DESC, updated_at, tenant_id, project_id, environment_id, number)
        WHERE phase = 'waiting';
      -- Asked for each release that waits; found among all that are placed it would be a walk over a tenant's applications.
      CREATE INDEX releases_removing ON releases (tenant_id, application_uid, project_id, environment_id)
        WHERE phase = 'removing'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP INDEX releases_removing;
      DROP INDEX releases_waiting;
      ALTER TABLE releases DROP COLUMN priority`);
  }
}
