import { startEmbeddedPostgres } from '#platform';
import { migrateQueue } from '#queue';
import { migrateUp, type RuntimeRole, setRolePasswords } from '#store';

/** Where the parts find their database: one URL for each role. */
export interface LocalDatabase {
  urlFor(role: RuntimeRole): string;
  close(): Promise<void>;
}

/** A migrated PostgreSQL of our own, gone when it is closed. */
export async function startLocalDatabase(): Promise<LocalDatabase> {
  const server = await startEmbeddedPostgres();
  try {
    const { url } = server;
    await migrateUp(url);
    await migrateQueue(url, ['berth_scheduler']);
    const { password } = new URL(url);
    await setRolePasswords(server.superuserUrl, {
      berth_gateway: password,
      berth_scheduler: password,
      berth_hub: password,
    });
    return { urlFor: (role) => Object.assign(new URL(url), { username: role }).href, close: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}
