import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tickets for tunnels to agents (logs, exec, port-forward), and where the hub that holds an agent's line is found. */
export class Tunnels1795400000004 implements MigrationInterface {
  name = 'Tunnels1795400000004';

  async up(queryRunner: QueryRunner): Promise<void> {
    const own = `tenant_id = current_setting('berth.tenant', true) AND current_setting('berth.role', true) = 'tenant'`;
    await queryRunner.query(`
      -- host:port at which gateways reach the hub that holds the line.
      ALTER TABLE cluster_agents ADD COLUMN hub_address text NOT NULL DEFAULT '';

      -- A gateway writes one, the hub that it calls redeems it: once, and soon. What goes through a tunnel is kept nowhere.
      CREATE TABLE tunnels (
        id uuid PRIMARY KEY,
        tenant_id text NOT NULL REFERENCES tenants,
        actor text NOT NULL,
        secret_hash bytea NOT NULL,
        cluster_id text NOT NULL REFERENCES clusters ON DELETE CASCADE,
        -- What the agent is asked for, as berth.agent.v1.TunnelOrder in JSON.
        tunnel_order jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz NOT NULL,
        opened_at timestamptz
      );
      CREATE INDEX tunnels_by_expiry ON tunnels (expires_at);

      ALTER TABLE tunnels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      CREATE POLICY owner ON tunnels TO CURRENT_USER USING (true) WITH CHECK (true);
      CREATE POLICY gateway ON tunnels TO berth_gateway USING (${own}) WITH CHECK (${own});
      CREATE POLICY hub ON tunnels TO berth_hub USING (true) WITH CHECK (true);
      GRANT INSERT ON tunnels TO berth_gateway;
      GRANT SELECT, UPDATE (opened_at), DELETE ON tunnels TO berth_hub`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`
      DROP TABLE tunnels;
      ALTER TABLE cluster_agents DROP COLUMN hub_address`);
  }
}
