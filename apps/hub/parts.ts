import type { Clock, Ids, Millis } from '#domain';
import type { Logger } from '#platform';

export type HubLog = Logger;

/** Resolves after `ms`, or as soon as the signal aborts. */
export type Sleep = (ms: Millis, signal: AbortSignal) => Promise<void>;

/** What is handed in, so that a simulation can hand in its own. */
export interface HubSeams {
  log: HubLog;
  clock: Clock;
  sleep: Sleep;
  ids: Pick<Ids, 'secret'>;
  /** Names this process in the store. */
  hubId: string;
}

/** What the hub's parts are known by to Nest. */
export const hubParts = {
  config: Symbol('hub:config'),
  seams: Symbol('hub:seams'),
  log: Symbol('hub:log'),
  store: Symbol('hub:store'),
  /** The store as the agents' line uses it. */
  agents: Symbol('hub:agents'),
  authority: Symbol('hub:authority'),
  incarnation: Symbol('hub:incarnation'),
} as const;
