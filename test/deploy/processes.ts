import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { root } from './compose-file.js';

/** A process as a container would run it: its command, its environment and nothing else of ours. */
export interface RunningProcess {
  readonly name: string;
  /** Everything that it has printed. */
  output(): string;
  /** Resolves with the exit code when it has ended by itself. */
  readonly ended: Promise<number>;
  /** SIGTERM, as `docker stop` does; resolves with the exit code. */
  stop(): Promise<number>;
}

export function startProcess(
  name: string,
  [program = '', ...args]: readonly string[],
  environment: Readonly<Record<string, string>>,
): RunningProcess {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    program === 'node' ? process.execPath : program,
    args,
    { cwd: root, env: { PATH: process.env.PATH, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      printed += chunk;
    });
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => {
    if (typeof code === 'number') return code;
    throw new Error(`${name} was ended by ${String(signal)}:\n${printed}`);
  });
  ended.catch(() => undefined); // whoever waits for it is told
  return {
    name,
    output: () => printed,
    ended,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** Ports that nobody listens on now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
