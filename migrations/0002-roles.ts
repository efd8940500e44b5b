import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who may touch what. Run-time roles own nothing; row-level security is forced, so that even the owner is judged by it.
 * The gateway sees one tenant at a time (`berth.tenant`, set per transaction); scheduler and hub see across tenants,
 * but only the tables that they need.
 */
export class Roles1795300000002 implements MigrationInterface {
  name = 'Roles1795300000002';

  async up(queryRunner: QueryRunner): Promise<void> {
    for (const role of roles) await queryRunner.query(createRole(role));
    await queryRunner.query(rowSecurity());
    await queryRunner.query(gatewayGrants);
    await queryRunner.query(schedulerGrants);
    await queryRunner.query(hubGrants);
  }

  /** Roles belong to the whole server and may serve other databases: their rights here go, they stay. */
  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query('DROP FUNCTION authenticate_key(text)');
    for (const table of [...tenantTables, 'tenants']) {
      const policies = ['gateway', 'gateway_operator', 'scheduler', 'hub', 'owner'];
      for (const policy of policies) await queryRunner.query(`DROP POLICY IF EXISTS ${policy} ON ${table}`);
      await queryRunner.query(`ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY`);
    }
    for (const role of roles) {
      await queryRunner.query(`REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ${role}`);
      await queryRunner.query(`REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM ${role}`);
    }
  }
}

const roles = ['berth_gateway', 'berth_scheduler', 'berth_hub'] as const;

const createRole = (role: string) => `
  DO $$ BEGIN
    CREATE ROLE ${role} NOLOGIN;
  EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
  END $$;
  -- One long transaction holds the feed's horizon for everybody.
  ALTER ROLE ${role} SET statement_timeout = '10s';
  ALTER ROLE ${role} SET idle_in_transaction_session_timeout = '10s';
  ALTER ROLE ${role} SET lock_timeout = '8s'`;

/** Every table whose rows belong to a tenant. */
const tenantTables = [
  'projects',
  'environments',
  'api_keys',
  'applications',
  'revisions',
  'releases',
  'object_claims',
  'decisions',
  'placements',
  'reservations',
  'works',
  'tombstones',
  'work_status',
  'operations',
  'idempotency',
  'audit',
] as const;

/** Operators make tenants, projects, environments and keys; they read no application. */
const operatorTables = ['tenants', 'projects', 'environments', 'api_keys'];
/** Rows that may belong to the fleet instead of a tenant. */
const fleetTables = ['operations', 'audit'];

function rowSecurity(): string {
  const own = `current_setting('berth.tenant', true)`;
  const operator = `current_setting('berth.role', true) = 'operator'`;
  const parts = [...tenantTables, 'tenants'].map((table) => {
    const column = table === 'tenants' ? 'id' : 'tenant_id';
    const mine = `${column} = ${own} AND current_setting('berth.role', true) = 'tenant'`;
    return `
      ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
      CREATE POLICY owner ON ${table} TO CURRENT_USER USING (true) WITH CHECK (true);
      CREATE POLICY gateway ON ${table} TO berth_gateway USING (${mine}) WITH CHECK (${mine});
      CREATE POLICY scheduler ON ${table} TO berth_scheduler USING (true) WITH CHECK (true);
      CREATE POLICY hub ON ${table} TO berth_hub USING (true) WITH CHECK (true);`;
  });
  const operators = operatorTables.map(
    (table) =>
      `CREATE POLICY gateway_operator ON ${table} TO berth_gateway USING (${operator}) WITH CHECK (${operator});`,
  );
  const fleet = fleetTables.map(
    (table) =>
      `CREATE POLICY gateway_operator ON ${table} TO berth_gateway USING (${operator} AND tenant_id IS NULL) WITH CHECK (${operator});`,
  );
  const requests = `CREATE POLICY gateway_operator ON idempotency TO berth_gateway
    USING (${operator} AND tenant_id = '') WITH CHECK (${operator} AND tenant_id = '');`;
  return [...parts, ...operators, ...fleet, requests].join('\n');
}

const everybodyReads = 'incarnation, feed, feed_state, clusters, cluster_agents';

const gatewayGrants = `
  GRANT SELECT ON ${everybodyReads}, cluster_capacity, tenants, projects, environments, api_keys, applications, revisions,
    releases, object_claims, decisions, placements, works, tombstones, work_status, operations, idempotency TO berth_gateway;
  GRANT INSERT ON tenants, projects, environments, api_keys, applications, revisions, releases, object_claims, operations,
    idempotency, audit, outbox, clusters, cluster_capacity, cluster_agents, enrolment_tokens TO berth_gateway;
  GRANT UPDATE ON projects, environments, api_keys, applications, releases, operations, clusters TO berth_gateway;
  GRANT DELETE ON applications, object_claims, clusters TO berth_gateway;
  GRANT SELECT, UPDATE ON enrolment_tokens, certificates TO berth_gateway;

  -- A key is looked up before anybody knows whose it is; this is the one way round row-level security.
  CREATE FUNCTION authenticate_key(key text)
    RETURNS TABLE (tenant_id text, project_id text, role text, secret_hash bytea, expired boolean, revoked boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
    AS $$ SELECT k.tenant_id, k.project_id, k.role, k.secret_hash,
            k.expires_at IS NOT NULL AND k.expires_at <= clock_timestamp(), k.revoked_at IS NOT NULL
          FROM api_keys k WHERE k.id = key $$;
  REVOKE ALL ON FUNCTION authenticate_key(text) FROM PUBLIC;
  GRANT EXECUTE ON FUNCTION authenticate_key(text) TO berth_gateway`;

const sequencing = (role: string) => `
  GRANT SELECT, INSERT, DELETE ON outbox TO ${role};
  GRANT SELECT, INSERT ON feed TO ${role};
  GRANT SELECT, UPDATE ON feed_state TO ${role};`;

const schedulerGrants = `
  ${sequencing('berth_scheduler')}
  GRANT SELECT ON ${everybodyReads}, cluster_schemas, tenants, projects, environments, applications, revisions, releases,
    object_claims, decisions, placements, reservations, works, work_objects, work_status, tombstones, operations,
    idempotency, enrolment_tokens TO berth_scheduler;
  GRANT INSERT ON audit, decisions TO berth_scheduler;
  GRANT SELECT, UPDATE ON cluster_capacity TO berth_scheduler;
  GRANT INSERT, UPDATE, DELETE ON placements, reservations, works, work_objects, tombstones TO berth_scheduler;
  GRANT UPDATE ON projects, environments, releases, operations TO berth_scheduler;
  GRANT UPDATE, DELETE ON applications TO berth_scheduler;
  GRANT DELETE ON object_claims, revisions, work_status, feed, idempotency, enrolment_tokens TO berth_scheduler`;

const hubGrants = `
  ${sequencing('berth_hub')}
  GRANT SELECT ON ${everybodyReads}, works, tombstones, work_status TO berth_hub;
  GRANT UPDATE ON cluster_agents TO berth_hub;
  GRANT UPDATE (phase, updated_at) ON clusters TO berth_hub;
  GRANT SELECT, UPDATE ON cluster_capacity TO berth_hub;
  GRANT SELECT, INSERT ON cluster_schemas TO berth_hub;
  GRANT SELECT, INSERT, UPDATE ON certificates TO berth_hub;
  GRANT SELECT, UPDATE ON enrolment_tokens TO berth_hub;
  GRANT INSERT, UPDATE, DELETE ON work_status TO berth_hub;
  GRANT UPDATE (confirmed_at, outcome, message) ON tombstones TO berth_hub;
  GRANT INSERT ON audit TO berth_hub`;
