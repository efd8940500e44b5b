import type { Command } from 'commander';
import type { Io } from './io.js';
import { openSession, type Session } from './session.js';
import { type SharedOptions, settingsOf } from './settings.js';

/** What a command does. Answers its exit code; nothing is 0. */
export type Handler<O> = (session: Session, args: readonly string[], options: O) => Promise<number | undefined>;

/** One run of the CLI: commands hand in what they do and leave the exit code here. */
export interface Shell {
  readonly io: Io;
  exitCode: number;
  /** The server that was meant, for what is said about failures. */
  server: string;
  on<O extends object>(command: Command, handler: Handler<O>): void;
}

export function openShell(io: Io): Shell {
  const shell: Shell = {
    io,
    exitCode: 0,
    server: '',
    on: (command, handler) => {
      command.action(async () => {
        const options = command.optsWithGlobals<SharedOptions & Parameters<typeof handler>[2]>();
        const settings = settingsOf(options, io.env);
        shell.server = settings.server;
        const session = openSession(io, settings, options.color);
        try {
          const args = command.processedArgs.flat().filter((arg): arg is string => typeof arg === 'string');
          shell.exitCode = (await handler(session, args, options)) ?? 0;
        } finally {
          session.close();
        }
      });
    },
  };
  return shell;
}
