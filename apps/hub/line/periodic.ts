import { setTimeout as sleep } from 'node:timers/promises';
import type { Millis } from '#domain';

/** Resolves after `ms`, or as soon as the signal aborts. */
export async function pause(ms: Millis, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Does `work` again and again, never twice at once, until the signal aborts. A failure is told and the next try comes. */
export async function repeatedly(options: {
  everyMs: Millis;
  signal: AbortSignal;
  work: () => Promise<void>;
  onFailure: (error: unknown) => void;
}): Promise<void> {
  const { everyMs, signal, work, onFailure } = options;
  while (!signal.aborted) {
    await pause(everyMs, signal);
    if (signal.aborted) return;
    try {
      await work();
    } catch (error) {
      onFailure(error);
    }
  }
}
