import { setTimeout as pause } from 'node:timers/promises';
import { RpcError } from '#platform/client';
import type { Io } from '../io.js';

/** What a watcher gets: a message, or that everything begins anew and what it knew no longer counts. */
export type Followed<M> = { kind: 'message'; message: M } | { kind: 'anew' };

export interface FollowOptions<M> {
  /** Begins a watch where the token says; empty: with everything as it is now. */
  open(resumeToken: string, signal: AbortSignal): AsyncIterable<M>;
  io: Pick<Io, 'chance'>;
  signal: AbortSignal;
  /** The connection is gone; it will be tried again. */
  lost(error: RpcError | undefined): void;
}

const firstPauseMs = 200;
const longestPauseMs = 5_000;
const passing = new Set(['UNAVAILABLE', 'CANCELLED', 'DEADLINE_EXCEEDED', 'ABORTED', 'RESOURCE_EXHAUSTED']);

/**
 * Watches until `signal` fires, over lost connections: each new one resumes where the last one stopped. A token that
 * is no longer served begins anew. A watch that never began fails at once.
 *
 * @throws RpcError when Berth says no.
 */
export async function* follow<M extends { resumeToken: string }>(
  options: FollowOptions<M>,
): AsyncGenerator<Followed<M>, void, undefined> {
  const { signal } = options;
  let token = '';
  let begun = false;
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (begun && token === '') yield { kind: 'anew' };
      for await (const message of options.open(token, signal)) {
        begun = true;
        failures = 0;
        if (message.resumeToken !== '') token = message.resumeToken;
        yield { kind: 'message', message };
      }
      if (!signal.aborted) options.lost(undefined);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RpcError)) throw error;
      if (error.code === 'OUT_OF_RANGE' && token !== '') token = '';
      else if (!begun || !passing.has(error.code)) throw error;
      else options.lost(error);
    }
    const longest = Math.min(longestPauseMs, firstPauseMs * 2 ** failures);
    failures += 1;
    await pause(longest * (0.5 + options.io.chance() / 2), undefined, { signal }).catch(() => undefined);
  }
}
