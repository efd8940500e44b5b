import {
  assertSchemaCompatibility,
  createPostgresBackend,
  LATEST_SCHEMA_VERSION,
  runMigrations,
  SchemaMigrationRequiredError,
  withBackend,
} from 'bullmq';
import pg from 'pg';
import { Unavailable } from '#domain';
import type { ConnectBackend, StoredRef } from './backend.js';
import { listenTo, listenToWorker } from './events.js';

/** BullMQ's tables, apart from Berth's. */
export const queueSchema = 'berth_queue';

const OnPostgres = withBackend(createPostgresBackend);

const unavailable = (cause: unknown): Unavailable => new Unavailable({ dependency: "the queue's database" }, { cause });

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined); // the statement that meets it says so
  try {
    await client.connect();
  } catch (cause) {
    throw unavailable(cause);
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

const isCurrent = async (client: pg.Client): Promise<boolean> => {
  try {
    return (await assertSchemaCompatibility(client, queueSchema)) >= LATEST_SCHEMA_VERSION;
  } catch (error) {
    if (error instanceof SchemaMigrationRequiredError) return false;
    throw error;
  }
};

/**
 * Makes or renews the queue's schema, as the owner of the database, and lets `roles` use it. Idempotent; to be run with
 * the other migrations. A role that may create schemas does it itself when it connects.
 */
export async function migrateQueue(ownerUrl: string, roles: readonly string[]): Promise<void> {
  await withClient(ownerUrl, async (client) => {
    if (!(await isCurrent(client))) await runMigrations(client, queueSchema);
    // CREATE, in this schema only: adding many jobs at once makes BullMQ a sequence for the queue.
    for (const role of roles.map((name) => client.escapeIdentifier(name)))
      await client.query(`
        GRANT USAGE, CREATE ON SCHEMA ${queueSchema} TO ${role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${queueSchema} TO ${role};
        GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${queueSchema} TO ${role};
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${queueSchema} TO ${role}`);
  });
}

/** BullMQ on PostgreSQL: the queue of every installation that names no other. */
export const connectPostgres: ConnectBackend = async (url, events) => {
  await withClient(url, async (client) => {
    if (!(await isCurrent(client))) await runMigrations(client, queueSchema);
  });
  const connection = { connectionString: url, schema: queueSchema, max: 2, application_name: 'berth-queue' };
  return {
    queue: (name) => listenTo(new OnPostgres.Queue<StoredRef>(name, { connection }), events),
    worker: (name, process, concurrency) =>
      listenToWorker(
        new OnPostgres.Worker<StoredRef>(name, process, { connection, concurrency, autorun: false }),
        events,
      ),
    close: () => Promise.resolve(),
  };
};
