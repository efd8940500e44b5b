import 'reflect-metadata';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { migrations } from '../../../migrations/index.js';
import { translateFailure } from './failures.js';

/** Database roles that run-time processes connect as. None of them owns a table. */
export const runtimeRoles = ['berth_gateway', 'berth_scheduler', 'berth_hub'] as const;
export type RuntimeRole = (typeof runtimeRoles)[number];

const dataSourceFor = (url: string) =>
  new DataSource({
    type: 'postgres',
    url,
    migrations: [...migrations],
    migrationsTransactionMode: 'each',
    applicationName: 'berth-migrate',
  });

/** Brings the schema up to date. `url` is the owner's; returns the names of the migrations that ran. */
export async function migrateUp(url: string): Promise<string[]> {
  const dataSource = dataSourceFor(url);
  try {
    await dataSource.initialize();
    const ran = await dataSource.runMigrations();
    return ran.map((migration) => migration.name);
  } catch (error) {
    throw translateFailure(error);
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

/** Takes back every migration, newest first. */
export async function migrateDown(url: string): Promise<void> {
  const dataSource = dataSourceFor(url);
  try {
    await dataSource.initialize();
    const executed = await dataSource.query<unknown[]>('SELECT * FROM migrations');
    for (const _ of executed) await dataSource.undoLastMigration();
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

/** Gives the run-time roles their passwords. */
export async function setRolePasswords(url: string, passwords: Readonly<Record<RuntimeRole, string>>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const role of runtimeRoles)
      await client.query(
        `ALTER ROLE ${client.escapeIdentifier(role)} LOGIN PASSWORD ${client.escapeLiteral(passwords[role])}`,
      );
  } finally {
    await client.end();
  }
}
