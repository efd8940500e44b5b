/** Something outside the program keeps it from starting. The message is one line that an operator can act on. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** Several things outside the program keep it from starting; one line each. */
export class StartupErrors extends StartupError {
  constructor(readonly lines: readonly string[]) {
    super(lines.join('\n'));
  }
}

const systemCode = (error: unknown): string | undefined => {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
};

/** Says in one line why `app` cannot listen on host:port. `setting` is the environment variable that chooses it. */
export const cannotListen = (
  where: { app: string; host: string; port: number; setting?: string },
  cause: unknown,
): StartupError => {
  const setting = where.setting === undefined ? '' : ` (${where.setting})`;
  const port = `port ${where.host}:${where.port}`;
  const text = cause instanceof Error ? cause.message : String(cause);
  const code = systemCode(cause) ?? /\bE[A-Z]{4,}\b/.exec(text)?.[0];
  if (code === 'EADDRINUSE') {
    return new StartupError(`${where.app}: ${port} is in use${setting}; choose another or stop what listens there`, {
      cause,
    });
  }
  if (code === 'EACCES') {
    return new StartupError(`${where.app}: ${port} needs more rights${setting}; choose a port above 1023`, { cause });
  }
  return new StartupError(`${where.app}: cannot listen on ${port}${setting}: ${text.split('\n')[0]}`, { cause });
};
