/** Milliseconds since the Unix epoch. */
export type Instant = number;
/** A length of time in milliseconds. */
export type Millis = number;

/** The one source of time. Handed in, so that scheduler, hub and agent can run on simulated time. */
export interface Clock {
  now(): Instant;
}

export const systemClock: Clock = { now: () => Date.now() };

/** A clock that moves only when told to. */
export interface ManualClock extends Clock {
  advance(by: Millis): void;
}

export function clockAt(start: string | Instant): ManualClock {
  let now = typeof start === 'string' ? Date.parse(start) : start;
  return {
    now: () => now,
    advance: (by) => {
      now += by;
    },
  };
}
