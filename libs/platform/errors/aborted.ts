/** Why a call's signal fired: its deadline passed, or its caller is gone. It is the signal's `reason`. */
export class CallAborted extends Error {
  override readonly name = 'CallAborted';

  constructor(
    readonly code: 'CANCELLED' | 'DEADLINE_EXCEEDED' | 'UNAVAILABLE',
    message: string,
  ) {
    super(message);
  }
}

export const deadlineExceeded = (): CallAborted =>
  new CallAborted('DEADLINE_EXCEEDED', 'the deadline of the call has passed');
export const cancelled = (): CallAborted => new CallAborted('CANCELLED', 'the caller has cancelled the call');
/** For who still writes to a call whose handler has returned. */
export const callEnded = (): CallAborted => new CallAborted('CANCELLED', 'the call has ended');
export const shuttingDown = (): CallAborted =>
  new CallAborted('UNAVAILABLE', 'the server is shutting down; call again');
