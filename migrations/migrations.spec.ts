import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { migrateDown, migrateUp } from '#store';
import { migrations } from './index.js';

const name = `berth_migrations_${randomBytes(4).toString('hex')}`;
let admin: pg.Client;
let url: string;

const inDatabase = (base: string, database: string) => Object.assign(new URL(base), { pathname: `/${database}` }).href;

beforeAll(async () => {
  const { superuserUrl, ownerUrl } = inject('postgres');
  admin = new pg.Client({ connectionString: inDatabase(superuserUrl, 'postgres') });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name} OWNER ${new URL(ownerUrl).username}`);
  url = inDatabase(ownerUrl, name);
});
afterAll(async () => {
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await admin.end();
});

/** Everything that makes a schema: columns, indexes, constraints, policies, grants. */
async function shape(): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(`
    SELECT 'column' AS what, table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') AS which
      FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'policy', tablename || ' ' || policyname || ' ' || roles::text || ' ' || coalesce(qual, '') FROM pg_policies
    UNION ALL SELECT 'grant', table_name || ' ' || grantee || ' ' || privilege_type FROM information_schema.role_table_grants
      WHERE table_schema = 'public' AND grantee LIKE 'berth\\_%'
    ORDER BY 1, 2`);
  await client.end();
  return rows;
}

it('goes up, down to nothing, and up to the same schema again', async () => {
  expect(await migrateUp(url)).toHaveLength(migrations.length);
  const first = await shape();
  expect(first.length).toBeGreaterThan(200);
  await migrateDown(url);
  const bare = await shape();
  expect(bare.filter((row) => !JSON.stringify(row).includes('migrations'))).toEqual([]);
  await migrateUp(url);
  expect(await shape()).toEqual(first);
  expect(await migrateUp(url), 'a second run finds nothing to do').toEqual([]);
});
