import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Objects that say they are of a work, and of none that their cluster is to hold. */
export class Orphans1795400000005 implements MigrationInterface {
  name = 'Orphans1795400000005';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE cluster_orphans (
        cluster_id text NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
        uid text NOT NULL,
        api_version text NOT NULL,
        kind text NOT NULL,
        namespace text NOT NULL,
        name text NOT NULL,
        -- What its label says: no work that there is.
        work_id uuid NOT NULL,
        -- The report that named it last.
        epoch bigint NOT NULL,
        sequence bigint NOT NULL,
        first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (cluster_id, uid));
      GRANT SELECT, INSERT, UPDATE, DELETE ON cluster_orphans TO berth_hub;
      GRANT SELECT ON cluster_orphans TO berth_gateway`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP TABLE cluster_orphans');
  }
}
