import type { Chance, Millis } from '#domain';
import type { MemberCluster, OwnedWatch, Timing } from '#kube';
import type { Logger } from '#platform/light';

export type AgentLog = Logger;

/** Tells one running agent from another of the same cluster. */
export interface AgentInstance {
  /** New with each start. */
  id: string;
  hostName: string;
}

/** What every part of an agent stands on. */
export interface AgentParts {
  member: MemberCluster;
  watch: OwnedWatch;
  timing: Timing;
  log: AgentLog;
  /** Absent: it does not say. */
  instance?: AgentInstance;
  /** Aborts when the agent ends. */
  signal: AbortSignal;
}

/** For a lost line: at its longest it leaves a fleet time to be in step again within 10 s of its hub's return. */
export const lostLine: { firstMs: Millis; longestMs: Millis } = { firstMs: 200, longestMs: 3_000 };

/** Full jitter over the upper half of an exponential rise, so that a fleet does not come back in step. */
export function backoffMs(failures: number, bounds: { firstMs: Millis; longestMs: Millis }, chance: Chance): Millis {
  const ceiling = Math.min(bounds.longestMs, bounds.firstMs * 2 ** Math.max(0, failures - 1));
  return ceiling / 2 + (ceiling / 2) * chance();
}

/** Sleeps; answers false when the signal aborted before. */
export async function rest(timing: Timing, ms: Millis, signal: AbortSignal): Promise<boolean> {
  try {
    await timing.sleep(ms, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
