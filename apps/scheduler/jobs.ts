import { deadlines } from '#decision';
import type { Logger } from '#platform';
import type { JobHandler, JobTable } from '#queue';
import { placementStore, type Store } from '#store';
import type { Sweeper } from './sweeping/sweeper.js';

/** Timers and chores. Each only does earlier what a scan does anyway, or what nobody waits for. */
export const schedulerJobs = {
  /** Asks again for a release whose refusal no change of the fleet will be seen to lift. */
  'release.retry': { attempts: 5, backoffMs: 1_000 },
  /** A deadline has come: the sweeper looks at once instead of at its next scan. */
  'release.deadline': { attempts: 1, backoffMs: 1_000 },
  housekeeping: { attempts: 1, backoffMs: 1_000, repeatEveryMs: 600_000 },
} as const satisfies JobTable;

export type SchedulerJob = keyof typeof schedulerJobs;

const retention = { idempotencyHours: 24, tokenHours: 7 * 24, feedHours: 24, tombstoneHours: 24, planHours: 24 };

/** A release's key is its job's id: `tenant/project/environment/number`. */
function releaseOf(id: string): placementStore.ReleaseRef | undefined {
  const [tenant, project, environment, number, ...rest] = id.split('/');
  if (tenant === undefined || project === undefined || environment === undefined || number === undefined)
    return undefined;
  return rest.length > 0 || !/^[0-9]+$/.test(number)
    ? undefined
    : { tenant, project, environment, number: BigInt(number) };
}

export function jobHandlers(parts: {
  store: Store;
  sweeper: Sweeper;
  log: Logger;
  name: string;
}): JobHandler<SchedulerJob>[] {
  const { store, sweeper, log, name } = parts;
  const principal = { kind: 'system' as const, actor: `scheduler/${name}` };
  return [
    {
      job: 'release.retry',
      handle: async ({ id, generation }) => {
        const release = releaseOf(id);
        if (release === undefined) return log.warn({ id }, 'job names no release');
        await store.unitOfWork.run(principal, (tx) =>
          placementStore.retryRelease(tx, { ...release, generation }, deadlines.waiting),
        );
      },
    },
    {
      job: 'release.deadline',
      handle: async () => {
        await sweeper.round();
      },
    },
    {
      job: 'housekeeping',
      handle: async () => {
        const trimmed = await store.unitOfWork.run(principal, (tx) => placementStore.trim(tx, retention));
        log.info({ ...trimmed }, 'housekeeping done');
      },
    },
  ];
}
