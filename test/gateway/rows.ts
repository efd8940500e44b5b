import { expect } from 'vitest';
import type { TestDatabase } from '../../libs/store/testing/database.js';

/** Every table that a call could leave a trace in; the feed moves on its own. */
const tables = [
  'tenants',
  'projects',
  'environments',
  'api_keys',
  'applications',
  'revisions',
  'releases',
  'object_claims',
  'clusters',
  'cluster_capacity',
  'enrolment_tokens',
  'tunnels',
  'certificates',
  'operations',
  'idempotency',
  'audit',
  'works',
  'placements',
  'decisions',
  'reservations',
  'work_objects',
  'plans',
] as const;

/** The content of every table, as digests: equal only if no row was added, changed or taken. */
async function contentOf(db: TestDatabase): Promise<Record<string, unknown>> {
  const digests = tables.map(
    (table) => `(SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM ${table} t) AS ${table}`,
  );
  const [row] = await db.query<Record<string, unknown>>(`SELECT ${digests.join(', ')}`);
  return row ?? {};
}

/** Asserts that `work` leaves every row as it was. */
export async function rowsUnchangedBy(db: TestDatabase, work: () => Promise<void>): Promise<void> {
  const before = await contentOf(db);
  await work();
  expect(await contentOf(db)).toEqual(before);
}

/** `from` is a table with or without a condition. */
export async function countRows(db: TestDatabase, from: string): Promise<number> {
  const [row] = await db.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${from}`);
  return row?.count ?? 0;
}

/** The transactions that wrote the rows which are there now, with the tables that each wrote. */
export async function writersOf(db: TestDatabase): Promise<Map<string, string[]>> {
  const all = tables.map((table) => `SELECT DISTINCT xmin::text AS writer, '${table}' AS "table" FROM ${table}`);
  const rows = await db.query<{ writer: string; table: string }>(all.join(' UNION ALL '));
  const writers = new Map<string, string[]>();
  for (const { writer, table } of rows) writers.set(writer, [...(writers.get(writer) ?? []), table]);
  return writers;
}
