import { type Logger, StartupError } from '#platform';
import { migrateQueue } from '#queue';
import { migrateUp, setRolePasswords } from '#store';
import type { MigrateConfig } from './config.js';

export { type MigrateConfig, migrateConfigFrom } from './config.js';

/**
 * Brings the schemas of store and queue up to date and gives the run-time roles their passwords; again and again with the same end.
 *
 * @throws StartupError in one line when the database does not answer or refuses.
 */
export async function migrate({ databaseUrl, passwords }: MigrateConfig, log: Logger): Promise<void> {
  try {
    const ran = await migrateUp(databaseUrl);
    log.info({ ran }, ran.length === 0 ? 'schema is up to date' : 'schema migrated');
    await migrateQueue(databaseUrl, ['berth_scheduler']);
    await setRolePasswords(databaseUrl, passwords);
    log.info({ roles: Object.keys(passwords) }, 'roles may log in');
  } catch (cause) {
    const { host } = new URL(databaseUrl);
    throw new StartupError(`migrate: the database at ${host} (BERTH_DATABASE_URL): ${reasonOf(cause)}`, { cause });
  }
}

/** The innermost cause says what happened; those around it say where. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  if (error.cause !== undefined) return reasonOf(error.cause);
  return error.message.split('\n')[0] ?? error.name;
}
