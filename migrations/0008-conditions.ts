import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What operators should see to, and the facts about agents that say so. */
export class Conditions1795400000008 implements MigrationInterface {
  name = 'Conditions1795400000008';

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      CREATE TABLE cluster_conditions (
        cluster_id text NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
        type text NOT NULL,
        reason text NOT NULL,
        message text NOT NULL,
        since timestamptz NOT NULL,
        PRIMARY KEY (cluster_id, type));
      GRANT SELECT, INSERT, UPDATE, DELETE ON cluster_conditions TO berth_hub;
      GRANT SELECT ON cluster_conditions TO berth_gateway;

      ALTER TABLE cluster_agents
        -- The agent that the present epoch was granted to; empty: it did not say.
        ADD COLUMN instance_id text NOT NULL DEFAULT '',
        ADD COLUMN host_name text NOT NULL DEFAULT '',
        -- Another one that waits until this one is gone, since when, and when it was last seen waiting.
        ADD COLUMN waiting_instance_id text,
        ADD COLUMN waiting_host_name text,
        ADD COLUMN waiting_since timestamptz,
        ADD COLUMN waiting_seen_at timestamptz,
        -- When its last heartbeat was stored.
        ADD COLUMN heard_at timestamptz,
        -- How far the agent's clock is ahead of the store's; NULL: it did not say.
        ADD COLUMN clock_ahead_ms bigint`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      ALTER TABLE cluster_agents
        DROP COLUMN clock_ahead_ms,
        DROP COLUMN heard_at,
        DROP COLUMN waiting_seen_at,
        DROP COLUMN waiting_since,
        DROP COLUMN waiting_host_name,
        DROP COLUMN waiting_instance_id,
        DROP COLUMN host_name,
        DROP COLUMN instance_id;
      DROP TABLE cluster_conditions`);
  }
}
