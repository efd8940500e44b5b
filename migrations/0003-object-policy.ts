import type { MigrationInterface, QueryRunner } from 'typeorm';

/** How a work's objects are kept, what its agent found beside counts, and orders to let an object go. */
export class ObjectPolicy1795400000003 implements MigrationInterface {
  name = 'ObjectPolicy1795400000003';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      -- NULL: every default.
      ALTER TABLE works ADD COLUMN policy jsonb;
      -- {drifts, conflicts, events}; NULL: none.
      ALTER TABLE work_status ADD COLUMN findings jsonb;
      ALTER TABLE tombstones ADD COLUMN mode text NOT NULL DEFAULT 'delete' CHECK (mode IN ('delete', 'let-go'));
      ALTER TABLE tombstones DROP CONSTRAINT tombstones_outcome_check;
      ALTER TABLE tombstones ADD CONSTRAINT tombstones_outcome_check
        CHECK (outcome IN ('deleted', 'absent', 'replaced', 'foreign-left', 'let-go'))`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      UPDATE tombstones SET outcome = 'absent' WHERE outcome = 'let-go';
      ALTER TABLE tombstones DROP CONSTRAINT tombstones_outcome_check;
      ALTER TABLE tombstones ADD CONSTRAINT tombstones_outcome_check
        CHECK (outcome IN ('deleted', 'absent', 'replaced', 'foreign-left'));
      ALTER TABLE tombstones DROP COLUMN mode;
      ALTER TABLE work_status DROP COLUMN findings;
      ALTER TABLE works DROP COLUMN policy`);
  }
}
