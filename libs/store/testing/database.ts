import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import type { RuntimeRole } from '../core/migrate.js';
import { connectStore, type Store, type StoreOptions } from '../core/store.js';

/** A migrated database of real PostgreSQL, of its own for whoever asked for it. */
export interface TestDatabase {
  /** Connects as one of the run-time roles, as a Berth process would. */
  urlFor(role: RuntimeRole): string;
  /** Owner's and superuser's, for arranging and for looking past row-level security. */
  readonly ownerUrl: string;
  readonly superuserUrl: string;
  /** A store on it; closed with the database. */
  connect(role: RuntimeRole, options?: Omit<StoreOptions, 'url'>): Promise<Store>;
  /** One statement as superuser. */
  query<Row extends pg.QueryResultRow>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** Copies the template that `test/setup/postgres.ts` migrated: a fraction of a second. */
export async function startTestDatabase(): Promise<TestDatabase> {
  const { ownerUrl, superuserUrl, password } = inject('postgres');
  const template = new URL(ownerUrl).pathname.slice(1);
  const name = `berth_test_${randomBytes(6).toString('hex')}`;
  const inDatabase = (url: string, database: string): URL => Object.assign(new URL(url), { pathname: `/${database}` });
  await once(
    inDatabase(superuserUrl, 'postgres').href,
    `CREATE DATABASE ${name} TEMPLATE ${template} OWNER ${new URL(ownerUrl).username}`,
  );
  await once(inDatabase(superuserUrl, 'postgres').href, `ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`);
  const asRole = (role: RuntimeRole) =>
    Object.assign(inDatabase(superuserUrl, name), { username: role, password }).href;
  const pool = new pg.Pool({ connectionString: inDatabase(superuserUrl, name).href, max: 4 });
  pool.on('error', () => undefined); // ends with the database
  await pool.query(`UPDATE incarnation SET id = substr(replace(gen_random_uuid()::text, '-', ''), 1, 12)`);
  const stores: Store[] = [];
  return {
    urlFor: asRole,
    ownerUrl: inDatabase(ownerUrl, name).href,
    superuserUrl: inDatabase(superuserUrl, name).href,
    connect: async (role, options) => {
      const store = await connectStore({ ...options, url: asRole(role) });
      stores.push(store);
      return store;
    },
    query: async <Row extends pg.QueryResultRow>(sql: string, parameters: readonly unknown[] = []) =>
      (await pool.query<Row>(sql, [...parameters])).rows,
    close: async () => {
      await Promise.all(stores.map((store) => store.close()));
      await pool.end();
      await once(inDatabase(superuserUrl, 'postgres').href, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function once(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
