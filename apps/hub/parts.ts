import type { Clock, Ids } from '#domain';
import type { Logger } from '#platform';

export type HubLog = Logger;

/** What is handed in, so that a simulation can hand in its own. */
export interface HubSeams {
  log: HubLog;
  clock: Clock;
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
  authority: Symbol('hub:authority'),
  incarnation: Symbol('hub:incarnation'),
} as const;
