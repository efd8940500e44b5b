import { Unavailable } from '#domain';
import { StartupError } from './startup.js';

/** Unavailable at start is the database: its one line says where, without the credentials in its URL. Else: as it was. */
export const databaseFailure = (where: { app: string; url: string }, error: unknown): unknown =>
  error instanceof Unavailable
    ? new StartupError(
        `${where.app}: the database at ${new URL(where.url).host} does not answer (BERTH_DATABASE_URL)`,
        {
          cause: error,
        },
      )
    : error;
