import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a cluster costs, what its power emits, and under whose law its data lies. */
export class ClusterCosts1795400000010 implements MigrationInterface {
  name = 'ClusterCosts1795400000010';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE clusters
        -- Millionths of a currency for a core and for a GiB of memory, an hour; both NULL: nobody said.
        ADD COLUMN core_hour_micros bigint CHECK (core_hour_micros >= 0),
        ADD COLUMN gib_hour_micros bigint CHECK (gib_hour_micros >= 0),
        -- Grams of CO2 for a kWh; NULL: nobody said.
        ADD COLUMN carbon_intensity integer CHECK (carbon_intensity >= 0),
        ADD COLUMN jurisdictions text[] NOT NULL DEFAULT '{}',
        ADD CHECK ((core_hour_micros IS NULL) = (gib_hour_micros IS NULL))`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE clusters
        DROP COLUMN jurisdictions,
        DROP COLUMN carbon_intensity,
        DROP COLUMN gib_hour_micros,
        DROP COLUMN core_hour_micros`);
  }
}
