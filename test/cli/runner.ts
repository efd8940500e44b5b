import { stripVTControlCharacters } from 'node:util';
import { systemClock } from '#domain';
import { runCli } from '../../apps/cli/index.js';
import type { Input } from '../../apps/cli/terminal.js';

export interface CliRun {
  code: number;
  out: string;
  err: string;
}

export interface RunOptions {
  server: string;
  key: string;
  /** What files hold, by path; `-` is standard input. */
  files?: Readonly<Record<string, string>>;
  /** Beside BERTH_SERVER and BERTH_API_KEY. */
  env?: Readonly<Record<string, string>>;
  /** What a person at the terminal answers. */
  answer?: string;
  signal?: AbortSignal;
  terminal?: boolean;
  /** What stands at standard input. */
  input?: Input;
}

/** Runs a command line as the program would, with its outputs kept. */
export function startCli(argv: readonly string[], options: RunOptions) {
  const kept = { out: '', err: '' };
  const { files = {}, env = {}, answer, terminal = false } = options;
  const output = (which: 'out' | 'err') => ({
    isTTY: terminal,
    columns: 200,
    write: (text: string | Uint8Array) => {
      kept[which] += typeof text === 'string' ? text : Buffer.from(text).toString();
    },
  });
  const done = runCli(
    argv,
    {
      out: output('out'),
      err: output('err'),
      env: { ...env, BERTH_SERVER: options.server, BERTH_API_KEY: options.key },
      clock: systemClock,
      chance: () => 0,
      signal: options.signal ?? new AbortController().signal,
      read: async (path) => {
        const text = files[path];
        if (text === undefined) throw new Error(`the test has no file ${path}`);
        return text;
      },
      ...(options.input === undefined ? {} : { input: options.input }),
      ...(answer === undefined ? {} : { ask: async () => answer }),
    },
    '0.0.0-test',
  );
  return { kept, done: done.then((code): CliRun => ({ code, ...kept })) };
}

export const cliOn =
  (server: string, key: string) =>
  (argv: readonly string[], options: Omit<RunOptions, 'server' | 'key'> = {}): Promise<CliRun> =>
    startCli(argv, { server, key, ...options }).done;

/** Lines without colours and the runs of spaces between columns. */
export const rowsOf = (text: string): string[] =>
  stripVTControlCharacters(text)
    .trimEnd()
    .split('\n')
    .map((line) => line.replaceAll(/ {2,}/g, ' | '));
