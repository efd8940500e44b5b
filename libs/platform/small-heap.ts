import { setFlagsFromString } from 'node:v8';

/**
 * To be imported first by a program. Loading one makes much garbage in a moment; by itself V8 lets its heap grow for
 * that, and keeps what it has taken. From here on the collector prefers space to speed: a process of Berth waits for
 * Postgres and for API servers far longer than for memory.
 */
setFlagsFromString('--optimize-for-size');

/**
 * For a program that has started and that many wait for: a hub that a thousand agents report to spends three times the
 * CPU for each row in a heap that is kept small.
 */
export const preferSpeedFromHere = (): void => setFlagsFromString('--no-optimize-for-size');
