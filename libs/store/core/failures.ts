import { DomainError, Unavailable } from '#domain';

/** SQLSTATEs that Berth acts on (PostgreSQL documentation, appendix A). */
export const sqlState = {
  uniqueViolation: '23505',
  foreignKeyViolation: '23503',
  checkViolation: '23514',
  insufficientPrivilege: '42501',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
} as const;

/** The SQLSTATE of a failed statement, or undefined when the failure was not the server's answer. */
export function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/** The constraint that a violation names. */
export function constraintOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('constraint' in error)) return undefined;
  return typeof error.constraint === 'string' ? error.constraint : undefined;
}

/** The transaction lost a race that the database arbitrates: run again, it can win. */
export const isRetriable = (error: unknown): boolean => {
  const state = sqlStateOf(error);
  return state === sqlState.serializationFailure || state === sqlState.deadlockDetected;
};

const connectionClasses = ['08', '57P', '53'];

/** A lost or refused connection becomes a typed, retriable failure; what the server answered stays as it is. */
export function translateFailure(error: unknown): unknown {
  if (error instanceof DomainError) return error;
  const state = sqlStateOf(error);
  if (state === undefined ? isConnectionError(error) : connectionClasses.some((prefix) => state.startsWith(prefix)))
    return new Unavailable({ dependency: 'the database' }, { cause: error });
  return error;
}

const socketErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'ENOENT',
  'EHOSTUNREACH',
]);
/** node-postgres reports an ended connection by message alone; these are its texts. */
const lostConnection =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect)/;

function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && socketErrors.has(error.code)) return true;
  return lostConnection.test(error.message);
}
