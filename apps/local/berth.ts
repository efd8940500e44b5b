import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { wire } from '#contract';
import { createLogger, type Logger, type RpcClient, startEmbeddedPostgres } from '#platform';
import { migrateUp, type RuntimeRole, setRolePasswords } from '#store';
import { type RunningHub, hubDefaults, startHub } from '../hub/index.js';

/** Where the parts find their database: one URL for each role. */
export interface LocalDatabase {
  urlFor(role: RuntimeRole): string;
  close(): Promise<void>;
}

/** A migrated PostgreSQL of our own, gone when it is closed. */
export async function startLocalDatabase(): Promise<LocalDatabase> {
  const server = await startEmbeddedPostgres();
  try {
    await migrateUp(server.url);
    const { password } = new URL(server.url);
    await setRolePasswords(server.superuserUrl, { berth_gateway: password, berth_scheduler: password, berth_hub: password });
    return { urlFor: (role) => Object.assign(new URL(server.url), { username: role }).href, close: () => server.close() };
  } catch (error) {
    await server.close();
    throw error;
  }
}
