import pg from 'pg';
import { startEmbeddedPostgres } from '#platform';
import { migrateQueue } from '#queue';
import { migrateUp, type RuntimeRole, setRolePasswords } from '#store';

/** Postgres for a Berth of several processes, each with its role. */
export interface BerthDatabase {
  /** Past row-level security, where the server is our own. */
  url: string;
  urlFor(role: RuntimeRole): string;
  query<Row extends pg.QueryResultRow>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  /** A server process of this database; the server itself is its parent, when it runs on this machine. */
  backendPid(): Promise<number>;
  close(): Promise<void>;
}

/** The database that was handed in (its owner must be past row-level security), or one of our own: fsync and all on. */
export async function startBerthDatabase(given: string | undefined): Promise<BerthDatabase> {
  const own = given === undefined ? await startEmbeddedPostgres() : undefined;
  const url = given ?? own?.url ?? '';
  await migrateUp(url);
  await migrateQueue(url, ['berth_scheduler']);
  const password = new URL(url).password || 'berth-bench';
  const passwords = { berth_gateway: password, berth_scheduler: password, berth_hub: password };
  await setRolePasswords(own?.superuserUrl ?? url, passwords);
  const pool = new pg.Pool({ connectionString: own?.superuserUrl ?? url, max: 1 });
  pool.on('error', () => undefined); // ends with the database
  const query = async <Row extends pg.QueryResultRow>(sql: string, parameters: readonly unknown[] = []) =>
    (await pool.query<Row>(sql, [...parameters])).rows;
  return {
    url: own?.superuserUrl ?? url,
    urlFor: (role) => Object.assign(new URL(url), { username: role, password }).href,
    query,
    backendPid: async () => (await query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))[0]?.pid ?? 0,
    close: async () => {
      await pool.end();
      await own?.close();
    },
  };
}
