import type { Millis } from '#domain';
import { ClusterUnreachable, KubeError, TooManyRequests } from './errors.js';
import { type Backoff, backoffMs, type Timing } from './timing.js';
import type { Answer, Call, CallOptions, Transport } from './transport.js';

export interface RetryPolicy extends Backoff {
  /** Tries in all. */
  tries: number;
  timeoutMs: Millis;
  /** For one try: its connection may have died without a word, and undici replaces one whose call was given up. */
  tryMs: Millis;
}

export const defaultRetries: RetryPolicy = {
  tries: 5,
  firstMs: 100,
  longestMs: 3_000,
  timeoutMs: 30_000,
  tryMs: 12_000,
};

const neverAborts = new AbortController().signal;

/** Sends once, and again after what passes by itself, within one budget of time. Only for calls that may repeat. */
export async function sendRepeatable(
  transport: Transport,
  call: Call,
  options: CallOptions,
  { timing, policy }: { timing: Timing; policy: RetryPolicy },
): Promise<Answer> {
  const budgetMs = options.timeoutMs ?? policy.timeoutMs;
  const deadline = timing.clock.now() + budgetMs;
  for (let failures = 0; ; ) {
    const leftMs = deadline - timing.clock.now();
    if (leftMs <= 0)
      throw new ClusterUnreachable({ call: `${call.method} ${call.path}` }, `no answer within ${budgetMs} ms`);
    try {
      return await transport.send(call, { signal: options.signal, timeoutMs: Math.min(leftMs, policy.tryMs) });
    } catch (error) {
      failures += 1;
      if (!(error instanceof KubeError) || !error.passing || failures >= policy.tries) throw error;
      const asked = error instanceof TooManyRequests ? (error.retryAfterMs ?? 0) : 0;
      const waitMs = Math.max(asked, backoffMs(policy, failures, timing.chance));
      if (timing.clock.now() + waitMs >= deadline) throw error;
      await timing.sleep(waitMs, options.signal ?? neverAborts);
    }
  }
}
