/** Three times the hub's default lease: so long a silent agent's report counts as stale, then as unknown. */
export const staleFor = `interval '30 seconds'`;
