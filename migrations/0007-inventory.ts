import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which works an inventory does not reflect, by name, and what volumes can be made of. */
export class Inventory1795400000007 implements MigrationInterface {
  name = 'Inventory1795400000007';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- {work id: sequence}: what was ordered of this work beyond that sequence is not in the figures, whatever
      -- reflected_work_sequence says.
      ALTER TABLE cluster_capacity ADD COLUMN unreflected_works jsonb NOT NULL DEFAULT '{}';
      -- [{name, provisioner, isDefault, waitsForConsumer}]
      ALTER TABLE cluster_capacity ADD COLUMN storage_classes jsonb NOT NULL DEFAULT '[]'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE cluster_capacity DROP COLUMN storage_classes;
      ALTER TABLE cluster_capacity DROP COLUMN unreflected_works`);
  }
}
