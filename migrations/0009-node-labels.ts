import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Node labels that live releases select by, and those by which a cluster's node classes are told apart. */
export class NodeLabels1795400000009 implements MigrationInterface {
  name = 'NodeLabels1795400000009';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- Keys in the required node selectors of its components.
      ALTER TABLE releases ADD COLUMN node_label_keys text[] NOT NULL DEFAULT '{}';
      CREATE INDEX releases_selecting ON releases (created_at)
        WHERE node_label_keys <> '{}' AND phase IN ('waiting', 'refused', 'placed');
      GRANT SELECT ON releases TO berth_hub;
      -- NULL: its agent tells no classes apart by labels.
      ALTER TABLE cluster_capacity ADD COLUMN label_keys text[]`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE cluster_capacity DROP COLUMN label_keys;
      REVOKE SELECT ON releases FROM berth_hub;
      DROP INDEX releases_selecting;
      ALTER TABLE releases DROP COLUMN node_label_keys`);
  }
}
