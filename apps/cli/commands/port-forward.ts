import { createServer, type Server, type Socket } from 'node:net';
import type { Command } from 'commander';
import { wire } from '#contract';
import { openChannel, RpcError } from '#platform/client';
import { exitCodes, failureOf, Unfulfilled, UsageError } from '../failure.js';
import type { Session } from '../session.js';
import type { Shell } from '../shell.js';
import { splitTarget } from './logs.js';

const examples = `
Examples:
  berth port-forward shop/web 8080            127.0.0.1:8080 is port 8080 of a ready pod, until Ctrl-C
  berth port-forward shop/web 3000:8080 9090:9091
  berth port-forward shop/web :8080 --cluster frankfurt    on a port that is free`;

interface ForwardOptions {
  cluster?: string;
  pod?: string;
  address: string;
}

interface Pair {
  local: number;
  remote: number;
}

const portForm = /^(?:(\d{0,9}):)?(\d{1,9})$/;

function pairOf(text: string): Pair {
  const match = portForm.exec(text);
  const remote = Number(match?.[2] ?? 0);
  const local = match?.[1] === undefined ? remote : Number(match[1]);
  if (match === null) throw new UsageError(`the ports are "${text}"; allowed is REMOTE, LOCAL:REMOTE or :REMOTE`);
  if (local > 65_535)
    throw new UsageError(`the local port of "${text}" is ${local}; allowed is 0 (any that is free) to 65535`);
  if (remote < 1 || remote > 65_535)
    throw new UsageError(`the pod's port of "${text}" is ${remote}; allowed is 1 to 65535`);
  return { local, remote };
}

export function addPortForward(program: Command, shell: Shell): void {
  const forward = program
    .command('port-forward')
    .argument('<name>', 'an application, or application/component')
    .argument('<ports...>', 'REMOTE, LOCAL:REMOTE or :REMOTE')
    .description('Pass connections at local ports on to a pod, until Ctrl-C.')
    .option('--cluster <cluster>', 'in this cluster')
    .option('--pod <pod>', 'to this pod; else to a ready one, chosen for each connection')
    .option('--address <address>', 'where to listen', '127.0.0.1')
    .addHelpText('after', examples);
  shell.on<ForwardOptions>(forward, async (session, [name = '', ...ports], options) => {
    const pairs = ports.map(pairOf);
    const { application, component } = splitTarget(name);
    const target = {
      name: session.names.application(application),
      environment: session.settings.environment,
      component,
      cluster: options.cluster === undefined ? '' : session.names.cluster(options.cluster),
      pod: options.pod ?? '',
    };
    return await forwardAll(session, target, pairs, options.address);
  });
}

type Target = { name: string; environment: string; component: string; cluster: string; pod: string };

async function forwardAll(session: Session, target: Target, pairs: readonly Pair[], address: string): Promise<number> {
  const { io } = session;
  const sockets = new Set<Socket>();
  const servers: Server[] = [];
  try {
    for (const { local, remote } of pairs) {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        void carry(session, target, remote, socket);
      });
      servers.push(server);
      session.say(`forwarding ${await listening(server, address, local)} to port ${remote}`);
    }
    await new Promise<void>((resolve) => {
      if (io.signal.aborted) resolve();
      io.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    return exitCodes.ok;
  } finally {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  }
}

function listening(server: Server, host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new Unfulfilled(`cannot listen on ${host}:${port}: ${cause.message}`)));
    server.listen(port, host, () => {
      const bound = server.address();
      resolve(`${host}:${typeof bound === 'object' && bound !== null ? bound.port : port}`);
    });
  });
}

/** One connection, over one of its own to Berth: a browser that does not read one page does not hold up another. */
async function carry({ io, settings, remark }: Session, target: Target, port: number, socket: Socket): Promise<void> {
  const channel = openChannel({
    address: settings.server,
    metadata: () => ({ authorization: `Bearer ${settings.apiKey}` }),
    ownConnection: true,
  });
  const stream = channel.client(wire.WorkloadService).portForward({ signal: io.signal });
  socket.on('error', () => stream.cancel());
  const passIn = async () => {
    await stream.write({ message: { case: 'open', value: { target, port } } });
    for await (const bytes of socket) await stream.write({ message: { case: 'data', value: bytes } });
  };
  void passIn().catch(() => undefined); // one side is gone, which ends the other below
  try {
    for await (const { message } of stream.messages)
      if (message.case === 'data' && !socket.write(message.value)) await drained(socket);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    const isOver = io.signal.aborted || error.code === 'CANCELLED';
    if (!isOver) remark(`connection to port ${port}: ${failureOf(error, settings.server)?.message ?? error.message}`);
  } finally {
    socket.end(() => socket.destroy());
    channel.close();
  }
}

const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', resolve);
  });
