import { CommanderError } from 'commander';
import { exitCodes, failureOf } from './failure.js';
import type { Io } from './io.js';
import { buildProgram } from './program.js';
import { openShell } from './shell.js';
import { colours, noColours } from './text/look.js';

export type { Io, Output } from './io.js';

/**
 * Runs one command line (without the program's name) and answers the exit code: 0 done, 1 refused or failed, 2 the
 * command line makes no sense, 130 ended by Ctrl-C before it was done. A fault of the CLI itself is thrown.
 */
export async function runCli(argv: readonly string[], io: Io, version: string): Promise<number> {
  const shell = openShell(io);
  const program = buildProgram(shell, version);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return shell.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const failure = failureOf(error, shell.server);
    if (failure === undefined) throw error;
    if (io.signal.aborted) return exitCodes.interrupted;
    const palette = io.err.isTTY === true && !io.env.NO_COLOR && !argv.includes('--no-color') ? colours : noColours;
    io.err.write(`${palette.red('error:')} ${failure.message}\n`);
    for (const line of failure.details) io.err.write(`  ${line}\n`);
    if (failure.hint !== undefined) io.err.write(`${failure.hint}\n`);
    return failure.exitCode;
  }
}
