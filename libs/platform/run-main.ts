import { StartupError } from './errors/startup.js';

/** What a program has running. `close` is called once, when the process is asked to end. */
export interface Running {
  close(): Promise<void>;
}

export interface RunMainOptions {
  /** Gets what nobody handled, before the process ends with 1. Default: one line on standard error. */
  onFatal?: (error: unknown) => void;
  /** A close() that takes longer is cut. Default 15 s. */
  closeTimeoutMs?: number;
}

/** What asks a program to end, with the number that its exit code then has above 128. */
const endings = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type Ending = keyof typeof endings;

const fatalLine = (error: unknown): void => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
};

const fail = (error: unknown, onFatal: (error: unknown) => void): never => {
  if (error instanceof StartupError) process.stderr.write(`${error.message}\n`);
  else onFatal(error);
  process.exit(1);
};

/**
 * The frame of every `main.ts`. Starts the program; a StartupError becomes its line(s) on standard error and exit
 * code 1, without a stack. SIGTERM, SIGINT or SIGHUP (the terminal has gone) close it in good order and end with 0; a
 * second signal ends at once.
 */
export const runMain = async (start: () => Promise<Running>, options: RunMainOptions = {}): Promise<void> => {
  const onFatal = options.onFatal ?? fatalLine;
  process.on('unhandledRejection', (reason) => fail(reason, onFatal));
  process.on('uncaughtException', (error) => fail(error, onFatal));
  let running: Running | undefined;
  let asked = false;
  const stop = async (signal: Ending): Promise<void> => {
    const code = 128 + endings[signal];
    if (asked || running === undefined) process.exit(code);
    asked = true;
    setTimeout(() => process.exit(1), options.closeTimeoutMs ?? 15_000).unref();
    await running.close();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('SIGHUP', () => void stop('SIGHUP'));
  try {
    running = await start();
  } catch (error) {
    fail(error, onFatal);
  }
};
