import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Works on their way out are found without looking at those that stay: the reaper asks with every report. */
export class WorksLeaving1795400000023 implements MigrationInterface {
  name = 'WorksLeaving1795400000023';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('CREATE INDEX works_leaving ON works (cluster_id, id) WHERE NOT wanted');
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP INDEX works_leaving');
  }
}
