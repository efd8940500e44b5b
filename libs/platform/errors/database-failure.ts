import { Unavailable } from '#domain';
import { StartupError } from './startup.js';

interface Where {
  app: string;
  url: string;
}

const unanswered = (part: string, setting: string, { app, url }: Where, error: unknown): unknown =>
  error instanceof Unavailable
    ? new StartupError(`${app}: the ${part} at ${new URL(url).host} does not answer (${setting})`, { cause: error })
    : error;

/** Unavailable at start is the database: its one line says where, without the credentials in its URL. Else: as it was. */
export const databaseFailure = (where: Where, error: unknown): unknown =>
  unanswered('database', 'BERTH_DATABASE_URL', where, error);

/** The same of a queue that has a server of its own. */
export const queueFailure = (where: Where, error: unknown): unknown =>
  unanswered('queue', 'BERTH_QUEUE_URL', where, error);
