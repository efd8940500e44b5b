/** By when a release must have left each phase, in milliseconds; the sweeper looks after those that have not. */
export const deadlines = {
  waiting: 60_000,
  /** A refused release is tried again then, even if nothing was seen to change. */
  refused: 600_000,
  /** By then every cluster should have reported it ready. */
  placed: 600_000,
  removing: 600_000,
  operation: 600_000,
} as const;
