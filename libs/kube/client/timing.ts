import { setTimeout as sleep } from 'node:timers/promises';
import { type Chance, type Clock, type Millis, systemClock } from '#domain';

/** Time as the client spends it; handed in, so that a simulation can move it. */
export interface Timing {
  clock: Clock;
  chance: Chance;
  /** Resolves after `ms`; rejects with the signal's reason when that aborts first. */
  sleep(ms: Millis, signal: AbortSignal): Promise<void>;
}

export const systemTiming: Timing = {
  clock: systemClock,
  chance: Math.random,
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, { signal, ref: true });
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  },
};

export interface Backoff {
  firstMs: Millis;
  longestMs: Millis;
}

/** Exponential with full jitter over the upper half, so that a fleet does not come back in step. */
export const backoffMs = ({ firstMs, longestMs }: Backoff, failures: number, chance: Chance): Millis => {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.max(0, failures - 1));
  return ceiling / 2 + (ceiling / 2) * chance();
};

/**
 * Runs `work` under a signal that follows `outer` and aborts after `ms`; leaves no listener or timer behind.
 * Does not wait for `work` to notice: undici looks at a signal only once it has a connection.
 */
export async function withDeadline<T>(
  outer: AbortSignal | undefined,
  ms: Millis,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  const { signal } = controller;
  const follow = (): void => controller.abort(outer?.reason);
  const timer = setTimeout(() => controller.abort(late()), ms);
  outer?.addEventListener('abort', follow, { once: true });
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    return await Promise.race([work(signal), aborted]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', follow);
  }
}
