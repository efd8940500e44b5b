import { setTimeout as realSleep } from 'node:timers/promises';
import type { Millis } from '#domain';
import type { Sleep } from '../parts.js';

/** Waiting in real time. */
export const pause: Sleep = async (ms, signal) => {
  try {
    await realSleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
};

/** Does `work` again and again, never twice at once, until the signal aborts. A failure is told and the next try comes. */
export async function repeatedly(options: {
  sleep: Sleep;
  everyMs: Millis;
  signal: AbortSignal;
  work: () => Promise<void>;
  onFailure: (error: unknown) => void;
}): Promise<void> {
  const { sleep, everyMs, signal, work, onFailure } = options;
  while (!signal.aborted) {
    await sleep(everyMs, signal);
    if (signal.aborted) return;
    try {
      await work();
    } catch (error) {
      onFailure(error);
    }
  }
}
