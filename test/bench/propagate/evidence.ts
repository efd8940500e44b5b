import type { BerthDatabase } from './database.js';
import type { BenchMember } from './members.js';

/** Requests that changed something or asked for Deployments, as an API server has counted them, by `VERB resource code`. */
export type RequestCounts = ReadonlyMap<string, number>;

const line = /^apiserver_request_total\{(.*)\} (\S+)$/;
const label = (labels: string, name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';

export async function requestCounts({ api }: BenchMember): Promise<RequestCounts> {
  const counts = new Map<string, number>();
  for (const text of (await api.text('/metrics')).split('\n')) {
    const [, labels, value] = line.exec(text) ?? [];
    if (labels === undefined) continue;
    const [verb, resource, code] = ['verb', 'resource', 'code'].map((name) => label(labels, name));
    const key = `${verb} ${resource} ${code}`;
    counts.set(key, (counts.get(key) ?? 0) + Number(value));
  }
  return counts;
}

/** What grew between two looks. */
export const grown = (before: RequestCounts, after: RequestCounts): Record<string, number> =>
  Object.fromEntries(
    [...after].map(([key, count]) => [key, count - (before.get(key) ?? 0)] as const).filter(([, count]) => count > 0),
  );

/** By plain GET. */
export async function deploymentsIn({ api }: BenchMember, prefix: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let token = ''; ; ) {
    const page = await api.get(`/apis/apps/v1/deployments?limit=500&continue=${encodeURIComponent(token)}`);
    const { items, metadata } = page as {
      items: { metadata: { name: string; namespace: string } }[];
      metadata: { continue?: string };
    };
    for (const { metadata: own } of items)
      if (own.name.startsWith(prefix)) counts[own.namespace] = (counts[own.namespace] ?? 0) + 1;
    token = metadata.continue ?? '';
    if (token === '') return counts;
  }
}

export async function databaseSettings({ query }: BerthDatabase): Promise<Record<string, string>> {
  const rows = await query<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings
     WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version', 'shared_buffers')`,
  );
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

const tables = [
  'applications',
  'releases',
  'decisions',
  'placements',
  'works',
  'work_objects',
  'reservations',
  'work_status',
  'audit',
  'outbox',
  'feed',
];

export async function databaseRows({ query }: BerthDatabase): Promise<Record<string, number>> {
  const counts = tables.map((table) => `SELECT '${table}' AS name, count(*)::int AS rows FROM ${table}`);
  const rows = await query<{ name: string; rows: number }>(counts.join(' UNION ALL '));
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]));
}

/** Transactions that committed since the server's figures began. */
export async function commits({ query }: BerthDatabase): Promise<number> {
  const sql = 'SELECT xact_commit::int AS commits FROM pg_stat_database WHERE datname = current_database()';
  return (await query<{ commits: number }>(sql))[0]?.commits ?? 0;
}
