import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { isJsonObject } from '#domain';
import { Unfulfilled } from './failure.js';
import { type Io, runCli } from './index.js';
import { processInput } from './terminal.js';

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
// A reader that goes away, like `head`, ends the program; it is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const read = async (path: string): Promise<string> => {
  if (path === '-') return await text(process.stdin);
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new Unfulfilled(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
};

const ask = async (question: string): Promise<string> => {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question, { signal: interrupted.signal });
  } finally {
    lines.close();
  }
};

const io: Io = {
  out: process.stdout,
  err: process.stderr,
  env: process.env,
  clock: { now: Date.now },
  chance: Math.random,
  signal: interrupted.signal,
  read,
  input: processInput(),
  ...(process.stdin.isTTY === true && process.stderr.isTTY === true ? { ask } : {}),
};

/** Beside `dist`, where this runs. */
const manifest: unknown = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'));
const version = isJsonObject(manifest) && typeof manifest.version === 'string' ? manifest.version : 'unknown';
process.exitCode = await runCli(process.argv.slice(2), io, version);
