import { fieldsAt, type KubeObject, rfc3339 } from '../objects.js';
import { resourceNamed } from '../resources.js';
import { type ControllerContext, createUnlessRefused, reconcileEach } from './context.js';

const cronJobs = resourceNamed('cronjobs');
const events = resourceNamed('events');

/** A hollow cluster keeps CronJobs but keeps no schedule; an Event on each says so, and its status names no run. */
export function startCronJobs(context: ControllerContext): void {
  reconcileEach(context, cronJobs, (cronJob) => sayOnce(context, cronJob));
}

function sayOnce(context: ControllerContext, cronJob: KubeObject): void {
  const { name, namespace = '', uid, resourceVersion, deletionTimestamp } = cronJob.metadata;
  const eventName = `${name}.unscheduled`;
  if (deletionTimestamp !== undefined || context.store.get(events, namespace, eventName) !== undefined) return;
  const time = rfc3339(context.api.nowMs);
  createUnlessRefused(context, events, namespace, {
    metadata: { name: eventName },
    involvedObject: { apiVersion: cronJob.apiVersion, kind: cronJob.kind, name, namespace, uid, resourceVersion },
    type: 'Warning',
    reason: 'ScheduleNotKept',
    message: `hollow clusters do not run schedules: "${String(fieldsAt(cronJob, 'spec').schedule)}" starts no Jobs`,
    source: { component: 'cronjob-controller' },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  });
}
