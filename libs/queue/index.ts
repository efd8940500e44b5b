export { connectQueue, type QueueOptions } from './connect.js';
export {
  type JobHandler,
  type JobKind,
  type JobRef,
  JobsMiswired,
  type JobTable,
  type Queue,
  type QueueLog,
} from './jobs.js';
export { migrateQueue, queueSchema } from './postgres.js';
