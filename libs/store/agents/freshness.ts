import type { Millis } from '#domain';

/** Three times the hub's default lease: so long a silent agent's report counts as stale, then as unknown. */
export const staleForMs: Millis = 30_000;
export const staleFor = `interval '${staleForMs} milliseconds'`;

/** fresh, stale or unknown, by the store's clock, of rows of `cluster_agents` and (perhaps none) of `work_status`. */
export const freshness = ({ agent, status }: { agent: string; status: string }): string =>
  `CASE WHEN ${agent}.lease_expires_at > clock_timestamp() AND (${status}.epoch IS NULL OR ${status}.epoch = ${agent}.epoch) THEN 'fresh'
      WHEN ${agent}.lease_expires_at > clock_timestamp() - ${staleFor} THEN 'stale' ELSE 'unknown' END`;
