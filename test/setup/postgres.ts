import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '#platform';
import { migrateQueue } from '#queue';
import { migrateUp, runtimeRoles, setRolePasswords } from '#store';

/** One real PostgreSQL for the whole run; each test file takes a database of its own, copied from a migrated template. */
declare module 'vitest' {
  export interface ProvidedContext {
    postgres: { ownerUrl: string; superuserUrl: string; password: string };
  }
}

export const templateDatabase = 'berth_template';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startEmbeddedPostgres({ database: templateDatabase, settings: { max_connections: '300' } });
  const password = new URL(server.url).password;
  await migrateUp(server.url);
  await migrateQueue(server.url, ['berth_scheduler']);
  const passwords = Object.fromEntries(runtimeRoles.map((role) => [role, password]));
  await setRolePasswords(server.superuserUrl, { berth_gateway: '', berth_scheduler: '', berth_hub: '', ...passwords });
  const client = new pg.Client({ connectionString: server.superuserUrl.replace(templateDatabase, 'postgres') });
  await client.connect();
  // Without connections a database can be copied; nobody connects to the template from here on.
  await client.query(`ALTER DATABASE ${templateDatabase} WITH ALLOW_CONNECTIONS false`);
  await client.end();
  project.provide('postgres', { ownerUrl: server.url, superuserUrl: server.superuserUrl, password });
  return () => server.close();
}
