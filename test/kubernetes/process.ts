import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

export interface Program {
  binary: string;
  args: readonly string[];
  /** Its home, and where `<name>.log` goes. */
  dir: string;
  name?: string;
  /** Besides PATH and HOME. Default: a small heap for programs in Go. */
  env?: Readonly<Record<string, string>>;
}

/** A child that ended before it was asked to; carries the end of its log. */
export class ProgramEnded extends Error {
  override name = 'ProgramEnded';
}

export interface RunningProgram {
  readonly pid: number;
  /** Resolves once `probe` says yes; throws `ProgramEnded` when the program ends first. */
  ready(probe: () => Promise<boolean>, deadlineMs?: number): Promise<void>;
  /** SIGTERM, and SIGKILL for one that stays; resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
}

const alive = new Set<ChildProcess>();
let killsAtExit = false;

const killAtExit = (child: ChildProcess): void => {
  alive.add(child);
  child.once('exit', () => alive.delete(child));
  if (killsAtExit) return;
  killsAtExit = true;
  process.on('exit', () => {
    for (const left of alive) left.kill('SIGKILL');
  });
};

const logTail = async (file: string): Promise<string> =>
  (await readFile(file, 'utf8')).trimEnd().split('\n').slice(-12).join('\n');

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts a program with its output in a file and no environment but what it was given. */
export function startProgram({
  binary,
  args,
  dir,
  name = basename(binary),
  env = { GOGC: '50' },
}: Program): RunningProgram {
  const logFile = join(dir, `${name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(binary, args, {
    cwd: dir,
    env: { PATH: '/usr/bin:/bin', HOME: dir, ...env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  killAtExit(child);
  let failure: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (cause) => {
      failure = cause;
      resolve();
    });
  });
  const hasEnded = (): boolean => failure !== undefined || child.exitCode !== null || child.signalCode !== null;

  return {
    pid: child.pid ?? -1,
    async ready(probe, deadlineMs = 60_000) {
      const deadline = Date.now() + deadlineMs;
      while (!(await probe())) {
        if (hasEnded()) throw new ProgramEnded(`${name} ended early:\n${await logTail(logFile)}`, { cause: failure });
        if (Date.now() > deadline)
          throw new Error(`${name} was not ready in ${deadlineMs} ms:\n${await logTail(logFile)}`);
        await pause(100);
      }
    },
    async stop() {
      if (hasEnded()) return;
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), 4_000);
      await ended;
      clearTimeout(kill);
    },
    async kill() {
      if (hasEnded()) return;
      child.kill('SIGKILL');
      await ended;
    },
  };
}
