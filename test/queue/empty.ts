import { sqlState, sqlStateOf } from '#store';
import type { TestDatabase } from '../../libs/store/testing/database.js';

/**
 * Takes everything out of the queue at once, whatever it is doing: what losing it means. A worker may hold what the
 * emptying wants and the other way round; the one that PostgreSQL then ends is this one, and it begins again.
 */
export async function emptyQueue(database: TestDatabase): Promise<void> {
  const tables = await database.query<{ name: string }>(
    `SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'berth_queue' AND tablename <> 'migration'`,
  );
  const truncate = `TRUNCATE ${tables.map(({ name }) => `berth_queue.${name}`).join(', ')}`;
  for (let attempt = 1; ; attempt++) {
    try {
      await database.query(truncate);
      return;
    } catch (error) {
      if (sqlStateOf(error) !== sqlState.deadlockDetected || attempt === 20) throw error;
    }
  }
}
