import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How a cluster's own scheduler chooses among its nodes. */
export class NodeScoring1795400000014 implements MigrationInterface {
  name = 'NodeScoring1795400000014';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE clusters
        ADD COLUMN node_scoring text NOT NULL DEFAULT 'least-allocated'
          CHECK (node_scoring IN ('least-allocated', 'most-allocated'))`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE clusters DROP COLUMN node_scoring`);
  }
}
