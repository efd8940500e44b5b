import type { TestDatabase } from '../../libs/store/testing/database.js';

/** Takes everything out of the queue at once, whatever it is doing: what losing it means. */
export async function emptyQueue(database: TestDatabase): Promise<void> {
  const tables = await database.query<{ name: string }>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'berth_queue' AND tablename <> 'migration'`,
  );
  await database.query(`TRUNCATE ${tables.map(({ name }) => `berth_queue.${name}`).join(', ')}`);
}
