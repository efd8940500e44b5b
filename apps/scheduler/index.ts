import { randomBytes, randomUUID } from 'node:crypto';
import { type Ids, systemClock } from '#domain';
import { startNest } from '#platform';
import type { SchedulerConfig } from './config.js';
import { SchedulerModule, type SchedulerSeams } from './module.js';

export { type SchedulerConfig, schedulerDefaults } from './config.js';
export type { SchedulerSeams } from './module.js';

/** A scheduler at work. Any number may run on one database. */
export interface RunningScheduler {
  /** Ends the round that runs, then disconnects. */
  close(): Promise<void>;
}

const letters = 'abcdefghijklmnopqrstuvwxyz';

const ids: Ids = {
  uuid: randomUUID,
  shortId: (length) => Array.from(randomBytes(length), (byte) => letters[byte % letters.length]).join(''),
  secret: (bytes) => randomBytes(bytes),
};

/** Throws StartupError when its port is in use, Unavailable when database or queue do not answer. */
export async function startScheduler(
  config: SchedulerConfig,
  seams: Pick<SchedulerSeams, 'log'> & Partial<SchedulerSeams>,
): Promise<RunningScheduler> {
  const complete: SchedulerSeams = { clock: systemClock, ids, name: ids.shortId(8), ...seams };
  const app = await startNest(SchedulerModule.forRoot(config, complete), seams.log);
  return { close: () => app.close() };
}
