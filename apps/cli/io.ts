import type { Clock } from '#domain';
import type { Input } from './terminal.js';

/** Where text goes. */
export interface Output {
  write(text: string | Uint8Array): void;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** All that the CLI has of the world outside. */
export interface Io {
  out: Output;
  err: Output;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  /** A number from 0 to 1: how reconnecting is spread out. */
  chance(): number;
  /** Fires on Ctrl-C. */
  signal: AbortSignal;
  /** The text of a file; `-` is standard input. */
  read(path: string): Promise<string>;
  /** Standard input, for commands that pass it on; absent where there is none. */
  input?: Input;
  /** Asks a person; absent when nobody is there to answer. */
  ask?(question: string): Promise<string>;
}
