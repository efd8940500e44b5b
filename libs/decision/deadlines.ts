/** By when a release must have left each phase, in milliseconds; the sweeper looks after those that have not. */
export const deadlines = {
  waiting: 60_000,
  /** A refused release is tried again then, even if nothing was seen to change. */
  refused: 600_000,
  /** The same for one whose room is kept, should it not have heard that others have left it. */
  preempting: 60_000,
  /** By then every cluster should have reported it ready. */
  placed: 600_000,
  /** By then those that gave way should have left: what is kept of their room is given up, and the release is decided anew. */
  nomination: 600_000,
  removing: 600_000,
  operation: 600_000,
} as const;
