import { Unavailable } from '#domain';
import { isRetriable, sqlState, sqlStateOf } from '#store';

/** It says nothing about the decision: the same may succeed the next time. */
export function isTransient(error: unknown): boolean {
  const state = sqlStateOf(error);
  const waitedTooLong = state === sqlState.lockNotAvailable || state === sqlState.queryCanceled;
  return error instanceof Unavailable || isRetriable(error) || waitedTooLong;
}
